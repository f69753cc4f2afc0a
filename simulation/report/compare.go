package report

import (
	"slices"

	"gazetteer/simulation/result"
)

// compare draws runs over one another.
func (v *view) compare() error {
	for _, f := range []struct {
		name, title, note string
		chart             chart
		points            func(*runView) []point
	}{
		{"compare-propagation", "Propagation", "Share of pairs of regions whose p50 is at most so long.",
			chart{x: "propagation p50, ms", y: "% of pairs"}, distribution},
		{"compare-requests", "Requests a second, all clients", "", chart{x: overTime, y: "requests/s"}, func(r *runView) []point {
			return linesOf(r.Samples, result.TierClient, result.MetricRequests, sum).perSecond().all(sum)
		}},
		{"compare-p99", "Client latency, p99 of the worst region", "", chart{x: overTime, y: "ms", log: true}, func(r *runView) []point {
			return linesOf(r.Samples, result.TierClient, result.MetricP99, larger2).all(larger2)
		}},
		{"compare-lag", "What the worst region lacks", "", chart{x: overTime, y: "updates behind"}, worstLag},
	} {
		if err := v.overlay(figure{Name: f.name, Title: f.title, Note: f.note}, f.chart, f.points); err != nil {
			return err
		}
	}
	return nil
}

const overTime = "seconds since the start of the load"

func (v *view) overlay(f figure, c chart, points func(*runView) []point) (err error) {
	any := false
	for i := range v.Runs {
		ps := points(&v.Runs[i])
		any = any || len(ps) > 0
		c.curves = append(c.curves, curve{name: v.Runs[i].Label, points: ps})
	}
	if !any {
		return nil
	}
	f.SVG, err = c.svg()
	v.Compare = append(v.Compare, f)
	return err
}

func distribution(r *runView) (out []point) {
	var times []float64
	for _, p := range r.Run.Propagation {
		if p.Updates > 0 {
			times = append(times, float64(p.P50MS))
		}
	}
	slices.Sort(times)
	for i, t := range times {
		out = append(out, point{t, 100 * float64(i+1) / float64(len(times))})
	}
	return out
}

func worstLag(r *runView) (out []point) {
	for _, l := range r.Run.Convergence {
		at, behind := float64(l.AtMS)/1000, float64(l.Updates)
		if n := len(out); n > 0 && out[n-1].x == at {
			out[n-1].y = max(out[n-1].y, behind)
			continue
		}
		out = append(out, point{at, behind})
	}
	return out
}
