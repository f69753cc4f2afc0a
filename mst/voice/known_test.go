package voice_test

import (
	"testing"
	"time"

	"gazetteer"
)

func mustSettle(t *testing.T, p *planet, within time.Duration) time.Duration {
	t.Helper()
	took, err := p.settle(within)
	if err != nil {
		t.Fatal(err)
	}
	return took
}

// TestKnownTrees: with costs given the trees are those that are known.
func TestKnownTrees(t *testing.T) {
	delays := matrix(t)
	for _, c := range []struct {
		names  []gazetteer.RegionID
		weight uint64
	}{{seven, 439_555}, {all32(delays), 1_107_902}, {seven[:1], 0}, {seven[:2], 0}} {
		p := newPlanet(setup{seed: 1, names: c.names, delays: delays, given: true}).startAll()
		took := mustSettle(t, p, time.Minute)
		got := p.tree().weight()
		if c.weight > 0 && got != c.weight {
			t.Errorf("%d regions: weight %d, want %d", len(c.names), got, c.weight)
		}
		t.Logf("%d regions: at rest after %v, sent %v", len(c.names), took, p.sent)
		for _, r := range p.regions {
			if s := r.voice.Status(); s.Counters.Entered != 1 {
				t.Errorf("%s entered %d epochs", r.name, s.Counters.Entered)
			}
		}
	}
}
