package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

//go:embed schema.json
var schemaFile []byte

// document is schema.json; extract.py says where it is from.
type document struct {
	Version   string
	Provider  block
	Resources map[string]block
	Data      map[string]block
}

type block struct {
	Attributes map[string]attribute
	Blocks     map[string]nested
}

type attribute struct {
	Type     kind
	Required bool
	Computed bool // and never given
}

type nested struct {
	Nesting  string
	Required bool
	Block    block
}

// kind is "string", "number", "bool", or a list of "list", "set" or "map" and one of these.
type kind struct{ tftypes.Type }

var simple = map[string]tftypes.Type{"string": tftypes.String, "number": tftypes.Number, "bool": tftypes.Bool}

func (k *kind) UnmarshalJSON(text []byte) error {
	var name string
	if json.Unmarshal(text, &name) == nil {
		k.Type = simple[name]
		return nil
	}
	var of [2]string
	if err := json.Unmarshal(text, &of); err != nil {
		return fmt.Errorf("a type is %s: %w", text, err)
	}
	element := simple[of[1]]
	switch of[0] {
	case "list":
		k.Type = tftypes.List{ElementType: element}
	case "set":
		k.Type = tftypes.Set{ElementType: element}
	case "map":
		k.Type = tftypes.Map{ElementType: element}
	default:
		return fmt.Errorf("a type is %s", text)
	}
	return nil
}

func readSchema() (*document, error) {
	var d document
	if err := json.Unmarshal(schemaFile, &d); err != nil {
		return nil, fmt.Errorf("schema.json: %w", err)
	}
	return &d, nil
}

func schemasOf(blocks map[string]block) map[string]*tfprotov6.Schema {
	out := map[string]*tfprotov6.Schema{}
	for name, b := range blocks {
		out[name] = schemaOf(b)
	}
	return out
}

func schemaOf(b block) *tfprotov6.Schema {
	return &tfprotov6.Schema{Block: blockOf(b, true)}
}

// blockOf describes a block. What stands at the top of a resource and need not be given
// may be filled in by AWS; inside of blocks what is not given stays so.
func blockOf(b block, top bool) *tfprotov6.SchemaBlock {
	out := &tfprotov6.SchemaBlock{}
	for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
		a := b.Attributes[name]
		out.Attributes = append(out.Attributes, &tfprotov6.SchemaAttribute{
			Name: name, Type: a.Type.Type, Required: a.Required,
			Optional: !a.Required && !a.Computed, Computed: a.Computed || top && !a.Required,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(b.Blocks)) {
		out.BlockTypes = append(out.BlockTypes, nestedOf(name, b.Blocks[name]))
	}
	return out
}

func nestedOf(name string, n nested) *tfprotov6.SchemaNestedBlock {
	out := &tfprotov6.SchemaNestedBlock{TypeName: name, Block: blockOf(n.Block, false)}
	switch n.Nesting {
	case "set":
		out.Nesting = tfprotov6.SchemaNestedBlockNestingModeSet
	case "single":
		out.Nesting = tfprotov6.SchemaNestedBlockNestingModeSingle
	default:
		out.Nesting = tfprotov6.SchemaNestedBlockNestingModeList
	}
	if n.Required && n.Nesting != "single" {
		out.MinItems = 1
	}
	return out
}
