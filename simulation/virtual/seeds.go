package virtual

import (
	"context"
	"sync"

	"gazetteer/simulation/result"
)

// Outcome is the run of one seed.
type Outcome struct {
	Seed uint64
	Run  result.Run
	Err  error
}

// Seeds runs seeds side by side, on so many goroutines, and tells of each as it ends. It
// returns when all have ended, or, after those under way, when ctx does or told returns
// false.
func Seeds(ctx context.Context, seeds []uint64, workers int, one func(context.Context, uint64) (result.Run, error), told func(Outcome) bool) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	todo := make(chan uint64)
	done := make(chan Outcome)
	var running sync.WaitGroup
	for range max(1, min(workers, len(seeds))) {
		running.Go(func() {
			for seed := range todo {
				r, err := one(ctx, seed)
				done <- Outcome{seed, r, err}
			}
		})
	}
	go func() {
		defer func() { close(todo); running.Wait(); close(done) }()
		for _, seed := range seeds {
			select {
			case todo <- seed:
			case <-ctx.Done():
				return
			}
		}
	}()
	for o := range done {
		if !told(o) {
			stop()
		}
	}
}

// GCPercent is the pace of garbage collection, as of debug.SetGCPercent, for programs that
// run many seeds: what a run holds is small beside what it makes, and at the default pace
// a fifth of the time goes into collecting it.
const GCPercent = 400
