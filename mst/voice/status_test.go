package voice_test

import (
	"slices"
	"testing"
	"time"

	"gazetteer/mst"
	"gazetteer/mst/voice"
)

// TestStatus: every region tells the same of the whole planet.
func TestStatus(t *testing.T) {
	delays := matrix(t)
	p := settled(t, setup{seed: 1, names: all32(delays), delays: delays, given: true})
	before, at := p.bytes, p.now
	p.run(time.Minute)
	each := float64(p.bytes-before) / 32 / (p.now - at).Seconds()
	t.Logf("at rest a region sends %.0f bytes a second", each)
	if each > 10_000 {
		t.Errorf("at rest a region sends %.0f bytes a second", each)
	}
	tree, truth := kruskal(p.truth()), p.truth()
	for _, r := range p.regions {
		s := r.voice.Status()
		if s.Self != r.name || !s.Whole || s.Running || s.Tree.Weight != 1_107_902 || s.Tree.Regions != 32 {
			t.Errorf("%s: %v, whole %v, running %v", s.Self, s.Tree, s.Whole, s.Running)
		}
		if s.Messages < 1_420 || s.Messages > 1_480 {
			t.Errorf("%s counts %d messages of all regions", r.name, s.Messages)
		}
		if len(s.Edges) != len(truth) || len(s.Regions) != 32 {
			t.Fatalf("%s knows %d edges, %d regions", r.name, len(s.Edges), len(s.Regions))
		}
		for _, e := range s.Edges {
			ends := newEdge(e.A, e.B)
			if _, branch := tree[ends]; e.Cost != truth[ends] || !e.Works || e.Tree != branch || e.Extra {
				t.Errorf("%s says %+v, the cost is %d, it is a branch: %v", r.name, e, truth[ends], branch)
			}
		}
	}
}

// TestSwap: the swap edge of a branch is what the best tree has without it.
func TestSwap(t *testing.T) {
	p := settled(t, setup{seed: 1, names: seven, delays: matrix(t), given: true})
	p.run(2 * time.Second)
	n := 0
	for _, r := range p.regions {
		for _, swap := range r.voice.Status().Swaps {
			n++
			without := p.truth()
			delete(without, newEdge(r.name, swap.To))
			fresh := added(p.tree(), kruskal(without))
			if want := newEdge(swap.Edge.Low, swap.Edge.High); !slices.Equal(fresh, []edge{want}) {
				t.Errorf("%s/%s: it is %v, want %v", r.name, swap.To, swap.Edge, fresh)
			}
		}
	}
	if n != 12 {
		t.Errorf("%d swap edges for both ends of 6 branches", n)
	}
}

// TestStatusOfTrouble: the status says what is amiss, and what came of the last run.
func TestStatusOfTrouble(t *testing.T) {
	p := settled(t, setup{seed: 1, names: seven, delays: matrix(t), given: true})
	p.drop = func(_ way, m voice.Message) bool {
		f, ok := m.(voice.Frame)
		return ok && f.Message != nil && f.Message.Kind() == mst.KindDone
	}
	p.region("us-east-1").crash()
	p.run(30 * time.Second)
	s := p.region("us-west-1").voice.Status()
	if s.Whole || s.Cause != voice.CauseBranch || s.Failure == "" || s.Counters.Failed == 0 {
		t.Errorf("whole %v, cause %v, failure %q", s.Whole, s.Cause, s.Failure)
	}
	for _, r := range s.Regions {
		if dead := r.Region == "us-east-1"; dead != (r.Hearing == voice.Silent) || dead == r.Reach || dead != (r.Age > 20*time.Second) {
			t.Errorf("%+v", r)
		}
	}
}
