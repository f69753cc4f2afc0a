package report

// Curve is a line with its name, for a picture of its own.
type Curve struct {
	Name   string
	Points [][2]float64
	Faint  bool // for comparison: dashed
}

// Growth draws how something grows with a size, its axis by powers of ten, as an SVG that
// needs nothing beside it. X and y name the axes; what is not above 0 is left out.
func Growth(x, y string, curves []Curve) (svg string, err error) {
	c := chart{x: x, y: y, log: true}
	for _, k := range curves {
		line := curve{name: k.Name, faint: k.Faint}
		for _, p := range k.Points {
			line.points = append(line.points, point{p[0], p[1]})
		}
		c.curves = append(c.curves, line)
	}
	if svg, err = c.svg(); err != nil {
		return "", err
	}
	return standalone(svg), nil
}
