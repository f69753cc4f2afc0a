package voice

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"time"

	"gazetteer"
)

// Config is what a Voice needs for good. Zero fields take the defaults named.
type Config struct {
	Self  gazetteer.RegionID
	Saved Saved      // what the last [Ready.Save] of this region held; zero at the first start
	Rand  *rand.Rand // jitter and the voice's number; a seed makes a run repeatable

	// Given takes costs from [Voice.SetCost] only; [Voice.Sample] then changes no cost.
	Given bool
	// Nearest (0: all) limits an epoch's edges to those that lead to one of the so many
	// nearest regions of either end. Fewer make a run shorter; a tree that turns out to be
	// in parts, or heavier than an edge that was left out, is followed by one over all edges.
	Nearest int
	// Shortcuts (0) is how many links beyond the tree are kept for pairs whose way along
	// it is more than 2.5 times the direct one. All regions should be told the same.
	Shortcuts int

	// Beat (1 s) is how often a region gives word of itself to each other one. With more
	// regions it speaks less often, every BeatEach (80 ms) times their number, so that
	// what it sends and hears in a second does not grow.
	Beat, BeatEach time.Duration
	// Missed (3) is after how many beats without a word a region is taken as silent. Fewer
	// find a dead region sooner and take a slow one for dead.
	Missed int
	// Collect (1 s) is how long a change must be quiet before an epoch is proposed, so
	// that regions that come or go together are one change.
	Collect time.Duration
	// AgreeWithin (2 s) bounds the agreement on costs. A pair that has not agreed by then
	// has no edge in the epoch. It must stay below the member's JoinWithin, 5 s.
	AgreeWithin time.Duration
	// ResendAfter (500 ms) is after what time without an answer a message is sent again;
	// it should be above the largest round-trip time.
	ResendAfter time.Duration
	// Drain (10 s) is how long a branch that nothing wants any more is kept: the old tree
	// carries data until the new one certainly does.
	Drain time.Duration
	// CostLasting (10 s) is how long an edge must be too heavy before an epoch is proposed
	// for it, and CostEvery (1 min) the shortest time from a tree to one that only costs
	// make due.
	CostLasting, CostEvery time.Duration
	// RetryMax (5 min) bounds the back-off of epochs that did not help; it begins at 1 s
	// and doubles.
	RetryMax time.Duration
}

func (c Config) withDefaults() Config {
	c.Beat = cmp.Or(c.Beat, time.Second)
	c.BeatEach = cmp.Or(c.BeatEach, 80*time.Millisecond)
	c.Missed = cmp.Or(c.Missed, 3)
	c.Collect = cmp.Or(c.Collect, time.Second)
	c.AgreeWithin = cmp.Or(c.AgreeWithin, 2*time.Second)
	c.ResendAfter = cmp.Or(c.ResendAfter, 500*time.Millisecond)
	c.Drain = cmp.Or(c.Drain, 10*time.Second)
	c.CostLasting = cmp.Or(c.CostLasting, 10*time.Second)
	c.CostEvery = cmp.Or(c.CostEvery, time.Minute)
	c.RetryMax = cmp.Or(c.RetryMax, 5*time.Minute)
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(gazetteer.Hash(string(c.Self)), c.Saved.Epoch.Counter))
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Self == "":
		return invalid("voice.New", "Self names no region")
	case c.Nearest < 0 || c.Nearest > maxRegions:
		return invalid("voice.New", "Nearest is %d, want 0 to %d", c.Nearest, maxRegions)
	case c.Shortcuts < 0 || c.Shortcuts > maxRegions:
		return invalid("voice.New", "Shortcuts is %d, want 0 to %d", c.Shortcuts, maxRegions)
	case c.Beat < 0 || c.Beat > paceMax || c.BeatEach < 0 || c.Missed < 1:
		return invalid("voice.New", "Beat is %v, BeatEach %v, Missed %d: want times up to %v and at least one beat", c.Beat, c.BeatEach, c.Missed, paceMax)
	case min(c.Collect, c.AgreeWithin, c.ResendAfter, c.Drain, c.CostLasting, c.CostEvery, c.RetryMax) < 0:
		return invalid("voice.New", "a time is negative")
	}
	return nil
}

func invalid(op, format string, args ...any) error {
	return &gazetteer.Error{Op: op, Kind: gazetteer.Invalid, Detail: fmt.Sprintf(format, args...)}
}
