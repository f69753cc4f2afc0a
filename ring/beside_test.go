package ring_test

import (
	"slices"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/ring/memstore"
)

// lone is a ring of one replica with one partition.
type lone struct {
	t     *testing.T
	r     *ring.Replica
	store *memstore.Store
	part  gazetteer.Partition
}

func newLone(t *testing.T) *lone {
	l := &lone{t: t, store: memstore.New(), part: gazetteer.Partition{Type: "mirror"}}
	r, err := ring.New(ring.Config{Self: "a", Incarnation: 1, Reader: l.store})
	if err != nil {
		t.Fatal(err)
	}
	l.r = r
	r.Tick(ring.Now{Wall: 1_700_000_000_000, Mono: time.Second})
	r.Configure(ring.Plan{Epoch: 1, Rings: []ring.Ring{{Name: "one", Members: []gazetteer.NodeID{"a"}, Partitions: []gazetteer.Partition{l.part}}}})
	l.perform()
	return l
}

func (l *lone) perform() []ring.Outcome {
	rd := l.r.Ready()
	if err := l.store.Save(&rd.Save); err != nil {
		l.t.Fatal(err)
	}
	return rd.Outcomes
}

func (l *lone) write(w ring.Write) ring.Outcome {
	l.t.Helper()
	w.Partition, w.ID, w.Ack = l.part, "debian", ring.AckRing
	l.r.Propose(w)
	out := l.perform()
	for len(out) == 0 {
		out = l.perform()
	}
	return out[0]
}

func (l *lone) done(w ring.Write) ring.Outcome {
	l.t.Helper()
	o := l.write(w)
	if o.Err != nil {
		l.t.Fatal(o.Err)
	}
	return o
}

// holds returns what lives of the resource.
func (l *lone) holds() (ids []gazetteer.LocationID) {
	us, err := l.store.Resource(l.part, "debian")
	if err != nil {
		l.t.Fatal(err)
	}
	for _, u := range us {
		if !u.Tombstone {
			ids = append(ids, u.Element.Location)
		}
	}
	return ids
}

// version is that of the record as a lookup reads it.
func (l *lone) version() gazetteer.Version {
	b, err := l.store.AppendRecord(nil, l.part, "debian")
	if err != nil {
		l.t.Fatal(err)
	}
	v := ring.View(b)
	for v.Next() {
	}
	return v.Version()
}

func putAll(ids ...gazetteer.LocationID) (vs []ring.Value) {
	for _, id := range ids {
		vs = append(vs, ring.Value{Location: id, Body: []byte("body of " + id)})
	}
	return vs
}

func lease(id gazetteer.LocationID) gazetteer.LocationID {
	return gazetteer.Beside{Aspect: gazetteer.Leased, Location: id.Hash(), Region: "fra"}.Element()
}

func (l *lone) wants(what string, ids ...gazetteer.LocationID) {
	l.t.Helper()
	slices.Sort(ids)
	if got := l.holds(); !slices.Equal(got, ids) {
		l.t.Errorf("%s: %q lives, want %q", what, got, ids)
	}
}

func TestElementsBesideALocationDoNotChangeTheVersion(t *testing.T) {
	l := newLone(t)
	before := l.done(ring.Write{Put: putAll("ams", "fra")})
	after := l.done(ring.Write{Put: putAll(lease("fra"))})
	if !after.Existed || after.Created || after.Version != before.Version || l.version() != before.Version {
		t.Errorf("after the lease: %+v, the record reads %x; before it: %+v", after, l.version(), before)
	}
	if o := l.done(ring.Write{Put: putAll("osl", lease("osl"))}); o.Existed {
		t.Errorf("a location that is new together with its lease counts as known: %+v", o)
	}
	if o := l.done(ring.Write{Put: putAll("ams", lease("ams"))}); !o.Existed {
		t.Errorf("a lease makes a known location new: %+v", o)
	}
}

func TestElementsBesideALocationGoWithIt(t *testing.T) {
	l := newLone(t)
	l.done(ring.Write{Put: putAll("ams", "fra", lease("ams"), lease("fra"))})
	l.done(ring.Write{Delete: []gazetteer.LocationID{"fra"}})
	l.wants("one location deleted", "ams", lease("ams"))
	l.done(ring.Write{Replace: true, Put: putAll("", "ams", "osl")})
	l.wants("replaced by a document with the location", "", "ams", "osl", lease("ams"))
	l.done(ring.Write{Replace: true, Put: putAll("", "osl")})
	l.wants("replaced by a document without it", "", "osl")
	l.done(ring.Write{Put: putAll(lease("osl"))})
	l.done(ring.Write{Replace: true})
	l.wants("deleted")
	if v := l.version(); v != 0 {
		t.Errorf("the deleted resource has version %x", v)
	}
}

func TestNothingStandsBesideNoLocation(t *testing.T) {
	l := newLone(t)
	if o := l.write(ring.Write{Put: putAll(lease("fra"))}); gazetteer.KindOf(o.Err) != gazetteer.NotFound {
		t.Errorf("beside nothing: %+v", o)
	}
	l.done(ring.Write{Put: putAll("ams")})
	if o := l.write(ring.Write{Put: putAll(lease("fra"))}); gazetteer.KindOf(o.Err) != gazetteer.NotFound {
		t.Errorf("beside another location only: %+v", o)
	}
	l.wants("refused", "ams")
}

// TestWhatIsBesideTakesNoRoom fills a resource with locations, each with a lease.
func TestWhatIsBesideTakesNoRoom(t *testing.T) {
	l := newLone(t)
	big := make([]byte, gazetteer.MaxElementBytes-1)
	var all, leases []ring.Value
	for i := range gazetteer.MaxRecordBytes / gazetteer.MaxElementBytes {
		id := gazetteer.LocationID('a' + rune(i))
		all, leases = append(all, ring.Value{Location: id, Body: big}), append(leases, putAll(lease(id))...)
	}
	l.done(ring.Write{Replace: true, Put: all})
	l.done(ring.Write{Put: leases})
	if o := l.done(ring.Write{Put: all[:1]}); !o.Existed {
		t.Errorf("%+v", o)
	}
	if o := l.write(ring.Write{Put: putAll("one too many")}); gazetteer.KindOf(o.Err) != gazetteer.TooLarge {
		t.Errorf("%+v", o)
	}
}
