package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/watch"
)

// Stream implements watch.Streamer: it ends with the other node, as a connection would.
func (r remote) Stream(ctx context.Context, q *watch.Query, take func(*watch.Batch) error) error {
	t, err := r.tier()
	if err != nil {
		return err
	}
	return t.(watch.Streamer).Stream(ctx, q, func(b *watch.Batch) error {
		if now, err := r.tier(); err != nil || now != t {
			return errors.New("the connection broke")
		}
		return take(b)
	})
}

// frontOf is a plan in which one node of its own is regional and cluster server of a ring
// of n.
func frontOf(n int) *testPlan {
	p := ringOf(n)
	p.servers, p.regional = []gazetteer.NodeID{"front"}, []gazetteer.NodeID{"front"}
	return p
}

// seen is what a watcher was shown.
type seen struct {
	mu      sync.Mutex // guards following
	held    map[gazetteer.Element]string
	stamps  map[gazetteer.Element]gazetteer.Stamp
	cursor  []gazetteer.Vector
	marks   int
	resets  int
	backs   int // a value that was shown behind a newer one
	caught  int
	ended   error
	waiting chan struct{}
	gate    chan struct{} // nothing is taken before it is closed; nil: at once
}

func newSeen() *seen {
	return &seen{held: map[gazetteer.Element]string{}, stamps: map[gazetteer.Element]gazetteer.Stamp{}}
}

// resumed is a watcher who goes on with what another was shown up to its last bookmark.
func (s *seen) resumed() *seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &seen{held: maps.Clone(s.held), stamps: maps.Clone(s.stamps), cursor: s.cursor}
}

func (s *seen) show(es []*watch.Entry) error {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range es {
		s.take(e)
	}
	return nil
}

func (s *seen) take(e *watch.Entry) {
	el := e.Update.Element
	switch e.Kind {
	case watch.Reset:
		s.resets++
		clear(s.held)
		clear(s.stamps)
	case watch.Bookmark:
		s.marks++
		s.cursor = e.Vectors
	case watch.Put, watch.Snapshot, watch.Delete:
		if s.stamps[el].Compare(e.Update.Stamp) > 0 {
			s.backs++
		}
		if e.CatchUp {
			s.caught++
		}
		s.stamps[el] = e.Update.Stamp
		if delete(s.held, el); e.Kind != watch.Delete {
			s.held[el] = string(e.Update.Body)
		}
	}
}

func (s *seen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := ""
	for _, e := range slices.SortedFunc(maps.Keys(s.held), gazetteer.Element.Compare) {
		out += fmt.Sprintf("%s %s %q\n", e.ID, e.Location, s.held[e])
	}
	return out
}

// living is what the stores of a node hold that is no tombstone.
func (w *world) living(n gazetteer.NodeID) string {
	held := map[gazetteer.Element]string{}
	for i := range uint32(testPartitions) {
		for u, err := range w.stores[n].Scan(gazetteer.Partition{Type: "mirror", Index: i}, nil) {
			if err != nil {
				w.t.Fatal(err)
			}
			if !u.Tombstone && !u.Element.Location.IsBeside() {
				held[u.Element] = string(u.Body)
			}
		}
	}
	return (&seen{held: held}).text()
}

// watched runs a watch in the background until ctx ends.
func (w *world) watched(ctx context.Context, o watch.Options, s *seen) {
	o.Type, o.From = "mirror", s.cursor
	s.waiting = make(chan struct{})
	go func() {
		defer close(s.waiting)
		s.ended = w.node("front").Regional().(region.Watcher).Watch(ctx, &o, s.show)
	}()
}

func (w *world) mirrorType() {
	w.t.Helper()
	if _, err := w.node("front").Regional().PutType(context.Background(), region.TypeSpec{Name: "mirror", Mode: "multi"}); err != nil {
		w.t.Fatal(err)
	}
}

// scribble writes n changes of a few resources, some of them deletions.
func (w *world) scribble(r *rand.Rand, n int) {
	for range n {
		k := gazetteer.Key{Type: "mirror", ID: gazetteer.ID(fmt.Sprint("id", r.IntN(12)))}
		c := region.Change{Key: k, Op: region.PutLocation, Locations: []gazetteer.Location{{ID: "l", URL: fmt.Sprintf("http://%d.example/", r.IntN(1e6)), Weight: 1}}}
		if r.IntN(4) == 0 {
			c = region.Change{Key: k, Op: region.DeleteResource}
		}
		w.node("front").Regional().Write(context.Background(), []region.Change{c})
		time.Sleep(time.Duration(r.IntN(40)) * time.Millisecond)
	}
}

// TestAWatchOutlivesItsReplicas kills replicas under a watch: it goes on at others, and what
// it has shown at last is what the mirrors hold. So does a watch that goes on from a
// bookmark of it.
func TestAWatchOutlivesItsReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, frontOf(3))
		w.start("r0", "r1", "r2", "front")
		defer w.stopAll()
		w.ready()
		w.mirrorType()
		ctx, cancel := context.WithCancel(context.Background())
		first := newSeen()
		w.watched(ctx, watch.Options{}, first)
		r := rand.New(rand.NewPCG(1, 2))
		var later []*seen
		for round := range 6 {
			w.scribble(r, 30)
			victim := gazetteer.NodeID(fmt.Sprint("r", round%3))
			w.stop(victim)
			w.scribble(r, 30)
			w.start(victim)
			w.serving(victim)
			next := first.resumed()
			w.watched(ctx, watch.Options{}, next)
			later = append(later, next)
		}
		w.equal()
		for i, s := range append(later, first) {
			w.eventually(func() error {
				if got, want := s.text(), w.living("r0"); got != want {
					return fmt.Errorf("watch %d has shown\n%s\nand the mirrors hold\n%s", i, got, want)
				}
				return nil
			})
		}
		if first.marks == 0 || first.caught == 0 {
			t.Errorf("%d bookmarks, %d values of catching up: nothing was tested", first.marks, first.caught)
		}
		if first.resets > 1 { // the one before its snapshot
			t.Errorf("%d resets where nothing was forgotten", first.resets)
		}
		cancel()
		for _, s := range append(later, first) {
			<-s.waiting
			if !errors.Is(s.ended, context.Canceled) {
				t.Errorf("a watch ended with %v", s.ended)
			}
		}
	})
}

// TestASlowWatcherCatchesUp: who does not take what he is shown holds nobody up, and is
// shown the last values when he does.
func TestASlowWatcherCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, frontOf(1))
		w.start("r0", "front")
		defer w.stopAll()
		w.ready()
		w.mirrorType()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		slow, quick := newSeen(), newSeen()
		slow.gate = make(chan struct{})
		w.watched(ctx, watch.Options{}, slow)
		w.watched(ctx, watch.Options{}, quick)
		r := rand.New(rand.NewPCG(3, 4))
		w.scribble(r, 600)
		shown := func(s *seen) func() error {
			return func() error {
				if got, want := s.text(), w.living("r0"); got != want {
					return fmt.Errorf("has shown\n%s\nand the mirror holds\n%s", got, want)
				}
				return nil
			}
		}
		w.eventually(shown(quick))
		close(slow.gate)
		w.eventually(shown(slow))
		cancel()
		<-slow.waiting
		<-quick.waiting
		if slow.caught+slow.resets < 2 || quick.caught+quick.resets > 1 {
			t.Errorf("%d and %d values of catching up, %d and %d resets: want some of the slow one only", slow.caught, quick.caught, slow.resets, quick.resets)
		}
	})
}

// TestAWatchOfOnePrefix shows nothing else, and its cursor is good for no other.
func TestAWatchOfOnePrefix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, frontOf(1))
		w.start("r0", "front")
		defer w.stopAll()
		w.ready()
		w.mirrorType()
		ctx, cancel := context.WithCancel(context.Background())
		s := newSeen()
		w.watched(ctx, watch.Options{Scope: watch.Scope{Prefix: "id1"}}, s)
		w.scribble(rand.New(rand.NewPCG(5, 6)), 100)
		time.Sleep(3 * time.Second)
		cancel()
		<-s.waiting
		if len(s.stamps) == 0 || s.marks < 2 {
			t.Fatalf("%d elements, %d bookmarks", len(s.stamps), s.marks)
		}
		for e := range s.stamps {
			if e.ID[:3] != "id1" {
				t.Errorf("shown: %v", e)
			}
		}
	})
}
