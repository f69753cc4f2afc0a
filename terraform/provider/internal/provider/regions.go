package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"gazetteer/api/client"
)

// regionsData is what one region knows of all.
type regionsData struct{ dataOf }

func newRegions() datasource.DataSource { return &regionsData{} }

type regionsModel struct {
	Regions []knownModel `tfsdk:"regions"`
}

type knownModel struct {
	Name     string       `tfsdk:"name"`
	State    string       `tfsdk:"state"`
	Self     bool         `tfsdk:"self"`
	Lat      *float64     `tfsdk:"lat"`
	Lon      *float64     `tfsdk:"lon"`
	RTTMS    *float64     `tfsdk:"rtt_ms"`
	Lag      *float64     `tfsdk:"lag_seconds"`
	BiasMS   float64      `tfsdk:"bias_ms"`
	Replicas int64        `tfsdk:"replicas"`
	Servers  []entryModel `tfsdk:"servers"`
}

type entryModel struct {
	Node string `tfsdk:"node"`
	Peer string `tfsdk:"peer"`
	HTTP string `tfsdk:"http"`
}

func (*regionsData) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "gazetteer_regions"
}

func (*regionsData) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		Description: "The regions of the planet, as the region asked knows them.",
		Attributes: map[string]schema.Attribute{"regions": toldList("The regions, by name.", map[string]schema.Attribute{
			"name": told(types.StringType, "Its name."), "state": told(types.StringType, "live, draining, unreachable or expected."),
			"self": told(types.BoolType, "Whether it is the region asked."),
			"lat":  told(types.Float64Type, "Degrees north; null: not known."), "lon": told(types.Float64Type, "Degrees east; null: not known."),
			"rtt_ms":      told(types.Float64Type, "The round trip to it in milliseconds; null: not known."),
			"lag_seconds": told(types.Float64Type, "How old what is known of its writes may be; null: not known."),
			"bias_ms":     told(types.Float64Type, "What operators add to the round trip of every client."),
			"replicas":    told(types.Int64Type, "How many replicas it has."),
			"servers": toldList("Its regional servers.", map[string]schema.Attribute{
				"node": told(types.StringType, "The process."), "peer": told(types.StringType, "Where other servers reach it."),
				"http": told(types.StringType, "Where clients reach it; may be empty."),
			}),
		})},
	}
}

func (d *regionsData) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	regions, err := d.Regions(ctx)
	if err != nil {
		tell(&resp.Diagnostics, "The regions cannot be read", err, nowhere)
		return
	}
	m := regionsModel{Regions: []knownModel{}}
	for i := range regions {
		m.Regions = append(m.Regions, knownOf(&regions[i]))
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func knownOf(g *client.Region) knownModel {
	k := knownModel{Name: g.Name, State: g.State, Self: g.Self, Lat: g.Lat, Lon: g.Lon, RTTMS: g.RTTMS, Lag: g.LagSeconds,
		BiasMS: g.BiasMS, Replicas: int64(g.Stores), Servers: []entryModel{}}
	for _, s := range g.Servers {
		k.Servers = append(k.Servers, entryModel(s))
	}
	return k
}
