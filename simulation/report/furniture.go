package report

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ticks puts at most so many round values on an axis.
type ticks struct{ most int }

func (t ticks) Ticks(low, high float64) (out []plot.Tick) {
	step := niceStep((high - low) / float64(t.most))
	if step <= 0 || math.IsInf(step, 0) || math.IsNaN(step) {
		return nil
	}
	for i := math.Ceil(low/step - 1e-9); i*step <= high+step*1e-9 && len(out) <= 2*t.most; i++ {
		out = append(out, plot.Tick{Value: i * step, Label: short(i*step + 0)}) // -0 + 0 is 0
	}
	return out
}

// niceStep returns the least of 1, 2, 5 times a power of ten that is not below x.
func niceStep(x float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*unit >= x*(1-1e-9) {
			return m * unit
		}
	}
	return 10 * unit
}

// short writes a value of an axis: 1500 as 1.5k.
func short(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e9:
		return trim(v/1e9, "G")
	case a >= 1e6:
		return trim(v/1e6, "M")
	case a >= 1e4:
		return trim(v/1e3, "k")
	}
	return trim(v, "")
}

func trim(v float64, unit string) string { return strconv.FormatFloat(v, 'g', 6, 64) + unit }

// decades are the ticks of a logarithmic axis.
type decades struct{}

func (decades) Ticks(low, high float64) (out []plot.Tick) {
	for v := low; v <= high*1.001 && len(out) < 24; v *= 10 {
		out = append(out, plot.Tick{Value: v, Label: short(v)})
	}
	return out
}

// markLines draws marks behind the curves, and their numbers above them. Where numbers
// would cover one another the later one is left out; the line stays.
type markLines []mark

// Plot implements plot.Plotter.
func (m markLines) Plot(c draw.Canvas, p *plot.Plot) {
	toX, _ := p.Transforms(&c)
	free := c.Min.X
	for _, k := range m {
		x := toX(k.at)
		if x < c.Min.X || x > c.Max.X {
			continue
		}
		style := draw.LineStyle{Color: k.tone.ink(), Width: 0.8, Dashes: []vg.Length{2, 2}}
		c.StrokeLine2(style, x, c.Min.Y, x, c.Max.Y)
		label := letters(9, k.tone.ink())
		label.XAlign, label.YAlign = draw.XLeft, draw.YTop
		if wide := label.Width(k.number); k.number != "" && x+2 >= free {
			c.FillText(label, vg.Point{X: x + 2, Y: c.Max.Y}, k.number)
			free = x + 4 + wide
		}
	}
}

// legendRows breaks the names of curves into rows that fit.
func legendRows(curves []curve) (rows [][]entry) {
	left := vg.Length(0)
	colours := 0
	for _, l := range curves {
		e := entry{name: l.name, ink: muted, faint: l.faint, dots: l.dots}
		if !l.faint {
			e.ink = palette(colours)
			colours++
		}
		if l.name == "" {
			continue
		}
		wide := e.wide()
		if len(rows) == 0 || left < wide {
			rows, left = append(rows, nil), chartWide-50
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		left -= wide
	}
	return rows
}

// entry is a name in the legend.
type entry struct {
	name        string
	ink         color.Color
	faint, dots bool
}

// wide is the room that an entry takes. The reader's font may be wider than the one that
// is known here.
func (e *entry) wide() vg.Length { return 1.16*letters(10.5, muted).Width(e.name) + 30 }

// drawUnit names the y axis above it, where it can be read without turning the head.
func drawUnit(c draw.Canvas, name string) {
	style := letters(11, muted)
	style.YAlign = draw.YTop
	c.FillText(style, vg.Point{X: c.Min.X + inset, Y: c.Max.Y - 1}, name)
}

func drawLegend(c draw.Canvas, rows [][]entry) {
	style := letters(10.5, ink)
	style.YAlign = draw.YCenter
	for i, row := range rows {
		x, y := c.Min.X+44, c.Min.Y+vg.Length(len(rows)-i)*legendHigh-8
		for _, e := range row {
			e.swatch(c, x, y)
			c.FillText(style, vg.Point{X: x + 18, Y: y}, e.name)
			x += e.wide()
		}
	}
}

func (e *entry) swatch(c draw.Canvas, x, y vg.Length) {
	switch {
	case e.dots:
		c.DrawGlyph(draw.GlyphStyle{Color: e.ink, Radius: 3, Shape: draw.CircleGlyph{}}, vg.Point{X: x + 7, Y: y})
	case e.faint:
		c.StrokeLine2(draw.LineStyle{Color: e.ink, Width: 1, Dashes: []vg.Length{4, 3}}, x, y, x+14, y)
	default:
		c.StrokeLine2(draw.LineStyle{Color: e.ink, Width: 2.5}, x, y, x+14, y)
	}
}

// ms writes milliseconds as a reader wants them: three digits that matter.
func ms(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
