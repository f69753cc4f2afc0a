package ring_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	schedulesFlag = flag.Int("schedules", 2000, "how many random schedules TestSchedules runs")
	firstFlag     = flag.Uint64("first", 1, "the seed of the first of them")
	profileFlag   = flag.String("profile", "", "draw all schedules from this profile: calm, links, crashes, disks, clocks, members, ruins, wanderers, all")
	seedFlag      = flag.Uint64("seed", 0, "replay this one schedule, with a trace")
	shrinkFlag    = flag.Bool("shrink", false, "with -seed: leave out actions while it still fails")
)

// fullBatch is from how many schedules on a batch must have met everything.
const fullBatch = 2000

// TestSchedules does random things to random planets and holds every promise of the
// feed after every step, and at rest.
func TestSchedules(t *testing.T) {
	if *seedFlag != 0 {
		replay(t, *seedFlag)
		return
	}
	start, count := time.Now(), *schedulesFlag
	if testing.Short() {
		count = min(count, fullBatch/10)
	}
	sum, failed := batch(*firstFlag, count)
	if testing.Verbose() || failed == nil {
		sum.print(os.Stdout)
		fmt.Printf("in %v\n", time.Since(start).Round(time.Second/10))
	}
	if failed != nil {
		t.Fatalf("seed %d: %v\nreplay it with: go test ./ring -run 'TestSchedules$' -seed %d", failed.shape.seed, failed.books.failure, failed.shape.seed)
	}
	if sum.schedules < fullBatch || *profileFlag != "" {
		return
	}
	for i, least := range atLeast {
		if sum.met[i] < least {
			t.Errorf("the batch is invalid: only %d schedules %s, want %d", sum.met[i], thingNames[i], least)
		}
	}
}

// batch runs schedules on all processors, up to the first failure.
func batch(first uint64, count int) (*tally, *world) {
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // worlds are small and short-lived
	var (
		next  atomic.Uint64
		stop  atomic.Bool
		mu    sync.Mutex // guards following
		total tally
		worst []*world
		done  sync.WaitGroup
	)
	next.Store(first)
	for range runtime.GOMAXPROCS(0) {
		done.Go(func() {
			var own tally
			for !stop.Load() {
				seed := next.Add(1) - 1
				if seed >= first+uint64(count) {
					break
				}
				w := newSchedule(seed).run(nil)
				own.add(w)
				if w.books.failure != nil {
					stop.Store(true)
					mu.Lock()
					worst = append(worst, w)
					mu.Unlock()
				}
			}
			mu.Lock()
			total.merge(&own)
			mu.Unlock()
		})
	}
	done.Wait()
	if worst == nil {
		return &total, nil
	}
	return &total, slices.MinFunc(worst, func(a, b *world) int { return int(a.shape.seed) - int(b.shape.seed) })
}

func replay(t *testing.T, seed uint64) {
	s := newSchedule(seed)
	if *shrinkFlag {
		s = shrink(s)
	}
	w := s.run(os.Stdout)
	if w.books.failure != nil {
		w.traceState()
		t.Fatalf("seed %d: %v", seed, w.books.failure)
	}
}

// shrink leaves out actions while the schedule fails in the same way: first large
// parts, then single ones.
func shrink(s *schedule) *schedule {
	w := s.run(nil)
	if w.books.failure == nil {
		return s
	}
	kind := w.books.failure.kind
	fails := func(as []action) bool {
		w := (&schedule{s.shape, as}).run(nil)
		return w.books.failure != nil && w.books.failure.kind == kind
	}
	as := s.actions
	for size := len(as) / 2; size >= 1; {
		smaller := false
		for from := 0; from < len(as); {
			rest := slices.Concat(as[:from], as[min(from+size, len(as)):])
			if fails(rest) {
				as, smaller = rest, true
			} else {
				from += size
			}
		}
		if !smaller || size > 1 {
			size /= 2
		}
	}
	return &schedule{s.shape, as}
}
