package ring_test

import (
	"testing"
	"time"

	"gazetteer/ring"
)

// newChain founds three regions with a ring each, the tree 0-1-2.
func newChain(t *testing.T, members int) *scene {
	t.Helper()
	d := dice(1)
	c := []circle{{members: members, parts: 1}}
	s := shape{seed: 1, prompt: true, parts: 1, ids: 1, locations: 1, tick: 10 * time.Millisecond, rings: [][]circle{c, c, c}, config: quick(&d)}
	s.config.QueueMax, s.config.Window = 100, 10
	w := newWorld(s, nil)
	for i := range w.wires {
		w.wires[i].delay = 2 * time.Millisecond
	}
	w.plans[0].edges = [][2]int{{0, 1}, {1, 2}}
	w.start()
	st := &scene{w, t}
	st.pass(time.Second)
	return st
}

// putEverywhere writes at a node with the highest level, and returns what was reached and
// after what time.
func (s *scene) putEverywhere(n *node) (ring.Ack, time.Duration) {
	s.t.Helper()
	start := s.now
	o := s.propose(n, ring.Write{Partition: s.parts[0], ID: s.ids[0], Put: []ring.Value{{Location: s.locations[1]}}, Ack: ring.AckRegions}, time.Second)
	s.until("the write is answered", func() bool { return o.outcome != nil })
	if o.outcome.Err != nil {
		s.t.Fatalf("%s takes no write: %v", n.id, o.outcome.Err)
	}
	return o.outcome.Reached, s.now - start
}

// A write at any member of any ring comes to be known as durable everywhere by the reports
// alone: the time is that of the way there and back, and that of the ring.
func TestEveryRegionAcknowledges(t *testing.T) {
	for _, members := range []int{1, 2, 3, 7} {
		s := newChain(t, members)
		for _, n := range s.nodes {
			got, took := s.putEverywhere(n)
			if got != ring.AckRegions {
				t.Errorf("rings of %d, write at %s: reached level %d after %v", members, n.id, got, took)
			}
			if members <= 3 && took > 40*time.Millisecond { // 2 ms a hop: 6 there at most, 6 back
				t.Errorf("rings of %d, write at %s: took %v", members, n.id, took)
			}
		}
		s.ends()
	}
}

// While the last region of the tree is away the level is missed, and never claimed.
func TestARegionThatIsAwayHoldsUpTheHighestLevel(t *testing.T) {
	s := newChain(t, 3)
	s.split(s.regions[1], s.regions[2], 1)
	s.split(s.regions[0], s.regions[2], 1)
	if got, took := s.putEverywhere(s.nodes[1]); got != ring.AckRing || took < time.Second {
		t.Errorf("reached level %d after %v, want the ring's at the deadline", got, took)
	}
	s.split(s.regions[1], s.regions[2], -1)
	s.split(s.regions[0], s.regions[2], -1)
	s.pass(time.Second)
	if got, _ := s.putEverywhere(s.nodes[1]); got != ring.AckRegions {
		t.Errorf("reached level %d when the region was back", got)
	}
}

// Who knows that a region of the tree does not answer need not wait for the deadline.
func TestACutTreeAnswersAtOnce(t *testing.T) {
	s := newChain(t, 3)
	n := s.nodes[1]
	s.split(s.regions[1], s.regions[2], 1)
	s.split(s.regions[0], s.regions[2], 1)
	p := n.plan
	p.Tree.Cut = true
	n.r.Configure(p)
	s.perform(n)
	if got, took := s.putEverywhere(n); got != ring.AckRing || took > 100*time.Millisecond {
		t.Errorf("reached level %d after %v, want the ring's at once", got, took)
	}
}

// Region 0 still reckons with the tree 0-1-2 when 1 has gone over to 1-0-2: what 1 tells
// of its side is then itself alone, and 2 is away.
func TestReachOfAnotherTreeDoesNotCount(t *testing.T) {
	s := newChain(t, 1)
	s.split(s.regions[1], s.regions[2], 1)
	s.split(s.regions[0], s.regions[2], 1)
	s.agree(0, [][2]int{{0, 1}, {0, 2}})
	s.install(s.regions[1], 1)
	s.pass(200 * time.Millisecond)
	if got, _ := s.putEverywhere(s.nodes[0]); got != ring.AckRing {
		t.Errorf("reached level %d without region 2", got)
	}
	s.install(s.regions[0], 1)
	s.install(s.regions[2], 1)
	s.split(s.regions[1], s.regions[2], -1)
	s.split(s.regions[0], s.regions[2], -1)
	s.pass(time.Second)
	if got, _ := s.putEverywhere(s.nodes[0]); got != ring.AckRegions {
		t.Errorf("reached level %d under the new tree", got)
	}
}

// A process that starts anew is told again what it has to know.
func TestReachAfterARestart(t *testing.T) {
	s := newChain(t, 3)
	for _, n := range s.nodes {
		s.end(n, lost)
		s.begin(n)
		s.pass(500 * time.Millisecond)
		if got, _ := s.putEverywhere(s.nodes[4]); got != ring.AckRegions {
			t.Errorf("reached level %d after the restart of %s", got, n.id)
		}
	}
}
