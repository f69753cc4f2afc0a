package report

import (
	"fmt"
	"slices"

	"gazetteer/simulation/result"
)

// painter makes the charts of one run. After an error it makes none.
type painter struct {
	run     *result.Run
	samples []result.Sample
	marks   []mark
	err     error
}

func (p *painter) paint(v *runView) {
	p.propagation(v)
	v.Lag = p.lag()
	tiers := map[string]bool{}
	for _, s := range p.samples {
		tiers[s.Tier] = true
	}
	for i, tier := range tiersOf(tiers) {
		if figures := p.tier(tier); len(figures) > 0 {
			v.Tiers = append(v.Tiers, tierView{tier, i == 0, figures})
		}
		v.Scaling = append(v.Scaling, p.scaling(tier)...)
	}
}

// figure draws a chart over the time of the run.
func (p *painter) figure(name, title, note string, c chart) *figure {
	if p.err != nil {
		return nil
	}
	c.x, c.marks, c.until = "seconds since the start of the load", p.marks, float64(p.run.DurationMS)/1000
	svg, err := c.svg()
	p.err = err
	return &figure{name, title, note, svg}
}

func (p *painter) add(out *[]figure, name, title, note string, c chart) {
	if f := p.figure(name, title, note, c); f != nil {
		*out = append(*out, *f)
	}
}

// tier draws how many requests a tier had, how long they took and how they failed.
func (p *painter) tier(tier string) (out []figure) {
	if rate := linesOf(p.samples, tier, result.MetricRequests, sum).perSecond(); len(rate) > 0 {
		p.add(&out, tier+"-requests", "Requests a second", "", chart{y: "requests/s", curves: rate.withMean()})
	}
	for _, m := range []struct{ metric, title string }{
		{result.MetricP50, "Latency, p50"}, {result.MetricP90, "Latency, p90"}, {result.MetricP99, "Latency, p99"},
	} {
		if l := linesOf(p.samples, tier, m.metric, larger2); !l.isZero() {
			p.add(&out, tier+"-"+m.metric[:3], m.title, "", chart{y: "ms", log: true, curves: l.curves(larger2, "worst of")})
		}
	}
	p.rare(&out, tier, result.MetricErrors, "Errors a second")
	p.rare(&out, tier, result.MetricStale, "Stale reads a second")
	return out
}

// rare draws what mostly does not happen, if it did.
func (p *painter) rare(out *[]figure, tier, metric, title string) {
	if l := linesOf(p.samples, tier, metric, sum).perSecond(); !l.isZero() {
		p.add(out, tier+"-"+metric, title, "", chart{y: metric + "/s", curves: l.curves(sum, "sum of")})
	}
}

func larger2(a, b float64) float64 { return max(a, b) }

// scaling draws the number of servers where it changes, with the load that changed it.
func (p *painter) scaling(tier string) (out []figure) {
	servers := linesOf(p.samples, tier, result.MetricServers, sum)
	if servers.flat() {
		return nil
	}
	p.add(&out, tier+"-servers", "Servers in service, "+tier+" tier", "", chart{y: "servers", steps: true, curves: servers.curves(sum, "sum of")})
	if cpu := linesOf(p.samples, tier, result.MetricCPU, larger2); len(cpu) > 0 {
		p.add(&out, tier+"-cpu", "Load of the cores, "+tier+" tier", "", chart{y: "share in use", curves: cpu.curves(larger2, "worst of")})
	}
	return out
}

func (p *painter) lag() *figure {
	if len(p.run.Convergence) == 0 {
		return nil
	}
	l := lines{}
	for _, c := range p.run.Convergence {
		l[c.Region] = append(l[c.Region], point{float64(c.AtMS) / 1000, float64(c.Updates)})
	}
	return p.figure("convergence", "What regions lack", "Updates that were acknowledged anywhere, and that a region did not hold yet.",
		chart{y: "updates behind", curves: l.curves(larger2, "worst of")})
}

// propagation draws the table of pairs, and each pair's time against the direct way.
func (p *painter) propagation(v *runView) {
	ps := slices.DeleteFunc(slices.Clone(p.run.Propagation), func(q result.Propagation) bool { return q.Updates == 0 })
	if len(ps) == 0 {
		return
	}
	v.Heat = &figure{"heat", "From each region to each other one", "Milliseconds until half of a region's updates (row) were to be seen in another (column).", heatOf(ps)}
	v.Stretch = &figure{Name: "stretch", Title: "Against the direct way", Note: p.stretchNote()}
	v.Stretch.SVG, p.err = againstDirect(ps)
}

// againstDirect draws a dot for each pair of regions.
func againstDirect(ps []result.Propagation) (string, error) {
	var c chart
	c.x, c.y = "direct way, one way, ms", "propagation p50, ms"
	measured, most := curve{name: "measured", dots: true}, 0.0
	path := curve{name: "along the tree, reckoned", dots: true}
	for _, q := range ps {
		measured.points = append(measured.points, point{float64(q.DirectMS), float64(q.P50MS)})
		path.points = append(path.points, point{float64(q.DirectMS), float64(q.PathMS)})
		most = max(most, float64(q.DirectMS))
	}
	c.curves = append(c.curves, curve{name: "the direct way itself", faint: true, points: []point{{0, 0}, {most, most}}})
	c.curves = append(c.curves, measured)
	if !slices.Equal(measured.points, path.points) {
		c.curves = append(c.curves, path)
	}
	return c.svg()
}

func (p *painter) stretchNote() string {
	s := summaryOf(p.run)
	if s.StretchWorst == nil {
		return "One dot for each pair of regions."
	}
	return fmt.Sprintf("One dot for each pair of regions. Stretch of the path along the tree: median %s, worst %s.", unit(s.StretchMid, "×"), unit(s.StretchWorst, "×"))
}

// marksOf are the moments that curves are seen beside, numbered as in the list.
func marksOf(r *result.Run) (out []mark) {
	for i, h := range r.Happenings {
		out = append(out, mark{float64(h.AtMS) / 1000, fmt.Sprint(i + 1), toneOf(h.Kind)})
	}
	return out
}

func toneOf(kind string) tone {
	switch kind {
	case "healed", "in_service":
		return toneHealed
	case "scale_up", "scale_down", "out_of_service":
		return toneScale
	case "tree":
		return toneTree
	}
	return toneFault
}
