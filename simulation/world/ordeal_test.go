package world

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"gazetteer/simulation/aws"
	"gazetteer/simulation/scenario"
)

var (
	seedsFlag = flag.Int("seeds", 8, "how many seeds the fault scenario runs with")
	firstFlag = flag.Uint64("first", 1, "the first seed")
	logFlag   = flag.Bool("events", false, "print the events of a seed that fails")
)

// ordeal is 60 s of faults of all kinds in seven regions of three replicas, drawn from a
// seed; each heals in time for the planet to come to rest.
func ordeal(t testing.TB, seed uint64) *scenario.Scenario {
	s := planet(t, aws.Seven(), 3)
	s.Network.Jitter, s.Network.Loss = 0.1, 0.001
	s.Network.Drift, s.Network.Skew = 50e-6, 50*time.Millisecond
	d := (&World{seed: seed}).dice("ordeal", 0)
	kinds := []scenario.FaultKind{scenario.Crash, scenario.Crash, scenario.PowerLoss, scenario.DiskLoss, scenario.Pause, scenario.SlowDisk,
		scenario.ClockJump, scenario.Cut, scenario.Cut, scenario.Lossy, scenario.Delay, scenario.Duplicate, scenario.RegionDown, scenario.Upgrade}
	node := func() string {
		return fmt.Sprintf("%s/a-%d", aws.Seven()[d.IntN(7)], 1+d.IntN(3))
	}
	for range 16 {
		f := scenario.Fault{Kind: kinds[d.IntN(len(kinds))], At: between(d, time.Second, 45*time.Second), For: between(d, 500*time.Millisecond, 12*time.Second)}
		a, b := aws.Seven()[d.IntN(7)], aws.Seven()[d.IntN(7)]
		switch f.Kind {
		case scenario.RegionDown, scenario.Upgrade:
			f.Region = a
		case scenario.Cut, scenario.Lossy, scenario.Delay, scenario.Duplicate:
			f.Link = &scenario.Link{From: string(a), To: string(b), OneWay: d.IntN(2) == 0}
			f.Amount, f.By = 0.05+0.3*d.Float64(), between(d, 0, 200*time.Millisecond)
			if f.Kind == scenario.Cut && d.IntN(3) == 0 || a == b {
				f.Link, f.Region = nil, a
			}
			if f.Kind != scenario.Cut && f.Link == nil {
				f.Region, f.Link = "", &scenario.Link{From: node(), To: node()}
			}
		default:
			f.Node = node()
			if f.Kind == scenario.Crash && d.IntN(4) == 0 {
				f.Node = fmt.Sprintf("%s/server-%d", a, 1+d.IntN(3))
			}
			f.Amount, f.By = 20, between(d, -3*time.Second, 3*time.Second)
		}
		s.Faults = append(s.Faults, f)
	}
	return s
}

// endure runs a seed of the ordeal up to its rest, with an old copy of a disk put back.
func endure(t testing.TB, seed uint64, plant mutation, log *bytes.Buffer) *World {
	w, l := begun(t, ordeal(t, seed), seed, log)
	w.planted = plant
	l.run(40*time.Millisecond, w.agenda.Now()+60*time.Second, 8)
	d := w.dice("copies", 0)
	n := w.processes[d.IntN(len(w.processes))].id
	w.agenda.After(between(d, 0, 20*time.Second), func() { w.CopyDisk(n) })
	w.agenda.After(between(d, 25*time.Second, 45*time.Second), func() { w.RestoreDisk(n, time.Second) })
	w.agenda.Run(w.agenda.Now() + 61*time.Second)
	return w
}

// covered are the kinds of happenings that a batch of seeds must have met.
func covered(c *Coverage) map[string]uint64 {
	return map[string]uint64{
		"process ended": uint64(c.Ends), "election": uint64(max(0, c.Elections-7)), "epoch": uint64(max(0, c.Epochs-1)), "link broken": uint64(c.LinksBroken),
		"loss": uint64(c.Lost), "acknowledged": uint64(c.Acknowledged), "tombstone": uint64(c.Tombstones), "scan": c.Scans,
		"collected": c.Collected, "conflict": c.Conflicts, "doubled": uint64(c.Doubled), "stamp ahead": c.Held,
	}
}

// whole is how many seeds meet every kind, and rarely what is rare.
const whole, rarely = 6, 24

func TestFaults(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	met, rare := map[string]uint64{}, uint64(0)
	for i := range *seedsFlag {
		seed := *firstFlag + uint64(i)
		var log bytes.Buffer
		failed := !t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := endure(t, seed, sound, &log)
			finish(t, w, 3*time.Minute)
			c := w.Coverage()
			for kind, k := range covered(&c) {
				met[kind] += k
			}
			rare += c.WholeScans
		})
		if failed && *logFlag {
			t.Log(log.String())
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(met)) {
		if met[kind] == 0 && *seedsFlag >= whole {
			t.Errorf("%d seeds have not met: %s", *seedsFlag, kind)
		}
	}
	if rare == 0 && *seedsFlag >= rarely {
		t.Errorf("%d seeds have not met a whole scan", *seedsFlag)
	}
}
