package cluster

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"gazetteer"
)

func TestAutoStep(t *testing.T) {
	a := Auto{Min: 1, Max: 4, Rate: 1000, Cooldown: 10 * time.Minute}
	rested := 10 * time.Minute
	for name, c := range map[string]struct {
		auto Auto
		seen Seen
		want int
	}{
		"nothing to do":             {a, Seen{Rings: 1, Quiet: rested}, 1},
		"just enough":               {a, Seen{Rings: 1, Quiet: rested, Rate: 1000, Peak: 1000}, 1},
		"a request more":            {a, Seen{Rings: 1, Quiet: rested, Rate: 1001, Peak: 1001}, 2},
		"one ring at a time":        {a, Seen{Rings: 1, Quiet: rested, Rate: 9000, Peak: 9000}, 2},
		"a peak that is over":       {a, Seen{Rings: 1, Quiet: rested, Rate: 900, Peak: 9000}, 1},
		"inside the cool-down":      {a, Seen{Rings: 1, Quiet: rested - 1, Rate: 9000, Peak: 9000}, 1},
		"while partitions move":     {a, Seen{Rings: 1, Quiet: time.Hour, Moving: true, Rate: 9000, Peak: 9000}, 1},
		"as many as there may be":   {a, Seen{Rings: 4, Quiet: rested, Rate: 9000, Peak: 9000}, 4},
		"one fewer would be full":   {a, Seen{Rings: 3, Quiet: rested, Rate: 1401, Peak: 1401}, 3},
		"one fewer would do":        {a, Seen{Rings: 3, Quiet: rested, Rate: 1400, Peak: 1400}, 2},
		"it did not a while ago":    {a, Seen{Rings: 3, Quiet: rested, Rate: 0, Peak: 1401}, 3},
		"fewer, but they move":      {a, Seen{Rings: 3, Quiet: rested, Moving: true}, 3},
		"fewer, but not yet":        {a, Seen{Rings: 3, Quiet: rested - 1}, 3},
		"as few as there may be":    {a, Seen{Rings: 1, Quiet: rested}, 1},
		"below the bounds":          {Auto{3, 4, 1000, rested}, Seen{Rings: 1, Quiet: rested}, 2},
		"above the bounds":          {Auto{1, 2, 1000, rested}, Seen{Rings: 3, Quiet: rested, Rate: 9000, Peak: 9000}, 2},
		"below, in the cool-down":   {Auto{3, 4, 1000, rested}, Seen{Rings: 1}, 1},
		"above, in the cool-down":   {Auto{1, 2, 1000, rested}, Seen{Rings: 3}, 3},
		"bounds that leave no room": {Auto{2, 2, 1000, rested}, Seen{Rings: 2, Quiet: rested, Rate: 9000, Peak: 9000}, 2},
	} {
		if got := c.auto.Step(c.seen); got != c.want {
			t.Errorf("%s: %d rings, want %d", name, got, c.want)
		}
	}
}

func TestAutoCheck(t *testing.T) {
	good := Auto{1, 4, 5000, 10 * time.Minute}
	for _, c := range []struct {
		auto Auto
		at   string
	}{
		{good, ""}, {Auto{4, 4, 0.5, time.Second}, ""},
		{Auto{0, 4, 1, time.Minute}, "/min"}, {Auto{-1, 4, 1, time.Minute}, "/min"},
		{Auto{3, 2, 1, time.Minute}, "/max"}, {Auto{1, 9, 1, time.Minute}, "/max"},
		{Auto{1, 2, 0, time.Minute}, "/rate"}, {Auto{1, 2, -1, time.Minute}, "/rate"},
		{Auto{1, 2, math.NaN(), time.Minute}, "/rate"}, {Auto{1, 2, math.Inf(1), time.Minute}, "/rate"},
		{Auto{1, 2, 1, 0}, "/cooldown"}, {Auto{1, 2, 1, MaxCooldown + 1}, "/cooldown"},
	} {
		var e *gazetteer.Error
		if err := c.auto.Check(8); (err == nil) != (c.at == "") || err != nil && (!errors.As(err, &e) || e.Pointer != c.at || e.Kind != gazetteer.Unprocessable) {
			t.Errorf("%+v: %v, want %q", c.auto, err, c.at)
		}
	}
}

// life is a cluster that follows a demand, in virtual time: samples every ten seconds, and
// partitions that move for a while after each change.
type life struct {
	Auto
	trend        Trend
	now, changed time.Duration
	rings        int
	changes      []string
}

const (
	sampleEvery = 10 * time.Second
	moveFor     = 2 * time.Minute
)

func (l *life) run(until time.Duration, demand func(time.Duration) float64) {
	for ; l.now < until; l.now += sampleEvery {
		l.trend.Add(l.now, l.now+sampleEvery, demand(l.now), l.Cooldown)
		rate, _ := l.trend.Rate()
		quiet := l.now + sampleEvery - l.changed
		next := l.Step(Seen{Rings: l.rings, Moving: l.changed > 0 && quiet < moveFor, Quiet: quiet, Rate: rate, Peak: l.trend.Peak(l.now + sampleEvery - l.Cooldown)})
		if next != l.rings {
			l.changes = append(l.changes, fmt.Sprintf("%v %d", l.now+sampleEvery, next))
			l.rings, l.changed = next, l.now+sampleEvery
		}
	}
}

// TestAutoFollowsDemand tells a day.
func TestAutoFollowsDemand(t *testing.T) {
	l := &life{Auto: Auto{1, 4, 1000, 10 * time.Minute}, rings: 1}
	l.run(6*time.Hour, func(at time.Duration) float64 {
		switch {
		case at >= time.Hour && at < time.Hour+20*time.Second:
			return 2000 // a burst: over a minute it is below the target
		case at >= 2*time.Hour && at < 4*time.Hour:
			return 2500
		}
		return 400
	})
	const want = "[2h0m20s 2 2h10m20s 3 4h10m40s 2 4h20m40s 1]"
	if got := fmt.Sprint(l.changes); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestAutoNeverFlaps: whatever the demand, as long as it stays within the gap it is never
// answered by a change and then by its contrary; and there is never more than one change
// in a cool-down.
func TestAutoNeverFlaps(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		level, noise := 5000*random.Float64(), 0.17*random.Float64()
		l := &life{Auto: Auto{1, 8, 1000, time.Duration(1+random.IntN(20)) * time.Minute}, rings: 1 + random.IntN(8)}
		was := l.rings
		l.run(12*time.Hour, func(time.Duration) float64 { return level * (1 + noise*(2*random.Float64()-1)) })
		if up, down := l.rings-was, len(l.changes); up != down && -up != down {
			t.Errorf("seed %d: demand %.0f, noise %.2f: %d rings, then %v", seed, level, noise, was, l.changes)
		}
		// It came to rest where the demand is carried, and no ring is there for nothing.
		if most := level * (1 + noise); float64(l.rings)*l.Auto.Rate < level*(1-noise) || l.rings > 2 && most < shrinkTo*l.Auto.Rate*float64(l.rings-1) {
			t.Errorf("seed %d: demand %.0f, noise %.2f ended with %d rings", seed, level, noise, l.rings)
		}
	}
}

// TestAutoKeepsItsCooldown: also under demand that jumps between nothing and everything.
func TestAutoKeepsItsCooldown(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 2))
		l := &life{Auto: Auto{1, 8, 1000, time.Duration(1+random.IntN(20)) * time.Minute}, rings: 4}
		var last time.Duration
		for range 2000 {
			before := len(l.changes)
			demand := 10000 * random.Float64()
			l.run(l.now+sampleEvery, func(time.Duration) float64 { return demand })
			if len(l.changes) > before {
				if l.changed-last < l.Cooldown {
					t.Fatalf("seed %d: changes at %v and %v, cool-down %v", seed, last, l.changed, l.Cooldown)
				}
				last = l.changed
			}
		}
	}
}

func TestTrend(t *testing.T) {
	var r Trend
	if _, known := r.Rate(); known || r.Peak(0) != 0 {
		t.Error("something is known of nothing")
	}
	r.Add(0, 30*time.Second, 100, time.Hour)
	r.Add(30*time.Second, 30*time.Second, 1e9, time.Hour) // no time: no demand
	r.Add(30*time.Second, 90*time.Second, 400, time.Hour)
	if rate, _ := r.Rate(); rate != 400 {
		t.Errorf("the last minute had %v", rate)
	}
	r.Add(90*time.Second, 120*time.Second, 0, time.Hour)
	if rate, _ := r.Rate(); rate != 200 {
		t.Errorf("half a minute of 400 and half of 0 are %v", rate)
	}
	if peak := r.Peak(0); peak != 400 {
		t.Errorf("the peak was %v", peak)
	}
	if peak := r.Peak(100 * time.Second); peak != 200 {
		t.Errorf("since then it was %v", peak)
	}
	for at := 2 * time.Minute; at < 24*time.Hour; at += time.Minute {
		r.Add(at, at+time.Minute, 1, 10*time.Minute)
	}
	if r.Peak(0) != 1 || len(r.spans) > 12 {
		t.Errorf("%d spans are remembered, peak %v", len(r.spans), r.Peak(0))
	}
}
