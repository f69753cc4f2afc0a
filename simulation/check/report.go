package check

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Report is what people and scripts are told of a run.
type Report struct {
	Verdict
	Passed     bool    `json:"passed"`
	Broken     int     `json:"broken"`
	Seconds    float64 `json:"seconds"`
	Rate       float64 `json:"rate"` // operations a second, listings not counted
	Operations []Count `json:"operations"`
	Watched    int     `json:"watched"`   // events
	Journaled  int     `json:"journaled"` // entries of the journals of all regions, each as often as it was told
}

// Count is what became of the operations of one kind.
type Count struct {
	Kind    Kind    `json:"op"`
	Done    int     `json:"done"`
	Refused int     `json:"refused"`
	Unknown int     `json:"unknown"`
	P50MS   float64 `json:"p50_ms"` // of those that are done
	P99MS   float64 `json:"p99_ms"`
}

// Summarize puts a history and its verdict into one report.
func Summarize(h *History, v *Verdict) *Report {
	r := &Report{Verdict: *v, Passed: v.Passed(), Broken: v.Broken(), Seconds: h.Loaded.Seconds(), Journaled: len(h.Journal)}
	took := map[Kind][]time.Duration{}
	counts := map[Kind]*Count{}
	answered := 0
	for i := range h.Ops {
		o := &h.Ops[i]
		if counts[o.Kind] == nil {
			counts[o.Kind] = &Count{Kind: o.Kind}
		}
		counts[o.Kind].add(o)
		if o.Outcome == Done {
			took[o.Kind] = append(took[o.Kind], o.Ended-o.Began)
		}
		if o.Kind != List && o.Outcome != Unknown {
			answered++
		}
	}
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		c := counts[k]
		c.P50MS, c.P99MS = quantile(took[k], 0.5), quantile(took[k], 0.99)
		r.Operations = append(r.Operations, *c)
	}
	for i := range h.Watches {
		r.Watched += len(h.Watches[i].Events)
	}
	r.Rate = float64(answered) / max(h.Loaded.Seconds(), 1e-9)
	return r
}

func (c *Count) add(o *Op) {
	switch o.Outcome {
	case Done:
		c.Done++
	case Refused:
		c.Refused++
	default:
		c.Unknown++
	}
}

// quantile returns a quantile in milliseconds. It sorts its input.
func quantile(ds []time.Duration, q float64) float64 {
	if len(ds) == 0 {
		return 0
	}
	slices.SortFunc(ds, cmp.Compare[time.Duration])
	return float64(ds[int(q*float64(len(ds)-1))]) / float64(time.Millisecond)
}
