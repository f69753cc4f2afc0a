package report

import (
	"fmt"
	"html"
	"strings"

	"gazetteer/simulation/result"
)

// bar is one of few, with its figure beside it.
type bar struct {
	name  string
	value float64
	own   bool
}

// barsOf draws bars that lie one under another.
func barsOf(bars []bar) string {
	const label, room, row = 150.0, 330.0, 30.0
	most := 1e-9
	for _, b := range bars {
		most = max(most, b.value)
	}
	var s strings.Builder
	s.WriteString(svgOpen(fmt.Sprintf("0 0 560 %.0f", row*float64(len(bars))+6)))
	for i, b := range bars {
		fill, y := muted, 3+row*float64(i)
		if b.own {
			fill = accent
		}
		wide := room * b.value / most
		fmt.Fprintf(&s, `<text x="%.0f" y="%.1f" text-anchor="end" font-size="12" font-family="%s" fill="%s">%s</text>`, label-8, y+row*0.6, sans, hex(ink), html.EscapeString(b.name))
		fmt.Fprintf(&s, `<rect x="%.0f" y="%.1f" width="%.1f" height="%.1f" rx="2" fill="%s"/>`, label, y+4, max(wide, 1), row-9, hex(fill))
		fmt.Fprintf(&s, `<text x="%.1f" y="%.1f" font-size="12" font-weight="600" font-family="%s" fill="%s">%s</text>`, label+wide+8, y+row*0.6, sans, hex(ink), trimmed(b.value))
	}
	s.WriteString("</svg>")
	return s.String()
}

// messageBars compares what one update cost with the two other shapes.
func messageBars(m *result.Messages) string {
	if m.Updates == 0 {
		return ""
	}
	per := func(n int64) float64 { return float64(n) / float64(m.Updates) }
	return barsOf([]bar{{"this run", per(m.Crossings), true}, {"star, reckoned", per(m.Star), false}, {"full mesh, reckoned", per(m.Mesh), false}})
}

func trimmed(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
}
