package report

import (
	"bytes"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// point is one of a curve.
type point struct{ x, y float64 }

// curve is a line, or a cloud of dots, with its name in the legend.
type curve struct {
	name   string
	points []point
	dots   bool
	faint  bool // for comparison: dashed, and without a colour of its own
}

// mark is a moment that the curves are to be seen beside.
type mark struct {
	at     float64
	number string // in the list of what happened; empty: only a line
	tone   tone
}

// chart is a picture with two axes.
type chart struct {
	x, y   string
	curves []curve
	marks  []mark
	log    bool // the y axis; what is not above 0 is left out
	steps  bool // values hold until the next one
	until  float64
	fit    bool // the y axis need not begin at 0
}

// The size of a chart in points, without its legend.
const (
	chartWide  = 560
	chartHigh  = 250
	legendHigh = 15
	unitHigh   = 16 // for the name of the y axis, which stands above it
	inset      = 10
)

// svg draws it.
func (c *chart) svg() (string, error) {
	p := plot.New()
	dress(p, c)
	if err := c.addCurves(p); err != nil {
		return "", err
	}
	c.bound(p)
	rows := legendRows(c.curves)
	high := vg.Length(unitHigh + chartHigh + len(rows)*legendHigh)
	canvas := vgsvg.New(chartWide, high)
	all := draw.New(canvas)
	drawLegend(all, rows)
	drawUnit(all, c.y)
	p.Draw(draw.Crop(all, inset, -inset, vg.Length(len(rows)*legendHigh), -unitHigh))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return "", err
	}
	return tidy(b.String()), nil
}

// tidy leaves the picture alone: no prologue, no fixed size, the reader's own font.
func tidy(svg string) string {
	_, body, _ := strings.Cut(svg, "<svg")
	_, body, _ = strings.Cut(body, "viewBox=")
	view, body, _ := strings.Cut(strings.TrimPrefix(body, `"`), `"`)
	_, body, _ = strings.Cut(body, ">")
	body = strings.ReplaceAll(body, "font-family:Liberation Sans;font-variant:normal;font-weight:normal;font-style:normal", "font-family:"+sans)
	return svgOpen(view) + body
}

const sans = "system-ui,'Segoe UI',Helvetica,Arial,sans-serif"

func svgOpen(view string) string {
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="` + view + `" role="img">`
}

// dress gives a plot the looks of this report.
func dress(p *plot.Plot, c *chart) {
	p.BackgroundColor = color.Transparent
	p.X.Label.Text = c.x
	p.X.Label.Padding = 4
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle = letters(11, muted)
		a.Tick.Label = align(letters(10.5, muted), a.Tick.Label)
		a.Tick.LineStyle = draw.LineStyle{}
		a.Tick.Length = 2
		a.LineStyle = draw.LineStyle{}
		a.Padding = 0
	}
	p.X.Label.TextStyle.XAlign, p.X.Label.TextStyle.YAlign = draw.XCenter, draw.YBottom
	p.X.LineStyle = draw.LineStyle{Color: muted, Width: 0.8}
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks{most: 8}, ticks{most: 6}
	g := plotter.NewGrid()
	g.Vertical = draw.LineStyle{}
	g.Horizontal = draw.LineStyle{Color: grid, Width: 0.7}
	if c.log {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, decades{}
	}
	p.Add(g)
}

func letters(size float64, ink color.Color) text.Style {
	return text.Style{Color: ink, Font: font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, font.Length(size)), Handler: plot.DefaultTextHandler}
}

func align(s, like text.Style) text.Style {
	s.XAlign, s.YAlign, s.Rotation = like.XAlign, like.YAlign, like.Rotation
	return s
}

func (c *chart) addCurves(p *plot.Plot) error {
	p.Add(markLines(c.marks))
	colours := 0
	for _, l := range c.curves {
		ink := color.Color(muted)
		if !l.faint {
			ink = palette(colours)
			colours++
		}
		if err := c.add(p, l, ink); err != nil {
			return err
		}
	}
	return nil
}

func (c *chart) add(p *plot.Plot, l curve, ink color.Color) error {
	xys := c.drawable(l.points)
	if len(xys) == 0 {
		return nil
	}
	if l.dots {
		s, err := plotter.NewScatter(xys)
		if err != nil {
			return err
		}
		s.GlyphStyle = draw.GlyphStyle{Color: ink, Radius: 1.9, Shape: draw.CircleGlyph{}}
		p.Add(s)
		return nil
	}
	line, err := plotter.NewLine(xys)
	if err != nil {
		return err
	}
	line.LineStyle = draw.LineStyle{Color: ink, Width: 1.5}
	if l.faint {
		line.LineStyle = draw.LineStyle{Color: ink, Width: 0.9, Dashes: []vg.Length{4, 3}}
	}
	if c.steps {
		line.StepStyle = plotter.PostStep
	}
	p.Add(line)
	return nil
}

// enough is beyond what anything measured comes to; what is larger is no measurement.
const enough = 1e15

func (c *chart) drawable(points []point) (xys plotter.XYs) {
	for _, p := range points {
		fits := math.Abs(p.x) < enough && math.Abs(p.y) < enough // NaN does not
		if fits && (!c.log || p.y > 0) {
			xys = append(xys, plotter.XY{X: p.x, Y: p.y})
		}
	}
	return xys
}

// bound chooses the ends of the axes.
func (c *chart) bound(p *plot.Plot) {
	if math.IsInf(p.Y.Min, 0) || math.IsInf(p.Y.Max, 0) { // nothing to draw
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	}
	if c.until > 0 {
		p.X.Min, p.X.Max = min(0, p.X.Min), max(c.until, p.X.Max)
	}
	if c.log {
		p.Y.Min = math.Pow(10, math.Floor(math.Log10(max(p.Y.Min, 1e-6))))
		p.Y.Max = math.Pow(10, math.Ceil(math.Log10(max(p.Y.Max, 10*p.Y.Min))))
		return
	}
	if !c.fit {
		p.Y.Min = min(0, p.Y.Min)
	}
	if p.Y.Max <= p.Y.Min {
		p.Y.Max = p.Y.Min + 1
	}
	p.Y.Max += (p.Y.Max - p.Y.Min) * 0.06
}
