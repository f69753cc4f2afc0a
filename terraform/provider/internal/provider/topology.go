package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// topologyData is the tree as the region asked uses it.
type topologyData struct{ dataOf }

func newTopology() datasource.DataSource { return &topologyData{} }

type topologyModel struct {
	Epoch    string        `tfsdk:"epoch"`
	WeightMS float64       `tfsdk:"weight_ms"`
	Regions  []placedModel `tfsdk:"regions"`
	Edges    []edgeModel   `tfsdk:"edges"`
}

type placedModel struct {
	Name  string   `tfsdk:"name"`
	Lat   *float64 `tfsdk:"lat"`
	Lon   *float64 `tfsdk:"lon"`
	State string   `tfsdk:"state"`
}

type edgeModel struct {
	A           string  `tfsdk:"a"`
	B           string  `tfsdk:"b"`
	CostMS      float64 `tfsdk:"cost_ms"`
	Tree        bool    `tfsdk:"tree"`
	Provisional bool    `tfsdk:"provisional"`
}

func (*topologyData) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "gazetteer_topology"
}

func (*topologyData) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		Description: "The regions and the tree between them, as the region asked knows them.",
		Attributes: map[string]schema.Attribute{
			"epoch":     told(types.StringType, "The epoch of the tree in use; empty before the first."),
			"weight_ms": told(types.Float64Type, "The sum of the costs of the tree's edges."),
			"regions": toldList("The regions, by name.", map[string]schema.Attribute{
				"name": told(types.StringType, "Its name."), "state": told(types.StringType, "live, draining, unreachable or expected."),
				"lat": told(types.Float64Type, "Degrees north; null: not known."), "lon": told(types.Float64Type, "Degrees east; null: not known."),
			}),
			"edges": toldList("Pairs of regions, a before b.", map[string]schema.Attribute{
				"a": told(types.StringType, "A region."), "b": told(types.StringType, "Another one."),
				"cost_ms":     told(types.Float64Type, "The round trip in milliseconds."),
				"tree":        told(types.BoolType, "Whether the edge is of the tree in use."),
				"provisional": told(types.BoolType, "Whether it stands in for an edge that is gone."),
			}),
		},
	}
}

func (d *topologyData) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	t, err := d.Topology(ctx)
	if err != nil {
		tell(&resp.Diagnostics, "The topology cannot be read", err, nowhere)
		return
	}
	m := topologyModel{Epoch: t.Epoch, WeightMS: t.WeightMS, Regions: []placedModel{}, Edges: []edgeModel{}}
	for _, g := range t.Regions {
		m.Regions = append(m.Regions, placedModel(g))
	}
	for _, e := range t.Edges {
		m.Edges = append(m.Edges, edgeModel(e))
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
