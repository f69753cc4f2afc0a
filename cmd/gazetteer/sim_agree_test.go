package main

import (
	"math"
	"testing"

	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
	"gazetteer/simulation/virtual"
)

// agreeWithin is by what share virtual time and real processes may differ.
const agreeWithin = 0.1

// TestVirtualAndProcessesAgree: of one scenario with next to no load, what an update takes
// to another region is the same in virtual time and between real processes, as the median
// over the updates of each way, and over all ways.
func TestVirtualAndProcessesAgree(t *testing.T) {
	if !*long {
		t.Skip("a minute in real time: -long")
	}
	s, err := scenario.Load("testdata/agreement.yaml")
	if err != nil {
		t.Fatal(err)
	}
	modelled, err := virtual.Run(t.Context(), s, virtual.Options{Seed: s.Seed})
	if err != nil {
		t.Fatal(err)
	}
	mustHold(t, &modelled)
	real := runHere(t, s, nil)
	mustHold(t, real)
	a, b := medianOf(t, &modelled), medianOf(t, real)
	t.Logf("p50 of propagation, mean over all ways: virtual %.1f ms, processes %.1f ms", a, b)
	if math.Abs(a-b) > agreeWithin*b {
		t.Errorf("they differ by %.0f %%", 100*math.Abs(a-b)/b)
	}
}

// medianOf is the mean of the medians of all ways between regions, in milliseconds.
func medianOf(t *testing.T, r *result.Run) float64 {
	t.Helper()
	n := len(r.Regions)
	if len(r.Propagation) != n*(n-1) {
		t.Fatalf("%s: propagation of %d ways, want %d", r.Mode, len(r.Propagation), n*(n-1))
	}
	var sum float64
	for _, p := range r.Propagation {
		sum += float64(p.P50MS)
	}
	return sum / float64(len(r.Propagation))
}
