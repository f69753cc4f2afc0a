package scenario

import (
	"reflect"
	"testing"
	"time"
)

const stormy = `
regions: 7
duration: 60s
tiers:
  regional: {balancer: {}, group: {}}
faults:
  - {at: 30s, crash: us-east-1/r1-1, for: 2s}
  - random: {every: 2s}
`

// checkDrawn holds the faults of a seed against what is promised of them.
func checkDrawn(t *testing.T, s *Scenario, seed uint64) map[FaultKind]int {
	t.Helper()
	kinds, disks := map[FaultKind]int{}, map[string]int{}
	all := s.FaultsOf(seed)
	for i, f := range all {
		kinds[f.Kind]++
		if i > 0 && f.At < all[i-1].At {
			t.Errorf("seed %d: %+v comes too late", seed, f)
		}
		if wrong := soundFault(s, &f); len(wrong) > 0 {
			t.Errorf("seed %d: %q", seed, wrong)
		}
	}
	for _, f := range drawnOf(s, all) {
		if f.For <= 0 || s.healed(&f) > s.Duration {
			t.Errorf("seed %d: %s at %v is not over in the end", seed, f.what(), f.At)
		}
		if f.Kind == DiskLoss {
			disks[ringOf(f.Node)]++
		}
	}
	if len(s.Random) == 1 {
		for ring, n := range disks {
			if n > 1 {
				t.Errorf("seed %d: %d disks of %s", seed, n, ring)
			}
		}
	}
	return kinds
}

// drawnOf leaves out the faults of the file: they are on lines of their own.
func drawnOf(s *Scenario, all []Fault) (out []Fault) {
	lines := map[int]bool{}
	for _, f := range s.Faults {
		lines[f.Line] = true
	}
	for _, f := range all {
		if !lines[f.Line] {
			out = append(out, f)
		}
	}
	return out
}

// A minute with a fault every two seconds has every kind of fault, whatever the seed, and
// no two alike at once.
func TestDrawnFaults(t *testing.T) {
	s := parsed(t, stormy)
	different := map[string]bool{}
	for seed := range uint64(100) {
		kinds := checkDrawn(t, s, seed)
		for _, k := range Kinds() {
			if kinds[k] == 0 {
				t.Errorf("seed %d: no %s", seed, k)
			}
		}
		all := s.FaultsOf(seed)
		if !reflect.DeepEqual(all, s.FaultsOf(seed)) {
			t.Errorf("seed %d: two drawings differ", seed)
		}
		checkApart(t, s, all)
		different[all[0].what()+all[1].what()] = true
	}
	if len(different) < 80 {
		t.Errorf("100 seeds begin in only %d ways", len(different))
	}
	if n := len(s.Faults); n != 1 {
		t.Errorf("drawing changed the scenario: %d faults", n)
	}
}

// checkApart finds two faults of one kind and one target that are there at once.
func checkApart(t *testing.T, s *Scenario, all []Fault) {
	t.Helper()
	over := map[string]time.Duration{}
	for _, f := range all {
		if f.At < over[f.what()] {
			t.Errorf("%s at %v, and again", f.what(), f.At)
		}
		over[f.what()] = s.healed(&f)
	}
}

func TestDrawnFaultsKeepToTheirTimeAndKinds(t *testing.T) {
	s := parsed(t, "regions: 3\nfaults:\n  - random: {every: 1s, from: 10s, until: 20s, longest: 3s, kinds: [crash, cut]}\n")
	for seed := range uint64(100) {
		all := s.FaultsOf(seed)
		if len(all) < 5 {
			t.Errorf("seed %d: only %d faults", seed, len(all))
		}
		for _, f := range all {
			if f.Kind != Crash && f.Kind != Cut || f.At < 10*time.Second || s.healed(&f) > 20*time.Second || f.For > 3*time.Second || f.Line != 3 {
				t.Errorf("seed %d: %+v", seed, f)
			}
		}
	}
}
