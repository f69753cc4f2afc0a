package ghs

import (
	"math/rand/v2"
	"testing"
)

// TestWithoutLinks: what GHS assumes of the network is needed. Without links runs on the
// 32 regions go wrong when messages overtake, when one is lost, and when one comes twice:
// a bare transcription of the paper is right in 1 of 200, 6 of 600 and 506 of 600 runs.
// This node refuses nearly every message that comes again; one that dropped it silently
// would still end with a wrong tree, or never, now and then.
func TestWithoutLinks(t *testing.T) {
	g := awsGraph(t)
	for _, c := range []struct {
		name        string
		options     Options
		copies      int // of one message, at another position in each run
		least, most int // how many of 100 runs go wrong
	}{
		{"as the paper assumes", Options{}, 1, 0, 0},
		{"messages overtake", Options{Overtake: true}, 1, 90, 100},
		{"one message is lost", Options{}, 0, 90, 100},
		{"one message comes twice", Options{}, 2, 90, 100},
		{"one message comes twice, refused in silence", Options{forgive: true}, 2, 1, 25},
	} {
		t.Run(c.name, func(t *testing.T) {
			wrong := wrongOf(t, func(_ *testing.T, seed uint64) error {
				o := c.options
				o.Seed, o.Bare = seed, true
				o.copies = atPosition(int(seed)*1450/100, c.copies)
				return judged(g, o)
			}, 100)
			t.Logf("%d of 100 runs go wrong", wrong)
			if wrong < c.least || wrong > c.most {
				t.Errorf("%d of 100 runs go wrong, want %d to %d", wrong, c.least, c.most)
			}
		})
	}
}

// atPosition lets one message arrive so many times, all others once.
func atPosition(position, copies int) func(nth int) int {
	return func(nth int) int {
		if nth == position {
			return copies
		}
		return 1
	}
}

// TestBadNetworkUnderLinks: loss, doubling and overtaking change nothing in the tree,
// and resends stay in proportion to what is lost.
func TestBadNetworkUnderLinks(t *testing.T) {
	for _, o := range []Options{{}, {Loss: 0.01}, {Loss: 0.1}, {Double: 0.1}, {Loss: 0.1, Double: 0.1}, {Loss: 0.5, Double: 0.3}} {
		for seed := uint64(1); seed <= 60; seed++ {
			dice := rand.New(rand.NewPCG(seed, 5))
			g := randomGraph(dice, 1+dice.IntN(24))
			o.Seed, o.Awake = seed, Awake(seed%3)
			r, err := Simulate(g, o)
			if err := verdict(g, r, err); err != nil {
				t.Fatalf("loss %v, doubling %v, seed %d: %v", o.Loss, o.Double, seed, err)
			}
			boundedResends(t, o, r)
		}
	}
}

// boundedResends: a message is sent again when it or its acknowledgement was lost, and
// with it what else was under way on its link. Without loss nothing is.
func boundedResends(t *testing.T, o Options, r Result) {
	t.Helper()
	if int(r.Links.Sent) != r.Messages {
		t.Errorf("%d messages sent, %d taken", r.Links.Sent, r.Messages)
	}
	arrives := (1 - o.Loss) * (1 - o.Loss)
	most := 20 + 3*float64(r.Messages)*(1-arrives)/arrives
	if o.Loss == 0 {
		most = 0
	}
	if float64(r.Links.Resent) > most {
		t.Errorf("loss %v: %d of %d messages were sent again, want at most %.0f", o.Loss, r.Links.Resent, r.Messages, most)
	}
}

func TestThe32RegionsUnderLoss(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		r := mustBuild(t, awsGraph(t), Options{Seed: seed, Loss: 0.1, Double: 0.1, Delay: RoundTripDelay})
		if r.Weight != 1_107_902 {
			t.Errorf("weight %d", r.Weight)
		}
		within(t, "messages without resends", float64(r.Messages), 1446, 1452)
	}
}
