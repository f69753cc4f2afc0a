package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/float64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func (*recordResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	once := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	resp.Schema = schema.Schema{
		Description: "A resource with its attributes and all its locations: what others add is taken away by the next apply. Every write names the version that it was planned on (If-Match), and fails if somebody has written meanwhile.",
		Attributes: map[string]schema.Attribute{
			"type": schema.StringAttribute{Required: true, Validators: aType(), PlanModifiers: once, Description: "Refer to the name of its gazetteer_type."},
			"id":   schema.StringAttribute{Required: true, Validators: anID(), PlanModifiers: once, Description: "1 to 255 bytes of UTF-8, unique within the type."},
			"attributes": schema.StringAttribute{Optional: true, Validators: anObject(),
				Description: "A JSON object, from jsonencode."},
			"locations": schema.MapNestedAttribute{
				Optional: true, Validators: []validator.Map{ids{}}, NestedObject: schema.NestedAttributeObject{Attributes: locationAttributes()},
				Description: "Where it can be had, by the ids of the locations.",
			},
			"ack": schema.StringAttribute{Optional: true, Validators: oneOf("local", "ring", "regions"),
				Description: "How far a write must get: local, ring or regions. ring unless given. What is not reached in time is a warning."},
			"version": schema.StringAttribute{Computed: true, Description: "The record's version: equal content, equal version, in every region."},
		},
	}
}

func locationAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"url":     schema.StringAttribute{Required: true, Validators: aURL(), Description: "An absolute URL."},
		"lat":     schema.Float64Attribute{Optional: true, Validators: degrees(90, "lon"), Description: "Degrees north."},
		"lon":     schema.Float64Attribute{Optional: true, Validators: degrees(180, "lat"), Description: "Degrees east."},
		"country": schema.StringAttribute{Optional: true, Validators: aCountry(), Description: "ISO 3166-1 alpha-2, such as DE."},
		"weight": schema.Float64Attribute{Optional: true, Computed: true, Default: float64default.StaticFloat64(1), Validators: number(0, 1e6),
			Description: "Its share of requests beside others; 0 takes it out."},
		"labels": schema.MapAttribute{Optional: true, ElementType: types.StringType, Validators: []validator.Map{filled{}}, Description: "What filters and policies name."},
	}
}

// degrees are given with those of the other axis.
func degrees(most float64, other string) []validator.Float64 {
	return []validator.Float64{between{-most, most, 0}, together{other}}
}
