package fleet

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestQuantilesAreAtMostThreePercentAbove(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h, first Histogram
	var all []time.Duration
	for i := range 20_000 {
		d := time.Duration(r.ExpFloat64() * float64(30*time.Millisecond))
		all = append(all, d)
		if i < 7_000 {
			first.Add(d)
		} else {
			h.Add(d)
		}
	}
	h.Merge(&first)
	slices.Sort(all)
	for _, q := range []float64{0, 0.001, 0.5, 0.9, 0.99, 0.9999, 1} {
		want := all[max(0, int(q*float64(len(all))+0.999999)-1)]
		got := h.Quantile(q)
		if got < want || got > want+want/32+time.Microsecond {
			t.Errorf("quantile %v is %v, want %v or up to 3 %% more", q, got, want)
		}
	}
	if h.Count() != 20_000 || h.Max() != all[len(all)-1] {
		t.Errorf("%d up to %v, want 20000 up to %v", h.Count(), h.Max(), all[len(all)-1])
	}
	h.Reset()
	if h.Count() != 0 || h.Quantile(0.5) != 0 || h.Mean() != 0 {
		t.Errorf("after Reset: %+v", h)
	}
}

func TestEveryClassEndsBelowTheNext(t *testing.T) {
	for class := range 1000 {
		top := topOf(class)
		if classOf(top) != class || classOf(top+time.Nanosecond) != class+1 {
			t.Fatalf("class %d ends at %v, which lies in class %d, and what follows in %d", class, top, classOf(top), classOf(top+1))
		}
	}
}
