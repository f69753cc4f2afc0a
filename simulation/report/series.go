package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/simulation/result"
)

// shownMax is how many regions have a curve of their own; the rest share one.
const shownMax = 7

// line is one metric of one tier over time, for each region.
type lines map[gazetteer.RegionID][]point

// combine says what several servers, or several regions, are together.
type combine func(a, b float64) float64

func sum(a, b float64) float64 { return a + b }

// linesOf collects a metric. A tier's own sample stands for its servers; where it has
// none, they are combined.
func linesOf(samples []result.Sample, tier, metric string, together combine) lines {
	type moment struct {
		region gazetteer.RegionID
		at     time.Duration
	}
	whole, parts := map[moment]float64{}, map[moment]float64{}
	for _, s := range samples {
		if s.Tier != tier || s.Metric != metric || math.IsNaN(s.Value) || math.IsInf(s.Value, 0) {
			continue
		}
		m := moment{s.Region, s.At}
		if s.Server == "" {
			whole[m] = s.Value
		} else if before, ok := parts[m]; ok {
			parts[m] = together(before, s.Value)
		} else {
			parts[m] = s.Value
		}
	}
	maps.Copy(parts, whole)
	out := lines{}
	for m, v := range parts {
		out[m.region] = append(out[m.region], point{m.at.Seconds(), v})
	}
	for _, points := range out {
		slices.SortFunc(points, func(a, b point) int { return cmp.Compare(a.x, b.x) })
	}
	return out
}

// perSecond turns counts of periods into rates. The first period begins with the load, or
// is as long as the second. A last one of less than a fifth of that is left out: what
// happens to fall into a moment is no rate.
func (l lines) perSecond() lines {
	for region, points := range l {
		last, period := 0.0, 0.0
		if len(points) > 1 {
			period = points[1].x - points[0].x
			last = max(0, points[0].x-period)
		}
		for i, p := range points {
			took := p.x - last
			if i == len(points)-1 && took < period/5 {
				l[region] = points[:i]
			} else if took > 0 {
				points[i].y = p.y / took
			}
			last = p.x
		}
	}
	return l
}

// curves returns the regions with the most, then all others as one.
func (l lines) curves(together combine, others string) (out []curve) {
	names := slices.Sorted(maps.Keys(l))
	slices.SortStableFunc(names, func(a, b gazetteer.RegionID) int { return cmp.Compare(weight(l[b]), weight(l[a])) })
	shown := min(len(names), shownMax)
	if len(names) == shownMax+1 {
		shown = len(names)
	}
	for _, n := range names[:shown] {
		out = append(out, curve{name: string(n), points: l[n]})
	}
	slices.SortFunc(out, func(a, b curve) int { return cmp.Compare(a.name, b.name) }) // so that a region keeps its colour
	if rest := names[shown:]; len(rest) > 0 {
		out = append(out, curve{name: fmt.Sprintf("%s %d others", others, len(rest)), points: l.merged(rest, together)})
	}
	return out
}

// withMean is as curves, and the others are as one of them is in the mean: their sum would
// press all other curves to the ground.
func (l lines) withMean() []curve {
	out := l.curves(sum, "mean of")
	if n := len(l) - (len(out) - 1); len(out) > 0 && n > 1 {
		last := out[len(out)-1].points
		for i := range last {
			last[i].y /= float64(n)
		}
	}
	return out
}

// all combines every region.
func (l lines) all(together combine) []point {
	return l.merged(slices.Sorted(maps.Keys(l)), together)
}

func (l lines) merged(names []gazetteer.RegionID, together combine) []point {
	at := map[float64]float64{}
	for _, n := range names {
		for _, p := range l[n] {
			if before, ok := at[p.x]; ok {
				at[p.x] = together(before, p.y)
			} else {
				at[p.x] = p.y
			}
		}
	}
	var out []point
	for _, x := range slices.Sorted(maps.Keys(at)) {
		out = append(out, point{x, at[x]})
	}
	return out
}

func weight(points []point) (sum float64) {
	for _, p := range points {
		sum += p.y
	}
	return sum
}

// flat reports whether no curve ever leaves its first value.
func (l lines) flat() bool {
	for _, points := range l {
		if slices.ContainsFunc(points, func(p point) bool { return p.y != points[0].y }) {
			return false
		}
	}
	return true
}

func (l lines) isZero() bool {
	for _, points := range l {
		if slices.ContainsFunc(points, func(p point) bool { return p.y != 0 }) {
			return false
		}
	}
	return true
}
