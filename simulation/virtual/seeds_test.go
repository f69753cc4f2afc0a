package virtual

import (
	"context"
	"flag"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"gazetteer/simulation/result"
	"gazetteer/simulation/scenarios"
)

var (
	seedsFlag    = flag.Int("seeds", 16, "how many seeds the scenario runs with")
	firstFlag    = flag.Uint64("first", 1, "the first seed")
	scenarioFlag = flag.String("scenario", "faults-60s", "the scenario that runs with many seeds: a file, or a name of the library")
)

// TestSeeds runs a minute of faults with many seeds: no promise may be broken in any.
func TestSeeds(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(GCPercent))
	s, err := scenarios.Open(*scenarioFlag)
	if err != nil {
		t.Fatal(err)
	}
	seeds := make([]uint64, *seedsFlag)
	for i := range seeds {
		seeds[i] = *firstFlag + uint64(i)
	}
	one := func(ctx context.Context, seed uint64) (result.Run, error) {
		return Run(ctx, s, Options{Seed: seed})
	}
	begun, requests := time.Now(), int64(0)
	Seeds(t.Context(), seeds, runtime.GOMAXPROCS(0), one, func(o Outcome) bool {
		requests += o.Run.Generators.Reads + o.Run.Generators.Writes
		if o.Err != nil {
			t.Errorf("seed %d: %v", o.Seed, o.Err)
		}
		for _, c := range o.Run.Failed() {
			t.Errorf("seed %d: %s: %s", o.Seed, c.Name, c.Detail)
		}
		if o.Run.Unfinished != "" && len(o.Run.Failed()) == 0 {
			t.Errorf("seed %d: unfinished: %s", o.Seed, o.Run.Unfinished)
		}
		return !t.Failed()
	})
	if requests == 0 {
		t.Error("nobody has asked anything")
	}
	t.Logf("%d seeds of %s in %v, %d requests", len(seeds), s.Name, time.Since(begun).Round(time.Second/10), requests)
}
