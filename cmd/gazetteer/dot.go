package main

import (
	"fmt"
	"strings"

	"gazetteer/api/client"
)

// dot writes a planet for graphviz: edges of the tree solid, provisional ones dashed,
// those that are only measured dotted and without a say in the layout.
func dot(t *client.Topology, all bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "graph planet {\n  label=%s;\n  node [shape=box];\n", dotString(treeText(t)))
	for _, r := range t.Regions {
		fmt.Fprintf(&b, "  %s%s;\n", dotString(r.Name), regionStyle(&r))
	}
	for _, e := range t.Edges {
		if all || isLink(&e) {
			fmt.Fprintf(&b, "  %s -- %s [label=%s%s];\n", dotString(e.A), dotString(e.B), dotString(milliseconds(e.CostMS)), edgeStyle(&e))
		}
	}
	return b.String() + "}\n"
}

func regionStyle(r *client.Placed) string {
	if r.State == "live" {
		return ""
	}
	return fmt.Sprintf(" [label=%s, style=dashed]", dotString(r.Name+" ("+r.State+")"))
}

func edgeStyle(e *client.Edge) string {
	switch {
	case e.Tree:
		return ", style=solid"
	case e.Provisional:
		return ", style=dashed"
	}
	return ", style=dotted, constraint=false"
}

// dotString quotes a text as the DOT language does. A backslash begins an escape there, so
// it is doubled, and what would steer a terminal is spelt out before.
func dotString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(printable(s)) + `"`
}
