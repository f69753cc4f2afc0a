package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

type diagnostics = diag.Diagnostics

// orZero is what a pointer points at; what is left out is the zero value on the wire.
func orZero[T any](p *T) T {
	var v T
	if p != nil {
		v = *p
	}
	return v
}

// unlessZero is null for what the wire leaves out.
func unlessZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func listOf(words []string) types.List {
	values := make([]attr.Value, len(words))
	for i, w := range words {
		values[i] = types.StringValue(w)
	}
	return types.ListValueMust(types.StringType, values)
}
