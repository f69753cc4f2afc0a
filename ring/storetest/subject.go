package storetest

import (
	"bytes"
	"fmt"
	"iter"
	"slices"

	"gazetteer"
	"gazetteer/ring"
)

// subject is the store under test, with the questions the tests ask of it.
type subject struct {
	failer
	store ring.Store
}

// failer is the part of a test that the questions need: of testing and of rapid.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

var (
	here  = gazetteer.Partition{Type: "mirror", Index: 7}
	there = gazetteer.Partition{Type: "mirror", Index: 8}
	one   = gazetteer.Origin{Store: 1, Incarnation: 1 << 63}
	two   = gazetteer.Origin{Store: 2, Incarnation: 5}
)

// at is a live update of an element, the seq-th of its origin, with a clock to match.
func at(o gazetteer.Origin, seq uint64, id, location string) gazetteer.Update {
	return gazetteer.Update{
		Element:  gazetteer.Element{ID: gazetteer.ID(id), Location: gazetteer.LocationID(location)},
		Stamp:    gazetteer.Stamp{Clock: gazetteer.Clock(seq << 16), Origin: o},
		Position: gazetteer.Position{Origin: o, Seq: seq},
		Body:     fmt.Appendf(nil, "%s/%s as %d.%d", id, location, o.Store, seq),
	}
}

// dead is the tombstone of an element.
func dead(o gazetteer.Origin, seq uint64, id, location string) gazetteer.Update {
	u := at(o, seq, id, location)
	u.Tombstone, u.Body = true, nil
	return u
}

func held(p gazetteer.Partition, us ...gazetteer.Update) []ring.Held {
	var out []ring.Held
	for _, u := range us {
		out = append(out, ring.Held{Partition: p, Update: u})
	}
	return out
}

func (s *subject) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *subject) save(v ring.Save) {
	s.Helper()
	s.must(s.store.Save(&v))
}

func (s *subject) put(us ...gazetteer.Update) {
	s.Helper()
	s.save(ring.Save{Put: held(here, us...)})
}

func (s *subject) resource(p gazetteer.Partition, id string) []gazetteer.Update {
	s.Helper()
	us, err := s.store.Resource(p, gazetteer.ID(id))
	s.must(err)
	return us
}

func (s *subject) record(p gazetteer.Partition, id string) []gazetteer.Update {
	s.Helper()
	const before = "kept"
	b, err := s.store.AppendRecord([]byte(before), p, gazetteer.ID(id))
	s.must(err)
	if !bytes.HasPrefix(b, []byte(before)) {
		s.Fatalf("the record of %q replaced what dst held", id)
	}
	us, err := ring.DecodeRecord(b[len(before):])
	s.must(err)
	for i := range us {
		us[i].Element.ID = gazetteer.ID(id)
	}
	return us
}

func (s *subject) scan(above gazetteer.Vector) []gazetteer.Update {
	s.Helper()
	return collect(s, s.store.Scan(here, above))
}

func (s *subject) list(after string) []gazetteer.ID {
	s.Helper()
	return collect(s, s.store.List(here, gazetteer.ID(after)))
}

func collect[T any](s *subject, seq iter.Seq2[T, error]) []T {
	s.Helper()
	var out []T
	for v, err := range seq {
		s.must(err)
		out = append(out, v)
	}
	return out
}

func sameUpdate(a, b gazetteer.Update) bool {
	return a.Element == b.Element && a.Stamp == b.Stamp && a.Position == b.Position &&
		a.Context.Equal(b.Context) && a.Tombstone == b.Tombstone && bytes.Equal(a.Body, b.Body)
}

func (s *subject) want(what string, got []gazetteer.Update, want ...gazetteer.Update) {
	s.Helper()
	if !slices.EqualFunc(got, want, sameUpdate) {
		s.Fatalf("%s:\n got  %s\n want %s", what, brief(got), brief(want))
	}
}

func brief(us []gazetteer.Update) string {
	var b bytes.Buffer
	for _, u := range us {
		fmt.Fprintf(&b, "%.40q/%.40q %d.%d(%v,%d bytes) ", u.Element.ID, u.Element.Location,
			u.Position.Origin.Store, u.Position.Seq, u.Tombstone, len(u.Body))
	}
	return b.String()
}

func wantEqual[T comparable](s *subject, what string, got []T, want ...T) {
	s.Helper()
	if !slices.Equal(got, want) {
		s.Fatalf("%s: got %v, want %v", what, got, want)
	}
}
