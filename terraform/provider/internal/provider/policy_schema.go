package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func (*policyResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		Description: "The policy of a type: how its locations are ordered and which are left out. It is the only owner of the policy; gazetteer_type owns the rest of the type. Filters are written as in lookups: tier=gold,country=DE.",
		Attributes: map[string]schema.Attribute{
			"type": schema.StringAttribute{
				Required: true, Validators: aType(), PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
				Description: "The type whose policy it is; refer to the name of its gazetteer_type.",
			},
			"pin":          someWords("Filters: a location for which none of them holds is left out.", something),
			"region":       schema.StringAttribute{Optional: true, Validators: aRegion(), Description: "The region that answers while it can be reached, unless a client names another."},
			"countries":    someRules("Which locations are for clients of which countries.", countryAttributes()),
			"tiers":        someRules("Tried in order: a location is in the first one that takes it.", tierAttributes()),
			"beyond_tiers": schema.StringAttribute{Optional: true, Validators: oneOf("rank", "exclude"), Description: "What becomes of a location that no tier takes: rank (behind all others) or exclude. rank unless given."},
			"weights":      schema.StringAttribute{Optional: true, Validators: oneOf("pull", "share"), Description: "pull: twice the weight is as good as half the way; share: weights only divide clients among the equally near. pull unless given."},
			"bias":         someRules("Stretch or shorten the way to some locations; the first rule that fits counts.", biasAttributes()),
			"load":         schema.SingleNestedAttribute{Optional: true, Attributes: loadAttributes(), Description: "When clients are sent on from locations that are loaded."},
			"network":      schema.SingleNestedAttribute{Optional: true, Attributes: networkAttributes(), Description: "How much of a client's address counts as one client."},
		},
	}
}

func someWords(what string, each func() []validator.String) schema.ListAttribute {
	return schema.ListAttribute{Optional: true, ElementType: types.StringType, Description: what,
		Validators: []validator.List{filled{}, words{each()}}}
}

func someRules(what string, of map[string]schema.Attribute) schema.ListNestedAttribute {
	return schema.ListNestedAttribute{Optional: true, Description: what, Validators: []validator.List{filled{}},
		NestedObject: schema.NestedAttributeObject{Attributes: of}}
}

// ofLocations is the argument that says to which locations a rule applies.
func ofLocations() schema.StringAttribute {
	return schema.StringAttribute{Optional: true, Validators: something(), Description: "Filter of the locations that it is about; all unless given."}
}

func countryAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"locations": ofLocations(),
		"allow":     someWords("Only for clients of these countries.", aCountry),
		"deny":      someWords("Not for clients of these countries.", aCountry),
	}
}

func tierAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name":         schema.StringAttribute{Required: true, Validators: something(), Description: "What explanations call it."},
		"within_km":    schema.Float64Attribute{Optional: true, Validators: number(0.001, 20038), Description: "How far from the client; anywhere unless given."},
		"same_country": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false), Description: "Whether only in the client's country."},
		"locations":    ofLocations(),
	}
}

func biasAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"locations": ofLocations(),
		"percent":   schema.Float64Attribute{Required: true, Validators: number(-99, 99), Description: "Above 0 draws clients, below keeps them away."},
	}
}

func loadAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"label": schema.StringAttribute{Required: true, Validators: something(), Description: "The label whose value is a location's load."},
		"from":  schema.Float64Attribute{Required: true, Description: "The load above which some clients go elsewhere."},
		"full":  schema.Float64Attribute{Required: true, Description: "The load from which all do."},
	}
}

func networkAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"ipv4": schema.Int64Attribute{Optional: true, Computed: true, Default: int64default.StaticInt64(24), Validators: whole(0, 32), Description: "Leading bits of an IPv4 address."},
		"ipv6": schema.Int64Attribute{Optional: true, Computed: true, Default: int64default.StaticInt64(56), Validators: whole(0, 128), Description: "Leading bits of an IPv6 address."},
	}
}
