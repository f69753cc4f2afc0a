package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// told is what a data source says, of one of four simple sorts.
func told(t attr.Type, what string) schema.Attribute {
	switch t {
	case types.BoolType:
		return schema.BoolAttribute{Computed: true, Description: what}
	case types.Float64Type:
		return schema.Float64Attribute{Computed: true, Description: what}
	case types.Int64Type:
		return schema.Int64Attribute{Computed: true, Description: what}
	}
	return schema.StringAttribute{Computed: true, Description: what}
}

// toldList is a list of objects that a data source says.
func toldList(what string, of map[string]schema.Attribute) schema.Attribute {
	return schema.ListNestedAttribute{Computed: true, Description: what, NestedObject: schema.NestedAttributeObject{Attributes: of}}
}
