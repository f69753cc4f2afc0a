package provider

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Pages returns the reference as files of Markdown, by their paths in docs/: what the
// schemas say, with the examples, which are given by their paths in examples/. They have
// the layout that Terraform registries show.
func Pages(ctx context.Context, examples map[string]string) (map[string]string, error) {
	s, err := providerserver.NewProtocol6(New())().GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return nil, err
	}
	out := map[string]string{"index.md": page("gazetteer provider", s.Provider, examples["provider/provider.tf"], "")}
	sorts := []struct {
		folder, word, file string
		of                 map[string]*tfprotov6.Schema
	}{
		{"resources", "resource", "resource.tf", s.ResourceSchemas},
		{"data-sources", "data source", "data-source.tf", s.DataSourceSchemas},
		{"ephemeral-resources", "ephemeral resource", "ephemeral-resource.tf", s.EphemeralResourceSchemas},
	}
	for _, sort := range sorts {
		for _, name := range slices.Sorted(maps.Keys(sort.of)) {
			example := examples[sort.folder+"/"+name+"/"+sort.file]
			if example == "" {
				return nil, fmt.Errorf("%s has no example", name)
			}
			imported := examples[sort.folder+"/"+name+"/import.sh"]
			out[sort.folder+"/"+strings.TrimPrefix(name, "gazetteer_")+".md"] = page(name+" ("+sort.word+")", sort.of[name], example, imported)
		}
	}
	return out, nil
}

func page(title string, s *tfprotov6.Schema, example, imported string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n```terraform\n%s\n```\n", title, s.Block.Description, strings.TrimSpace(example))
	attributes(&b, "", s.Block.Attributes)
	if imported != "" {
		fmt.Fprintf(&b, "\n## Import\n\n```\n%s\n```\n", strings.TrimSpace(imported))
	}
	return b.String()
}

// attributes writes a table of what is given and one of what is told; objects follow with
// tables of their own.
func attributes(b *strings.Builder, at string, all []*tfprotov6.SchemaAttribute) {
	all = slices.SortedFunc(slices.Values(all), func(x, y *tfprotov6.SchemaAttribute) int {
		return cmp.Or(order(x)-order(y), strings.Compare(x.Name, y.Name))
	})
	if at != "" {
		fmt.Fprintf(b, "\n### `%s`\n", at)
	}
	for i, a := range all {
		if i == 0 || order(a) != order(all[i-1]) {
			fmt.Fprintf(b, "\n%s\n\n", []string{"Required:", "Optional:", "Told:"}[order(a)])
		}
		fmt.Fprintf(b, "- `%s` (%s) %s\n", a.Name, sortOf(a), a.Description)
	}
	for _, a := range all {
		if a.NestedType != nil {
			attributes(b, strings.TrimPrefix(at+"."+a.Name, "."), a.NestedType.Attributes)
		}
	}
}

// order sorts what must be given before what may be, and that before what is told.
func order(a *tfprotov6.SchemaAttribute) int {
	switch {
	case a.Required:
		return 0
	case a.Optional:
		return 1
	}
	return 2
}

// sortOf names the type of an attribute, and whether it is kept off screens.
func sortOf(a *tfprotov6.SchemaAttribute) string {
	name := ""
	if n := a.NestedType; n != nil {
		name = map[tfprotov6.SchemaObjectNestingMode]string{
			tfprotov6.SchemaObjectNestingModeList: "list of objects", tfprotov6.SchemaObjectNestingModeMap: "map of objects",
		}[n.Nesting]
		name = cmp.Or(name, "object")
	} else {
		name = typeName(a.Type)
	}
	if a.Sensitive {
		name += ", sensitive"
	}
	return name
}

func typeName(t tftypes.Type) string {
	switch t := t.(type) {
	case tftypes.List:
		return "list of " + typeName(t.ElementType) + "s"
	case tftypes.Map:
		return "map of " + typeName(t.ElementType) + "s"
	}
	return strings.ToLower(strings.TrimPrefix(t.String(), "tftypes."))
}
