package report

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"

	"gazetteer"
	"gazetteer/region/geo/outline"
	"gazetteer/simulation/result"
)

// The map shows what lies between these latitudes: beyond them nobody runs a server.
const (
	mapWide  = 1000.0
	mapNorth = 78.0
	mapSouth = -58.0
	faintMax = 600 // of the edges that are only measured; a thousand lines are a blot
)

// xy is a place on the map.
type xy struct{ x, y float64 }

// project is the Natural Earth projection (Patterson; its polynomials are those of Šavrič,
// Jenny, Patterson, Petrovič, Hurni 2011).
func project(lat, lon float64) xy {
	f := min(max(lat, -90), 90) * math.Pi / 180
	f2 := f * f
	f4 := f2 * f2
	x := lon * math.Pi / 180 * (0.8707 - 0.131979*f2 + f4*(-0.013791+f4*(0.003971*f2-0.001529*f4)))
	y := f * (1.007226 + f2*(0.015085+f4*(-0.044475+0.028874*f2-0.005916*f4)))
	return xy{mapWide/2 + x*mapScale, -y * mapScale}
}

const mapScale = mapWide / 5.48 // the equator is 2·0.8707·π wide

// drawing is a picture that grows.
type drawing struct {
	strings.Builder
	taken []box // by dots and labels
}

type box struct{ left, top, right, bottom float64 }

func (b box) meets(c box) bool {
	return b.left < c.right && c.left < b.right && b.top < c.bottom && c.top < b.bottom
}

// mapOf draws the regions of a run, its last tree with the costs, and what else was
// measured. It is empty for a run without regions.
func mapOf(r *result.Run) string {
	if len(r.Regions) == 0 {
		return ""
	}
	d := &drawing{}
	top, bottom := project(mapNorth, 0).y, project(mapSouth, 0).y
	d.WriteString(svgOpen(fmt.Sprintf("0 %.0f %.0f %.0f", top, mapWide, bottom-top)))
	d.land()
	at := map[gazetteer.RegionID]gazetteer.Point{}
	for _, g := range r.Regions {
		at[g.Name] = gazetteer.Point{Lat: g.Lat, Lon: g.Lon}
	}
	d.edges(r.Edges, at)
	d.dots(r.Regions)
	d.costs(r.Edges, at)
	d.names(r.Regions)
	d.WriteString("</svg>")
	return d.String()
}

func (d *drawing) land() {
	globe := globeOutline()
	fmt.Fprintf(d, `<clipPath id="globe"><path d="%s"/></clipPath><path fill="%s" d="%s"/>`, globe, hex(sea), globe)
	fmt.Fprintf(d, `<path clip-path="url(#globe)" fill="%s" stroke="none" d="`, hex(land))
	for line := range strings.Lines(outline.Land()) {
		ring := ringOf(line)
		d.ring(ring, 0)
		if slices.ContainsFunc(ring, func(p gazetteer.Point) bool { return p.Lon > 180 }) {
			d.ring(ring, -360)
		}
		if slices.ContainsFunc(ring, func(p gazetteer.Point) bool { return p.Lon < -180 }) {
			d.ring(ring, 360)
		}
	}
	d.WriteString(`"/>`)
}

func (d *drawing) ring(points []gazetteer.Point, east float64) {
	pen := "M"
	for _, p := range points {
		q := project(p.Lat, p.Lon+east)
		fmt.Fprintf(d, "%s%.1f %.1f", pen, q.x, q.y)
		pen = "L"
	}
	d.WriteString("Z")
}

// ringOf reads one ring. Where it crosses the 180th meridian its longitudes go on beyond
// it, so that it stays one piece; what is beyond is drawn again on the other side.
func ringOf(line string) (points []gazetteer.Point) {
	for i, pair := range strings.Fields(line) {
		east, north, _ := strings.Cut(pair, ",")
		p := gazetteer.Point{Lat: number(north), Lon: number(east)}
		if i > 0 {
			p.Lon -= 360 * math.Round((p.Lon-points[i-1].Lon)/360)
		}
		points = append(points, p)
	}
	return points
}

// globeOutline is the border of the projection, which ends at the 180th meridian.
func globeOutline() string {
	var b strings.Builder
	pen := "M"
	for _, lon := range []float64{-180, 180} {
		for lat := -60.0; lat <= 80; lat += 5 {
			p := project(lat, lon)
			if lon > 0 {
				p = project(20-lat, lon) // back, from north to south
			}
			fmt.Fprintf(&b, "%s%.1f %.1f", pen, p.x, p.y)
			pen = "L"
		}
	}
	return b.String() + "Z"
}

func number(s string) float64 {
	v, _ := strconv.ParseFloat(s, 64) // a test reads them all
	return v
}

// edges draws the measured ones faint, the cheapest of them if they are many, then those
// of the tree.
func (d *drawing) edges(edges []result.Edge, at map[gazetteer.RegionID]gazetteer.Point) {
	cheap := slices.Clone(edges)
	slices.SortStableFunc(cheap, func(a, b result.Edge) int { return int(a.CostMS - b.CostMS) })
	fmt.Fprintf(d, `<g fill="none" stroke="%s" stroke-width="0.6" stroke-opacity="%.2f">`, hex(ink), max(0.06, 0.2-float64(len(edges))/3000))
	drawn := 0
	for _, e := range cheap {
		if !e.Tree && drawn < faintMax {
			drawn++
			d.arc(e, at)
		}
	}
	fmt.Fprintf(d, `</g><g fill="none" stroke="%s" stroke-width="2" stroke-linecap="round">`, hex(accent))
	for _, e := range edges {
		if e.Tree {
			d.arc(e, at)
		}
	}
	d.WriteString("</g>")
}

// arc draws an edge along its great circle; at the border of the map it goes on at the
// other one.
func (d *drawing) arc(e result.Edge, at map[gazetteer.RegionID]gazetteer.Point) {
	a, known := at[e.A]
	b, both := at[e.B]
	if !known || !both {
		return
	}
	fmt.Fprintf(d, `<path d="`)
	pen, last := "M", math.NaN()
	for _, p := range greatCircle(a, b) {
		if math.Abs(p.Lon-last) > 180 {
			pen = "M"
		}
		q := project(p.Lat, p.Lon)
		fmt.Fprintf(d, "%s%.1f %.1f", pen, q.x, q.y)
		pen, last = "L", p.Lon
	}
	fmt.Fprintf(d, `"><title>%s – %s: %s ms</title></path>`, html.EscapeString(string(e.A)), html.EscapeString(string(e.B)), ms(float64(e.CostMS)))
}

// greatCircle returns places on the shortest way over a sphere, some degrees apart.
func greatCircle(a, b gazetteer.Point) []gazetteer.Point {
	u, v := vectorOf(a), vectorOf(b)
	angle := math.Acos(min(max(u[0]*v[0]+u[1]*v[1]+u[2]*v[2], -1), 1))
	if angle < 1e-9 || angle > math.Pi-1e-6 || math.IsNaN(angle) {
		return []gazetteer.Point{a, b}
	}
	steps := int(math.Ceil(angle / (4 * math.Pi / 180)))
	points := make([]gazetteer.Point, 0, steps+1)
	for i := range steps + 1 {
		t := float64(i) / float64(steps)
		s, w := math.Sin((1-t)*angle), math.Sin(t*angle)
		points = append(points, pointOf([3]float64{s*u[0] + w*v[0], s*u[1] + w*v[1], s*u[2] + w*v[2]}))
	}
	return points
}

func vectorOf(p gazetteer.Point) [3]float64 {
	lat, lon := p.Lat*math.Pi/180, p.Lon*math.Pi/180
	return [3]float64{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
}

func pointOf(v [3]float64) gazetteer.Point {
	return gazetteer.Point{
		Lat: math.Atan2(v[2], math.Hypot(v[0], v[1])) * 180 / math.Pi,
		Lon: math.Atan2(v[1], v[0]) * 180 / math.Pi,
	}
}

func (d *drawing) dots(regions []result.Region) {
	for _, g := range regions {
		p := project(g.Lat, g.Lon)
		fill := accent
		if g.State != "" && g.State != "live" {
			fill = bad
		}
		fmt.Fprintf(d, `<circle cx="%.1f" cy="%.1f" r="4.2" fill="%s" stroke="%s" stroke-width="1.2"><title>%s: %s, %d rings of %d replicas</title></circle>`,
			p.x, p.y, hex(fill), hex(land), html.EscapeString(string(g.Name)), html.EscapeString(g.State), g.Rings, g.Replicas)
		d.taken = append(d.taken, box{p.x - 5, p.y - 5, p.x + 5, p.y + 5})
	}
}

// names writes each region's name where it covers nothing; one that fits nowhere is left
// to the pointer, which sees it over the dot.
func (d *drawing) names(regions []result.Region) {
	for _, g := range regions {
		d.write(project(g.Lat, g.Lon), string(g.Name), 12, hex(ink), "600")
	}
}

func (d *drawing) costs(edges []result.Edge, at map[gazetteer.RegionID]gazetteer.Point) {
	for _, e := range edges {
		a, known := at[e.A]
		b, both := at[e.B]
		if !e.Tree || !known || !both {
			continue
		}
		way := greatCircle(a, b)
		m := way[len(way)/2]
		d.write(project(m.Lat, m.Lon), ms(float64(e.CostMS)), 10.5, hex(accent), "400")
	}
}

// write puts a text beside a place, at the first of some spots that is free.
func (d *drawing) write(p xy, s string, size float64, fill, weight string) {
	wide, high := float64(len([]rune(s)))*size*0.63, size
	for _, spot := range spots(wide, high) {
		b := box{p.x + spot.x, p.y + spot.y - high*0.8, p.x + spot.x + wide, p.y + spot.y + high*0.25}
		if b.left < 2 || b.right > mapWide-2 || slices.ContainsFunc(d.taken, b.meets) {
			continue
		}
		d.taken = append(d.taken, b)
		fmt.Fprintf(d, `<text x="%.1f" y="%.1f" font-size="%.1f" font-weight="%s" font-family="%s" fill="%s" stroke="%s" stroke-width="3" stroke-linejoin="round" paint-order="stroke">%s</text>`,
			p.x+spot.x, p.y+spot.y, size, weight, sans, fill, hex(sea), html.EscapeString(s))
		return
	}
}

// spots are where a text may stand beside a dot, the best first.
func spots(wide, high float64) (out []xy) {
	for _, far := range []float64{7, 13, 21} {
		out = append(out,
			xy{far, high * 0.35}, xy{-far - wide, high * 0.35}, xy{-wide / 2, -far}, xy{-wide / 2, far + high*0.7},
			xy{far * 0.7, -far * 0.7}, xy{far * 0.7, far*0.7 + high*0.7}, xy{-wide - far*0.7, -far * 0.7}, xy{-wide - far*0.7, far*0.7 + high*0.7})
	}
	return out
}
