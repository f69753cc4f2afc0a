package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"gazetteer"
	"gazetteer/api/client"
)

// resolveData is where a resource is, best first for a client.
type resolveData struct{ dataOf }

func newResolve() datasource.DataSource { return &resolveData{} }

type resolveModel struct {
	Type      string        `tfsdk:"type"`
	ID        string        `tfsdk:"id"`
	Lat       *float64      `tfsdk:"lat"`
	Lon       *float64      `tfsdk:"lon"`
	Country   *string       `tfsdk:"country"`
	IP        *string       `tfsdk:"ip"`
	Region    *string       `tfsdk:"region"`
	Filter    *string       `tfsdk:"filter"`
	Limit     *int64        `tfsdk:"limit"`
	Version   string        `tfsdk:"version"`
	ServedBy  string        `tfsdk:"served_by"`
	Staleness float64       `tfsdk:"staleness_seconds"`
	Locations []rankedModel `tfsdk:"locations"`
}

type rankedModel struct {
	ID         string            `tfsdk:"id"`
	URL        string            `tfsdk:"url"`
	Lat        *float64          `tfsdk:"lat"`
	Lon        *float64          `tfsdk:"lon"`
	Country    *string           `tfsdk:"country"`
	Labels     map[string]string `tfsdk:"labels"`
	DistanceKM *float64          `tfsdk:"distance_km"`
	State      string            `tfsdk:"state"`
	Score      float64           `tfsdk:"score"`
}

func (*resolveData) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "gazetteer_resolve"
}

func (*resolveData) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	word := func(what string, v []validator.String) schema.Attribute {
		return schema.StringAttribute{Optional: true, Validators: v, Description: what}
	}
	resp.Schema = schema.Schema{
		Description: "Where a resource is, best first for a client: at a place, in a country, or with an address; for Terraform's own machine if none is given.",
		Attributes: map[string]schema.Attribute{
			"type":    schema.StringAttribute{Required: true, Validators: aType(), Description: "The type."},
			"id":      schema.StringAttribute{Required: true, Validators: anID(), Description: "The id."},
			"lat":     schema.Float64Attribute{Optional: true, Validators: degrees(90, "lon"), Description: "Degrees north of the client."},
			"lon":     schema.Float64Attribute{Optional: true, Validators: degrees(180, "lat"), Description: "Degrees east of the client."},
			"country": word("The client's country, such as DE.", aCountry()),
			"ip":      word("The client's address.", something()),
			"region":  word("The region that is to answer.", aRegion()),
			"filter":  word("Which locations, such as tier=gold.", something()),
			"limit":   schema.Int64Attribute{Optional: true, Validators: whole(1, 1000), Description: "How many at most."},

			"version":           told(types.StringType, "The record's version."),
			"served_by":         told(types.StringType, "The region that answered."),
			"staleness_seconds": told(types.Float64Type, "How old its knowledge may be."),
			"locations": toldList("The locations, best first.", map[string]schema.Attribute{
				"id": told(types.StringType, "Its id."), "url": told(types.StringType, "Its URL."),
				"lat": told(types.Float64Type, "Degrees north; null: not known."), "lon": told(types.Float64Type, "Degrees east; null: not known."),
				"country":     told(types.StringType, "Its country; null: not known."),
				"labels":      schema.MapAttribute{Computed: true, ElementType: types.StringType, Description: "Its labels."},
				"distance_km": told(types.Float64Type, "How far it is; null: not known."),
				"state":       told(types.StringType, "What is known of its health."),
				"score":       told(types.Float64Type, "Lower is better."),
			}),
		},
	}
}

func (d *resolveData) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var q resolveQuestion
	resp.Diagnostics.Append(q.read(ctx, req)...)
	if resp.Diagnostics.HasError() {
		return
	}
	a, err := d.Resolve(ctx, q.query())
	if err != nil {
		tell(&resp.Diagnostics, "There is no answer", err, asParameter)
		return
	}
	q.hold(&a)
	resp.Diagnostics.Append(resp.State.Set(ctx, &q.resolveModel)...)
}

// asParameter finds the argument of a query's parameter: they are named alike.
func asParameter(pointer string) (path.Path, bool) {
	switch pointer {
	case "lat", "lon", "country", "ip", "region", "filter", "limit":
		return path.Root(pointer), true
	}
	return path.Empty(), false
}

// resolveQuestion is what of the model the configuration says.
type resolveQuestion struct{ resolveModel }

func (q *resolveQuestion) read(ctx context.Context, req datasource.ReadRequest) (all diagnostics) {
	for name, to := range map[string]any{"type": &q.Type, "id": &q.ID, "lat": &q.Lat, "lon": &q.Lon, "country": &q.Country,
		"ip": &q.IP, "region": &q.Region, "filter": &q.Filter, "limit": &q.Limit} {
		all.Append(req.Config.GetAttribute(ctx, path.Root(name), to)...)
	}
	return all
}

func (q *resolveQuestion) query() client.Query {
	c := client.Query{Type: q.Type, ID: q.ID, Country: orZero(q.Country), IP: orZero(q.IP), Region: orZero(q.Region),
		Filter: orZero(q.Filter), Limit: int(orZero(q.Limit))}
	if q.Lat != nil && q.Lon != nil {
		c.Point = &gazetteer.Point{Lat: *q.Lat, Lon: *q.Lon}
	}
	return c
}

func (q *resolveQuestion) hold(a *client.Answer) {
	q.Version, q.ServedBy, q.Staleness, q.Locations = a.Version, a.ServedBy.Region, a.StalenessSeconds, []rankedModel{}
	for _, l := range a.Locations {
		q.Locations = append(q.Locations, rankedModel{ID: l.ID, URL: l.URL, Lat: l.Lat, Lon: l.Lon, Country: unlessZero(l.Country),
			Labels: l.Labels, DistanceKM: l.DistanceKM, State: l.State, Score: l.Score})
	}
}
