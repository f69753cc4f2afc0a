package storetest

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"testing"

	"gazetteer"
	"gazetteer/ring"

	"pgregory.net/rapid"
)

// model is a store as simple as can be: what the real one must agree with.
type model struct {
	held    map[gazetteer.Partition]map[gazetteer.Element]gazetteer.Update
	states  map[gazetteer.Partition]ring.PartitionState
	journal []ring.Conflict
	clock   gazetteer.Clock
}

func newModel() *model {
	return &model{
		held:   map[gazetteer.Partition]map[gazetteer.Element]gazetteer.Update{},
		states: map[gazetteer.Partition]ring.PartitionState{},
	}
}

func (m *model) save(v *ring.Save) {
	for _, p := range v.Drop {
		delete(m.states, p)
	}
	for _, h := range v.Remove {
		delete(m.held[h.Partition], h.Update.Element)
	}
	for _, h := range v.Put {
		if m.held[h.Partition] == nil {
			m.held[h.Partition] = map[gazetteer.Element]gazetteer.Update{}
		}
		m.held[h.Partition][h.Update.Element] = h.Update
		m.clock = max(m.clock, h.Update.Stamp.Clock)
	}
	for p, by := range v.Raise {
		st := m.states[p]
		m.states[p] = ring.PartitionState{
			Filled:         st.Filled || by.Filled,
			Vector:         st.Vector.Clone().Merge(by.Vector),
			Collected:      st.Collected.Clone().Merge(by.Collected),
			CollectedClock: max(st.CollectedClock, by.CollectedClock),
		}
	}
	m.write(v)
	m.clock = max(m.clock, v.Clock)
}

func (m *model) write(v *ring.Save) {
	for _, c := range v.Journal {
		if !slices.ContainsFunc(m.journal, func(d ring.Conflict) bool { return sameConflict(c, d) }) {
			m.journal = append(m.journal, c)
		}
	}
	m.journal = slices.DeleteFunc(m.journal, func(c ring.Conflict) bool { return c.At < v.Expire })
}

func sameConflict(c, d ring.Conflict) bool {
	return c.Partition == d.Partition && c.Loser.Element == d.Loser.Element && c.Loser.Position == d.Loser.Position
}

func (m *model) scan(p gazetteer.Partition, above gazetteer.Vector, after gazetteer.Position) []gazetteer.Update {
	var out []gazetteer.Update
	for _, u := range m.held[p] {
		if !above.Covers(u.Position) && u.Position.Compare(after) > 0 {
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b gazetteer.Update) int { return a.Position.Compare(b.Position) })
	return out
}

func (m *model) resource(p gazetteer.Partition, id gazetteer.ID) []gazetteer.Update {
	var out []gazetteer.Update
	for e, u := range m.held[p] {
		if e.ID == id {
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b gazetteer.Update) int { return a.Element.Compare(b.Element) })
	return out
}

func (m *model) list(p gazetteer.Partition, after gazetteer.ID) []gazetteer.ID {
	live := map[gazetteer.ID]bool{}
	for e, u := range m.held[p] {
		if !u.Tombstone && e.ID > after {
			live[e.ID] = true
		}
	}
	return slices.Sorted(maps.Keys(live))
}

// freeze is what a snapshot must show from now on.
func (m *model) freeze() *model {
	c := newModel()
	for p, us := range m.held {
		c.held[p] = maps.Clone(us)
	}
	return c
}

// frozen is a snapshot of the store and what it must show.
type frozen struct {
	snapshot ring.Snapshot
	model    *model
}

// run is one random life of a store.
type run struct {
	subject
	t      *rapid.T
	reopen func() ring.Store
	model  *model
	frozen []frozen
	seqs   map[gazetteer.Origin]uint64
	past   []ring.Held
}

func testModel(t *testing.T, open func(tb testing.TB) (ring.Store, func() ring.Store)) {
	rapid.Check(t, func(rt *rapid.T) {
		store, reopen := open(t)
		r := &run{t: rt, subject: subject{rt, store}, reopen: reopen, model: newModel(), seqs: map[gazetteer.Origin]uint64{}}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			r.step()
		}
		for _, f := range r.frozen {
			f.snapshot.Close()
		}
		r.must(r.store.Close())
	})
}

func (r *run) step() {
	switch kind := rapid.IntRange(0, 9).Draw(r.t, "step"); {
	case kind == 0 && len(r.frozen) < 3:
		r.frozen = append(r.frozen, frozen{r.store.Snapshot(), r.model.freeze()})
	case kind == 1 && len(r.frozen) > 0:
		r.frozen[0].snapshot.Close()
		r.frozen = r.frozen[1:]
	case kind == 2:
		r.restart()
	default:
		v := r.drawSave()
		if err := r.store.Save(v); err != nil {
			r.Fatal(err)
		}
		r.model.save(v)
	}
	r.check()
}

func (r *run) restart() {
	for _, f := range r.frozen {
		f.snapshot.Close()
	}
	r.frozen = nil
	r.store = r.reopen()
}

var modelPartitions = []gazetteer.Partition{{Type: "a", Index: 0}, {Type: "a", Index: 256}, {Type: "ab", Index: 0}}

func (r *run) drawSave() *ring.Save {
	v := &ring.Save{Clock: gazetteer.Clock(rapid.Uint64Range(0, 1<<20).Draw(r.t, "clock"))}
	for range rapid.IntRange(0, 8).Draw(r.t, "puts") {
		h := r.drawHeld()
		switch rapid.IntRange(0, 7).Draw(r.t, "what") {
		case 0:
			v.Remove = append(v.Remove, h)
		case 1:
			v.Journal = append(v.Journal, ring.Conflict{Partition: h.Partition, Loser: h.Update,
				At: rapid.Int64Range(1, 50).Draw(r.t, "at"), Winner: gazetteer.Stamp{Clock: 3}})
		default:
			v.Put = append(v.Put, h)
		}
	}
	if rapid.IntRange(0, 9).Draw(r.t, "drop") == 0 {
		v.Drop = append(v.Drop, r.drawPartition())
	}
	if rapid.Bool().Draw(r.t, "raise") {
		v.Raise = map[gazetteer.Partition]ring.PartitionState{r.drawPartition(): r.drawState()}
	}
	if rapid.IntRange(0, 4).Draw(r.t, "expire") == 0 {
		v.Expire = rapid.Int64Range(1, 60).Draw(r.t, "before")
	}
	return v
}

func (r *run) drawPartition() gazetteer.Partition {
	return rapid.SampledFrom(modelPartitions).Draw(r.t, "partition")
}

// drawHeld draws a new update, or one that was seen before.
func (r *run) drawHeld() ring.Held {
	if len(r.past) > 0 && rapid.IntRange(0, 4).Draw(r.t, "again") == 0 {
		return rapid.SampledFrom(r.past).Draw(r.t, "past")
	}
	o := rapid.SampledFrom([]gazetteer.Origin{one, two}).Draw(r.t, "origin")
	r.seqs[o]++
	u := at(o, r.seqs[o], rapid.SampledFrom([]string{"a", "b", "ba", "c"}).Draw(r.t, "id"),
		rapid.SampledFrom([]string{"", "x", "y"}).Draw(r.t, "location"))
	u.Stamp.Clock = gazetteer.Clock(rapid.Uint64Range(1, 1<<20).Draw(r.t, "stamp"))
	if rapid.IntRange(0, 3).Draw(r.t, "dead") == 0 {
		u.Tombstone, u.Body = true, nil
	}
	h := ring.Held{Partition: r.drawPartition(), Update: u}
	r.past = append(r.past, h)
	return h
}

func (r *run) drawState() ring.PartitionState {
	vector := func(label string) gazetteer.Vector {
		var v gazetteer.Vector
		v = v.Raise(gazetteer.Position{Origin: one, Seq: rapid.Uint64Range(0, 9).Draw(r.t, label)})
		return v.Raise(gazetteer.Position{Origin: two, Seq: rapid.Uint64Range(0, 9).Draw(r.t, label)})
	}
	return ring.PartitionState{
		Filled:         rapid.Bool().Draw(r.t, "filled"),
		Vector:         vector("vector"),
		Collected:      vector("collected"),
		CollectedClock: gazetteer.Clock(rapid.Uint64Range(0, 9).Draw(r.t, "collected clock")),
	}
}

func (r *run) check() {
	for _, p := range modelPartitions {
		r.checkPartition(p)
	}
	for _, f := range r.frozen {
		for _, p := range modelPartitions {
			r.want("snapshot", collect(&r.subject, f.snapshot.Scan(p, nil, gazetteer.Position{})), f.model.scan(p, nil, gazetteer.Position{})...)
		}
	}
	r.checkState()
	r.checkTombstones()
	slices.SortStableFunc(r.model.journal, func(a, b ring.Conflict) int { return cmp.Compare(a.At, b.At) })
	r.checkConflicts()
}

func (r *run) checkPartition(p gazetteer.Partition) {
	above := gazetteer.Vector(nil).Raise(gazetteer.Position{Origin: one, Seq: r.seqs[one] / 2})
	r.want("scan", collect(&r.subject, r.store.Scan(p, nil)), r.model.scan(p, nil, gazetteer.Position{})...)
	r.want("scan above", collect(&r.subject, r.store.Scan(p, above)), r.model.scan(p, above, gazetteer.Position{})...)
	for _, id := range []gazetteer.ID{"a", "b", "ba", "c", "d"} {
		r.want("resource", r.resource(p, string(id)), r.model.resource(p, id)...)
		r.want("record", r.record(p, string(id)), r.model.resource(p, id)...)
		wantEqual(&r.subject, "list", collect(&r.subject, r.store.List(p, id)), r.model.list(p, id)...)
	}
}

func (r *run) checkState() {
	st := r.store.State()
	if st.Clock < r.model.clock {
		r.Fatalf("clock %d, want %d", st.Clock, r.model.clock)
	}
	if len(st.Partitions) != len(r.model.states) {
		r.Fatalf("%d partitions have a state, want %d", len(st.Partitions), len(r.model.states))
	}
	for p, want := range r.model.states {
		got := st.Partitions[p]
		if got.Filled != want.Filled || got.CollectedClock != want.CollectedClock ||
			!got.Vector.Equal(want.Vector) || !got.Collected.Equal(want.Collected) {
			r.Fatalf("state of %v: got %+v, want %+v", p, got, want)
		}
	}
}

func (r *run) checkTombstones() {
	var want, got []string
	for p, us := range r.model.held {
		for _, u := range us {
			if u.Tombstone && u.Stamp.Clock < 1<<19 {
				want = append(want, tombstoneName(p, u))
			}
		}
	}
	hs, err := r.store.Tombstones(1<<19, 1000)
	r.must(err)
	for _, h := range hs {
		got = append(got, tombstoneName(h.Partition, h.Update))
	}
	slices.Sort(want)
	slices.Sort(got)
	wantEqual(&r.subject, "tombstones", got, want...)
}

func tombstoneName(p gazetteer.Partition, u gazetteer.Update) string {
	var b bytes.Buffer
	b.Write(ring.AppendUpdates([]byte(p.Type), []gazetteer.Update{u}))
	b.WriteByte(byte(p.Index >> 8))
	return b.String()
}

func (r *run) checkConflicts() {
	got := collect(&r.subject, r.store.Conflicts())
	if !slices.IsSortedFunc(got, func(a, b ring.Conflict) int { return cmp.Compare(a.At, b.At) }) {
		r.Fatalf("the journal is not oldest first: %+v", got)
	}
	if len(got) != len(r.model.journal) {
		r.Fatalf("journal has %d entries, want %d", len(got), len(r.model.journal))
	}
	for _, want := range r.model.journal {
		if !slices.ContainsFunc(got, func(c ring.Conflict) bool {
			return sameConflict(c, want) && c.At == want.At && c.Winner == want.Winner && sameUpdate(c.Loser, want.Loser)
		}) {
			r.Fatalf("journal lacks %+v", want)
		}
	}
}
