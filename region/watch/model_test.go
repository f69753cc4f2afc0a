package watch_test

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
	"gazetteer/region/watch"
)

const modelPartitions = 2

// mirrors is a model of replicas of two partitions: each takes the same updates, each
// origin's in order, at moments of its own. Of each element the highest stamp stays.
type mirrors struct {
	mu    sync.Mutex // guards following
	rand  *rand.Rand
	log   []watch.Update // everything that was written
	all   []*mirror
	clock gazetteer.Clock
	seqs  map[gazetteer.Position]uint64 // by origin, and the partition as its sequence
	broke int
}

type mirror struct {
	held    map[string]watch.Update
	vectors [modelPartitions]gazetteer.Vector
	taken   map[int]bool
	streams []*modelStream
}

type modelStream struct {
	queue  []*watch.Batch
	broken bool
}

func name(u *watch.Update) string { return fmt.Sprint(u.Index, u.Element) }

// write makes an update at one mirror.
func (m *mirrors) write() {
	at := m.all[m.rand.IntN(len(m.all))]
	o := origin(uint64(slices.Index(m.all, at)+1), 1)
	i := uint32(m.rand.IntN(modelPartitions))
	key := gazetteer.Position{Origin: o, Seq: uint64(i)}
	m.seqs[key]++
	m.clock++
	u := watch.Update{Index: i, Update: gazetteer.Update{
		Element:  gazetteer.Element{ID: gazetteer.ID(fmt.Sprint("id", m.rand.IntN(4))), Location: "l"},
		Position: gazetteer.Position{Origin: o, Seq: m.seqs[key]}, Stamp: gazetteer.Stamp{Clock: m.clock, Origin: o},
		Tombstone: m.rand.IntN(4) == 0, Body: []byte(fmt.Sprint(m.clock)),
	}}
	m.log = append(m.log, u)
	m.take(at, len(m.log)-1)
}

// take has a mirror take one of the updates, if it is the next of its origin.
func (m *mirrors) take(at *mirror, n int) {
	u := m.log[n]
	v := &at.vectors[u.Index]
	if at.taken[n] || u.Position.Seq != v.At(u.Position.Origin)+1 {
		return
	}
	at.taken[n] = true
	*v = v.Clone().Raise(u.Position)
	b := &watch.Batch{Marks: []watch.Mark{{Index: u.Index, Vector: gazetteer.Vector{u.Position}}}}
	if old, is := at.held[name(&u)]; !is || old.Stamp.Compare(u.Stamp) < 0 {
		at.held[name(&u)] = u
		b.Updates = []watch.Update{u}
	}
	for _, s := range at.streams {
		s.queue = append(s.queue, b)
	}
}

// spread has some mirror take something that it has not.
func (m *mirrors) spread() {
	at := m.all[m.rand.IntN(len(m.all))]
	for n := range m.log {
		if !at.taken[n] && m.rand.IntN(2) == 0 {
			m.take(at, n)
			return
		}
	}
}

func (m *mirrors) settle() {
	for _, at := range m.all {
		for n := range m.log {
			m.take(at, n)
		}
	}
}

func (m *mirrors) breakSome() {
	for _, s := range m.all[m.rand.IntN(len(m.all))].streams {
		s.broken = true
		m.broke++
	}
}

// source streams from some mirror that covers what the query asks for.
func (m *mirrors) source(ctx context.Context, q *watch.Query, take func(*watch.Batch) error) error {
	m.mu.Lock()
	at := m.all[m.rand.IntN(len(m.all))]
	first, s := &watch.Batch{}, &modelStream{}
	for _, f := range q.From {
		held := at.vectors[f.Index]
		if !held.CoversAll(f.Vector) || !held.CoversAll(f.Cover) {
			m.mu.Unlock()
			wait(ctx)
			return errors.New("not as far")
		}
		for _, n := range slices.Sorted(maps.Keys(at.held)) {
			if u := at.held[n]; !f.Tail && u.Index == f.Index && !f.Vector.Covers(u.Position) {
				u.Scan = true
				first.Updates = append(first.Updates, u)
			}
		}
		first.Marks = append(first.Marks, watch.Mark{Index: f.Index, Vector: held})
	}
	at.streams = append(at.streams, s)
	m.mu.Unlock()
	wait(ctx) // what follows is committed meanwhile
	for err := take(first); ; wait(ctx) {
		if err != nil || q.Once {
			return err
		}
		m.mu.Lock()
		queue, broken := s.queue, s.broken
		s.queue = nil
		m.mu.Unlock()
		for _, b := range queue {
			if err := take(b); err != nil {
				return err
			}
		}
		if broken || ctx.Err() != nil {
			return errors.New("broken")
		}
	}
}

func wait(ctx context.Context) {
	select {
	case <-time.After(7 * time.Millisecond):
	case <-ctx.Done():
	}
}

// judge is a watcher who holds what he is shown against the model.
type judge struct {
	model  *mirrors
	best   map[string]watch.Update // by element: what was shown last
	cursor []gazetteer.Vector
	slow   bool
	wrong  error
	marks  int
}

func (j *judge) show(es []*watch.Entry) error {
	if j.slow {
		time.Sleep(time.Duration(len(es)) * 400 * time.Millisecond)
	}
	for _, e := range es {
		switch e.Kind {
		case watch.Reset:
			clear(j.best)
		case watch.Bookmark:
			j.marks++
			j.cursor = e.Vectors
			j.covered()
		case watch.Put, watch.Delete, watch.Snapshot:
			u := watch.Update{Index: e.Index, Update: e.Update}
			j.best[name(&u)] = u
		}
	}
	return j.wrong
}

// covered holds invariant 1: of all that the cursor covers, that or a winner was shown;
// of a deletion, nothing need have been.
func (j *judge) covered() {
	j.model.mu.Lock()
	defer j.model.mu.Unlock()
	for i := range j.model.log {
		u := &j.model.log[i]
		shown, is := j.best[name(u)]
		if j.cursor[u.Index].Covers(u.Position) && (is || !j.dead(u)) && shown.Stamp.Compare(u.Stamp) < 0 {
			j.wrong = fmt.Errorf("the cursor covers %v of %s, and %v is what was shown", u.Stamp, name(u), shown.Stamp)
		}
	}
}

// dead reports whether a covered deletion has ended an update.
func (j *judge) dead(u *watch.Update) bool {
	for i := range j.model.log {
		d := &j.model.log[i]
		if name(d) == name(u) && d.Tombstone && d.Stamp.Compare(u.Stamp) >= 0 {
			return true
		}
	}
	return false
}

// rest holds invariant 2.
func (j *judge) rest() error {
	want := map[string]string{}
	for n, u := range j.model.all[0].held {
		if !u.Tombstone {
			want[n] = string(u.Body)
		}
	}
	got := map[string]string{}
	for n, u := range j.best {
		if !u.Tombstone {
			got[n] = string(u.Body)
		}
	}
	if !maps.Equal(got, want) {
		return fmt.Errorf("shown at last: %v, held: %v", got, want)
	}
	return nil
}

// TestWatchesEqualAModel runs random schedules: mirrors that hear late, streams that break,
// watchers that are slow and that go on from a bookmark at another process.
func TestWatchesEqualAModel(t *testing.T) {
	slowed, resumed, broke := 0, 0, 0
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) { schedule(t, seed, &slowed, &resumed, &broke) })
	}
	if slowed == 0 || resumed == 0 || broke == 0 {
		t.Errorf("%d slow watchers, %d resumed, %d streams broken: nothing was tested", slowed, resumed, broke)
	}
}

func schedule(t *testing.T, seed uint64, slowed, resumed, broke *int) {
	m := &mirrors{rand: rand.New(rand.NewPCG(seed, 1)), seqs: map[gazetteer.Position]uint64{}}
	for range 3 {
		m.all = append(m.all, &mirror{held: map[string]watch.Update{}, taken: map[int]bool{}})
	}
	ctx, cancel := context.WithCancel(context.Background())
	hubs := []*watch.Hub{watch.NewHub(m.source, modelPartitions), watch.NewHub(m.source, modelPartitions)}
	var all sync.WaitGroup
	var judges []*judge
	begin := func(j *judge, from []gazetteer.Vector) {
		h := hubs[len(judges)%2]
		judges = append(judges, j)
		all.Go(func() {
			for ctx.Err() == nil && j.wrong == nil {
				_ = h.Follow(ctx, &watch.Options{Type: "m", From: from}, j.show)
				from = j.cursor
				wait(ctx)
			}
		})
	}
	for step := range 400 {
		m.mu.Lock()
		switch m.rand.IntN(12) {
		case 0:
			m.breakSome()
		case 1, 2, 3, 4:
			m.write()
		default:
			m.spread()
		}
		m.mu.Unlock()
		if step%80 == 10 {
			j := &judge{model: m, best: map[string]watch.Update{}, slow: step%160 == 10}
			begin(j, nil)
			*slowed += 1
		}
		time.Sleep(15 * time.Millisecond)
	}
	m.mu.Lock()
	m.settle()
	m.mu.Unlock()
	time.Sleep(2 * time.Minute)
	synctest.Wait()
	for i, j := range judges {
		if err := j.rest(); j.wrong != nil || err != nil {
			t.Errorf("seed %d, watcher %d: %v; %v", seed, i, j.wrong, err)
		}
		*resumed += j.marks
	}
	*broke += m.broke
	cancel()
	all.Wait()
	for _, h := range hubs {
		h.Close()
	}
}
