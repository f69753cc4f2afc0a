package health

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
)

// town is a source whose locations fail when they are told to.
type town struct {
	mu    sync.Mutex // guards following
	specs map[gazetteer.Type]Spec
	sick  map[string]bool
	down  map[gazetteer.LocationID]bool
	asked map[string][]time.Time
	size  int
	most  int // checks at once
	now   int
}

func newTown(size int, s Spec) *town {
	return &town{specs: map[gazetteer.Type]Spec{"mirror": s}, sick: map[string]bool{}, down: map[gazetteer.LocationID]bool{}, asked: map[string][]time.Time{}, size: size}
}

func (t *town) Specs(context.Context) (map[gazetteer.Type]Spec, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return map[gazetteer.Type]Spec{"mirror": t.specs["mirror"]}, nil
}

func (t *town) Targets(context.Context, gazetteer.Type) (ts []Target, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.size {
		id := gazetteer.LocationID(fmt.Sprint("m", i))
		ts = append(ts, Target{Name: Name{"debian", id}, URL: string(id), Down: t.down[id]})
	}
	return ts, nil
}

func (t *town) Turn(_ context.Context, _ gazetteer.Type, turns []Turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, turn := range turns {
		t.down[turn.Location] = turn.Down
	}
}

func (t *town) probe(_ context.Context, _ Spec, url string) error {
	t.mu.Lock()
	t.asked[url] = append(t.asked[url], time.Now())
	t.now++
	t.most = max(t.most, t.now)
	sick := t.sick[url]
	t.mu.Unlock()
	time.Sleep(500 * time.Millisecond)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now--
	if sick {
		return errors.New("sick")
	}
	return nil
}

func (t *town) set(sick bool, urls ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, u := range urls {
		t.sick[u] = sick
	}
}

func (t *town) downs() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, down := range t.down {
		if down {
			n++
		}
	}
	return n
}

func inTown(t *testing.T, size int, test func(*town, *Checker)) {
	synctest.Test(t, func(t *testing.T) {
		s := Spec{Kind: HTTP, Interval: 10 * time.Second}
		if err := s.Complete(); err != nil {
			t.Fatal(err)
		}
		w := newTown(size, s)
		c := NewChecker(w, w.probe)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { c.Run(ctx); close(done) }()
		test(w, c)
		stop()
		<-done
	})
}

func TestALocationGoesDownAndComesBack(t *testing.T) {
	inTown(t, 10, func(w *town, c *Checker) {
		time.Sleep(25 * time.Second)
		w.set(true, "m3", "m4")
		time.Sleep(25 * time.Second)
		if n := w.downs(); n != 0 {
			t.Errorf("%d are down before the third failure", n)
		}
		time.Sleep(20 * time.Second)
		if n := w.downs(); n != 2 {
			t.Errorf("%d are down, want m3 and m4", n)
		}
		w.set(false, "m3")
		time.Sleep(35 * time.Second)
		if n := w.downs(); n != 1 || !w.down["m4"] {
			t.Errorf("down %v, want m4", w.down)
		}
		if n := c.Counters(); n.Down != 2 || n.Up != 1 || n.Capped != 0 || n.OK == 0 || n.Failed == 0 {
			t.Errorf("counted %+v", n)
		}
	})
}

func TestACheckerThatSeesAllFailIsIll(t *testing.T) {
	inTown(t, 10, func(w *town, c *Checker) {
		time.Sleep(15 * time.Second)
		w.set(true, "m0", "m1", "m2", "m3", "m4", "m5")
		time.Sleep(time.Minute)
		if n := w.downs(); n != 0 {
			t.Errorf("%d are down by the word of a checker to whom most fail", n)
		}
		if c.Counters().Capped == 0 {
			t.Error("nothing says why")
		}
	})
}

// TestChecksAreSpread looks at when each of many locations is checked.
func TestChecksAreSpread(t *testing.T) {
	inTown(t, 500, func(w *town, c *Checker) {
		time.Sleep(100 * time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		for url, at := range w.asked {
			if len(at) < 9 || len(at) > 11 {
				t.Fatalf("%s was checked %d times in 10 intervals", url, len(at))
			}
		}
		if w.most > 50 { // 500 checks of half a second in 8 s: 31 at once if evenly
			t.Errorf("%d checks at once", w.most)
		}
	})
}

func TestATypeThatIsCheckedNoMoreIsLeftAlone(t *testing.T) {
	inTown(t, 3, func(w *town, c *Checker) {
		time.Sleep(15 * time.Second)
		w.mu.Lock()
		w.specs["mirror"] = Spec{}
		w.mu.Unlock()
		time.Sleep(2 * time.Second)
		before := c.Counters()
		time.Sleep(time.Minute)
		if after := c.Counters(); after != before || before.OK == 0 {
			t.Errorf("%+v, then %+v", before, after)
		}
	})
}
