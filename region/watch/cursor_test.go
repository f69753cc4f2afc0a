package watch_test

import (
	"bytes"
	"strings"
	"testing"

	"gazetteer"
	"gazetteer/region/watch"
)

func origin(s, i uint64) gazetteer.Origin {
	return gazetteer.Origin{Store: gazetteer.StoreID(s), Incarnation: i}
}

func someVectors() []gazetteer.Vector {
	v := make([]gazetteer.Vector, 7)
	v[1] = gazetteer.Vector{{Origin: origin(1, 9), Seq: 1}, {Origin: origin(2, 3), Seq: 1 << 40}}
	v[6] = gazetteer.Vector{{Origin: origin(1, 9), Seq: 7}}
	return v
}

func TestCursorRoundTrip(t *testing.T) {
	scope := watch.ScopeHash("mirror", "a", 7)
	for name, vectors := range map[string][]gazetteer.Vector{"some": someVectors(), "none": make([]gazetteer.Vector, 7)} {
		got, err := watch.DecodeCursor(watch.Cursor(scope, vectors), scope, 7)
		if err != nil || len(got) != 7 {
			t.Fatalf("%s: %v, %v", name, got, err)
		}
		for i := range got {
			if !got[i].Equal(vectors[i]) {
				t.Errorf("%s: partition %d is %v, want %v", name, i, got[i], vectors[i])
			}
		}
	}
}

// TestCursorsThatAreNone: what is cut, forged, or of another watch is refused as malformed.
func TestCursorsThatAreNone(t *testing.T) {
	scope := watch.ScopeHash("mirror", "a", 7)
	good := watch.Cursor(scope, someVectors())
	forged := []byte(good)
	forged[len(forged)/2] ^= 1
	for name, text := range map[string]string{
		"empty": "", "no text of ours": "%%%", "cut": good[:len(good)-4], "more": good + "AAAA", "forged": string(forged),
		"another type":   watch.Cursor(watch.ScopeHash("mirrors", "a", 7), someVectors()),
		"another prefix": watch.Cursor(watch.ScopeHash("mirror", "b", 7), someVectors()),
		"no prefix":      watch.Cursor(watch.ScopeHash("mirror", "", 7), someVectors()),
		"another planet": watch.Cursor(watch.ScopeHash("mirror", "a", 271), someVectors()),
		"another format": "C" + good[1:], "endless": strings.Repeat("A", watch.CursorMax+4),
	} {
		if _, err := watch.DecodeCursor(text, scope, 7); gazetteer.KindOf(err) != gazetteer.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACursorThatIsTooLongIsNone(t *testing.T) {
	long := make([]gazetteer.Vector, 7)
	for i := range uint64(4000) {
		long[0] = append(long[0], gazetteer.Position{Origin: origin(i+1, 1), Seq: i + 1})
	}
	if c := watch.Cursor(1, long); c != "" {
		t.Errorf("a cursor of %d bytes", len(c))
	}
}

func FuzzDecodeCursor(f *testing.F) {
	scope := watch.ScopeHash("mirror", "a", 7)
	f.Add(watch.Cursor(scope, someVectors()))
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := watch.DecodeCursor(text, scope, 7); err == nil && watch.Cursor(scope, v) != text {
			t.Errorf("%q is taken and would not be given", text)
		}
	})
}

func someBatch() *watch.Batch {
	u := gazetteer.Update{Element: gazetteer.Element{ID: "a", Location: "l"}, Stamp: gazetteer.Stamp{Clock: 7, Origin: origin(1, 2)},
		Position: gazetteer.Position{Origin: origin(1, 2), Seq: 3}, Body: []byte("x")}
	gone := u
	gone.Position.Seq, gone.Stamp.Clock, gone.Tombstone, gone.Body = 4, 8, true, nil
	return &watch.Batch{
		Updates: []watch.Update{{Index: 1, Scan: true, Update: u}, {Index: 1, Update: gone}, {Index: 2, Update: gone}},
		Marks:   []watch.Mark{{Index: 1, Vector: gazetteer.Vector{u.Position}}, {Index: 5}},
		Lost:    []uint32{3}, Left: []uint32{4, 6},
	}
}

func FuzzDecodeBatch(f *testing.F) {
	f.Add(watch.AppendBatch(nil, someBatch()))
	f.Add([]byte{1, 0xff, 0xff, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		batch, err := watch.DecodeBatch(b)
		if err != nil {
			return
		}
		once := watch.AppendBatch(nil, batch)
		again, err := watch.DecodeBatch(once)
		if err != nil || !bytes.Equal(watch.AppendBatch(nil, again), once) {
			t.Errorf("%x is taken and changes on the way: %v", b, err)
		}
	})
}

func TestBatchRoundTrip(t *testing.T) {
	want := someBatch()
	got, err := watch.DecodeBatch(watch.AppendBatch(nil, want))
	if err != nil || len(got.Updates) != 3 || !got.Updates[0].Scan || got.Updates[1].Scan || !got.Updates[2].Tombstone || got.Updates[2].Index != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if len(got.Marks) != 2 || !got.Marks[0].Vector.Equal(want.Marks[0].Vector) || got.Lost[0] != 3 || got.Left[1] != 6 {
		t.Errorf("%+v", got)
	}
}

func FuzzDecodeQuery(f *testing.F) {
	q := &watch.Query{Type: "mirror", Prefix: "a", Once: true, From: []watch.From{{Index: 3, Tail: true}, {Index: 4, Vector: someVectors()[1], Cover: someVectors()[6]}}}
	f.Add(watch.AppendQuery(nil, q))
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := watch.DecodeQuery(b)
		if err != nil {
			return
		}
		once := watch.AppendQuery(nil, q)
		again, err := watch.DecodeQuery(once)
		if err != nil || !bytes.Equal(watch.AppendQuery(nil, again), once) {
			t.Errorf("%x is taken and changes on the way: %v", b, err)
		}
	})
}
