package report

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"

	"gazetteer"
	"gazetteer/simulation/result"
)

// A heat table of more regions has no room for figures in its cells; they are over the
// cells then, for the pointer, and in propagation.csv.
const figuresMax = 18

// heatOf draws how long updates took from each region to each other one. It is empty if
// none was measured.
func heatOf(ps []result.Propagation) string {
	if len(ps) == 0 {
		return ""
	}
	names := endsOf(ps)
	cell := min(46.0, 720/float64(len(names)))
	margin := 0.0
	for _, n := range names {
		margin = max(margin, 7*min(cell, 12)/12*float64(len([]rune(n)))+10)
	}
	side := margin + cell*float64(len(names)) + 4
	var b strings.Builder
	b.WriteString(svgOpen(fmt.Sprintf("0 0 %.0f %.0f", side, side)))
	h := heat{b: &b, names: names, cell: cell, margin: margin}
	h.heads()
	for _, p := range ps {
		h.worst = max(h.worst, float64(p.P50MS))
	}
	for i := range ps {
		h.draw(&ps[i])
	}
	b.WriteString("</svg>")
	return b.String()
}

func endsOf(ps []result.Propagation) (names []gazetteer.RegionID) {
	for _, p := range ps {
		names = append(names, p.From, p.To)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

type heat struct {
	b            *strings.Builder
	names        []gazetteer.RegionID
	cell, margin float64
	worst        float64
}

func (h *heat) heads() {
	size := min(12, h.cell*0.85)
	for i, n := range h.names {
		at := h.margin + (float64(i)+0.5)*h.cell
		fmt.Fprintf(h.b, `<text x="%.1f" y="%.1f" text-anchor="end" font-size="%.1f" font-family="%s" fill="%s">%s</text>`,
			h.margin-6, at+size*0.35, size, sans, hex(ink), html.EscapeString(string(n)))
		fmt.Fprintf(h.b, `<text transform="translate(%.1f %.1f) rotate(-90)" font-size="%.1f" font-family="%s" fill="%s">%s</text>`,
			at+size*0.35, h.margin-6, size, sans, hex(ink), html.EscapeString(string(n)))
	}
}

func (h *heat) draw(p *result.Propagation) {
	row, _ := slices.BinarySearch(h.names, p.From)
	column, _ := slices.BinarySearch(h.names, p.To)
	x, y := h.margin+float64(column)*h.cell, h.margin+float64(row)*h.cell
	share := float64(p.P50MS) / max(h.worst, 1e-9)
	fmt.Fprintf(h.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s">`, x+0.5, y+0.5, h.cell-1, h.cell-1, hex(heatColour(share)))
	if len(h.names) <= 2*figuresMax {
		fmt.Fprintf(h.b, `<title>%s → %s: p50 %s ms, p99 %s, max %s; direct %s, along the tree %s; %d updates</title>`,
			html.EscapeString(string(p.From)), html.EscapeString(string(p.To)),
			ms(float64(p.P50MS)), ms(float64(p.P99MS)), ms(float64(p.MaxMS)), ms(float64(p.DirectMS)), ms(float64(p.PathMS)), p.Updates)
	}
	h.b.WriteString("</rect>")
	if len(h.names) > figuresMax {
		return
	}
	letter := "#FFFFFF"
	if share < 0.5 {
		letter = "#1B1F24"
	}
	fmt.Fprintf(h.b, `<text x="%.1f" y="%.1f" text-anchor="middle" font-size="%.1f" font-family="%s" fill="%s" pointer-events="none">%s</text>`,
		x+h.cell/2, y+h.cell/2+4, min(12, h.cell*0.32), sans, letter, ms(float64(p.P50MS)))
}

// heatColour goes from nearly white to deep blue.
func heatColour(share float64) tint {
	stops := [...]tint{0xeaf3fb, 0x9ecae8, 0x3f86c6, 0x0b3c7d}
	at := min(max(share, 0), 1) * float64(len(stops)-1)
	i := min(int(at), len(stops)-2)
	mixed := tint(0)
	for _, shift := range []int{16, 8, 0} {
		a, b := float64(stops[i]>>shift&0xff), float64(stops[i+1]>>shift&0xff)
		mixed |= tint(math.Round(a+(b-a)*(at-float64(i)))) << shift
	}
	return mixed
}
