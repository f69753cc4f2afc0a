package ring_test

import (
	"bytes"
	"math"
	"runtime"
	"slices"
	"testing"

	"gazetteer"
	"gazetteer/ring"

	"pgregory.net/rapid"
)

// origins are few, so that updates share them.
func anyOrigin() *rapid.Generator[gazetteer.Origin] {
	return rapid.Custom(func(t *rapid.T) gazetteer.Origin {
		return gazetteer.Origin{
			Store:       gazetteer.StoreID(rapid.SampledFrom([]uint64{0, 1, 2, math.MaxUint64}).Draw(t, "store")),
			Incarnation: rapid.SampledFrom([]uint64{0, 7, math.MaxUint64}).Draw(t, "incarnation"),
		}
	})
}

func anyNumber() *rapid.Generator[uint64] {
	return rapid.OneOf(rapid.Uint64Range(1, 300), rapid.Uint64Min(1))
}

func anyVector() *rapid.Generator[gazetteer.Vector] {
	return rapid.Custom(func(t *rapid.T) gazetteer.Vector {
		var v gazetteer.Vector
		for range rapid.IntRange(0, 6).Draw(t, "entries") {
			v = v.Raise(gazetteer.Position{Origin: anyOrigin().Draw(t, "origin"), Seq: anyNumber().Draw(t, "seq")})
		}
		return v
	})
}

func anyUpdate(e gazetteer.Element) *rapid.Generator[gazetteer.Update] {
	return rapid.Custom(func(t *rapid.T) gazetteer.Update {
		u := gazetteer.Update{
			Element:   e,
			Position:  gazetteer.Position{Origin: anyOrigin().Draw(t, "origin"), Seq: anyNumber().Draw(t, "seq")},
			Context:   anyVector().Draw(t, "context"),
			Tombstone: rapid.Bool().Draw(t, "tombstone"),
		}
		u.Stamp = gazetteer.Stamp{Clock: gazetteer.Clock(anyNumber().Draw(t, "clock")), Origin: u.Position.Origin}
		if rapid.IntRange(0, 3).Draw(t, "odd stamp") == 0 {
			u.Stamp.Epoch = rapid.Uint32().Draw(t, "epoch")
			u.Stamp.Origin = anyOrigin().Draw(t, "stamp origin")
		}
		if !u.Tombstone {
			u.Body = rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "body")
		}
		return u
	})
}

// anyRecord draws what is held of one resource, its id left out.
func anyRecord(t *rapid.T) []gazetteer.Update {
	locations := rapid.SliceOfNDistinct(rapid.StringN(0, 20, 60), 0, 8, rapid.ID[string]).Draw(t, "locations")
	slices.Sort(locations)
	var us []gazetteer.Update
	for _, l := range locations {
		us = append(us, anyUpdate(gazetteer.Element{Location: gazetteer.LocationID(l)}).Draw(t, "update"))
	}
	return us
}

func sameUpdate(a, b gazetteer.Update) bool {
	return a.Element == b.Element && a.Stamp == b.Stamp && a.Position == b.Position &&
		a.Context.Equal(b.Context) && a.Tombstone == b.Tombstone && bytes.Equal(a.Body, b.Body)
}

func wantUpdates(t interface{ Fatalf(string, ...any) }, got, want []gazetteer.Update) {
	if !slices.EqualFunc(got, want, sameUpdate) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyRecord(t)
		b := ring.AppendRecord([]byte("before"), want)
		got, err := ring.DecodeRecord(b[len("before"):])
		if err != nil {
			t.Fatal(err)
		}
		wantUpdates(t, got, want)
		version, err := versionIn(b[len("before"):])
		if err != nil || version != ring.VersionOf(want) {
			t.Fatalf("version %x of the bytes (%v), %x of the updates", version, err, ring.VersionOf(want))
		}
	})
}

// versionIn is the version of an encoded record.
func versionIn(b []byte) (gazetteer.Version, error) {
	v := ring.View(b)
	for v.Next() {
	}
	return v.Version(), v.Err()
}

func TestViewSeesWhatDecodeDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		us := anyRecord(t)
		v := ring.View(ring.AppendRecord(nil, us))
		for i, u := range us {
			if !v.Next() {
				t.Fatalf("ends before element %d: %v", i, v.Err())
			}
			seen := gazetteer.Update{Element: gazetteer.Element{Location: gazetteer.LocationID(v.Location)},
				Stamp: v.Stamp, Position: v.Position, Context: u.Context, Tombstone: v.Tombstone, Body: v.Body}
			wantUpdates(t, []gazetteer.Update{seen}, []gazetteer.Update{u})
		}
		if v.Next() || v.Err() != nil || v.Version() != ring.VersionOf(us) {
			t.Fatalf("at the end: version %x, want %x; %v", v.Version(), ring.VersionOf(us), v.Err())
		}
	})
}

func TestUpdatesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []gazetteer.Update
		for range rapid.IntRange(0, 12).Draw(t, "updates") {
			e := gazetteer.Element{
				ID:       gazetteer.ID(rapid.SampledFrom([]string{"a", "a", "bb", "ünïcode/../%2F"}).Draw(t, "id")),
				Location: gazetteer.LocationID(rapid.StringN(0, 10, 40).Draw(t, "location")),
			}
			want = append(want, anyUpdate(e).Draw(t, "update"))
		}
		got, err := ring.DecodeUpdates(ring.AppendUpdates(nil, want))
		if err != nil {
			t.Fatal(err)
		}
		wantUpdates(t, got, want)
	})
}

func TestVectorRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyVector().Draw(t, "vector")
		got, err := ring.DecodeVector(ring.AppendVector(nil, want))
		if err != nil || !got.Equal(want) {
			t.Fatalf("got %v (%v), want %v", got, err, want)
		}
	})
}

func put(location, body string, clock gazetteer.Clock) gazetteer.Update {
	o := gazetteer.Origin{Store: 1, Incarnation: 2}
	return gazetteer.Update{
		Element: gazetteer.Element{Location: gazetteer.LocationID(location)}, Body: []byte(body),
		Stamp: gazetteer.Stamp{Clock: clock, Origin: o}, Position: gazetteer.Position{Origin: o, Seq: uint64(clock)},
	}
}

func TestVersionIsOfTheLiveElements(t *testing.T) {
	base := []gazetteer.Update{put("", "{}", 1), put("fra", "x", 2), put("lon", "y", 3)}
	gone := slices.Clone(base)
	gone[2].Tombstone = true
	newer := slices.Clone(base)
	newer[1].Stamp.Clock = 9
	moved := slices.Clone(base)
	moved[2].Position.Seq, moved[2].Body, moved[2].Context = 8, []byte("z"), gazetteer.Vector{moved[0].Position}

	version := ring.VersionOf(base)
	if version == 0 || version == ^gazetteer.Version(0) {
		t.Errorf("version %x is one of the reserved", version)
	}
	if ring.VersionOf(gone) != ring.VersionOf(base[:2]) {
		t.Error("a tombstone is part of the version")
	}
	if ring.VersionOf(newer) == version || ring.VersionOf(gone) == version {
		t.Error("another value, the same version")
	}
	if ring.VersionOf(moved) != version {
		t.Error("the version depends on more than (location, stamp)")
	}
	if ring.VersionOf(nil) != 0 || ring.VersionOf([]gazetteer.Update{gone[2]}) != 0 {
		t.Error("what does not exist has a version")
	}
}

// A version from the highest stamp would be blind to what lies below it.
func TestVersionSeesBelowTheHighestStamp(t *testing.T) {
	one := []gazetteer.Update{put("fra", "x", 2), put("lon", "y", 9)}
	two := []gazetteer.Update{put("fra", "x", 3), put("lon", "y", 9)}
	if ring.VersionOf(one) == ring.VersionOf(two) {
		t.Error("two contents have one version")
	}
}

func TestRecordIsSmall(t *testing.T) {
	var us []gazetteer.Update
	payload := 0
	for i, l := range []string{"", "fra", "lon", "nyc"} {
		u := put(l, "0123456789", gazetteer.ClockAt(1_700_000_000_000)+gazetteer.Clock(i))
		u.Position.Seq = uint64(10_000 + i)
		us, payload = append(us, u), payload+len(u.Body)+len(l)
	}
	if over := len(ring.AppendRecord(nil, us)) - payload; over > 4*10+19+4 {
		t.Errorf("%d bytes beside %d of payload in 4 elements", over, payload)
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	b := ring.AppendRecord(nil, []gazetteer.Update{put("", "{}", 1), put("fra", "x", 2), put("lon", "y", 3)})
	n := testing.AllocsPerRun(100, func() {
		v := ring.View(b)
		for v.Next() {
		}
		if v.Version() == 0 {
			t.Fatal("no version")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations for a walk", n)
	}
}

func TestDecodersRefuse(t *testing.T) {
	good := ring.AppendRecord(nil, []gazetteer.Update{put("fra", "x", 2), put("lon", "y", 3)})
	unsorted := ring.AppendRecord(nil, []gazetteer.Update{put("lon", "x", 2), put("fra", "y", 3)})
	long := ring.AppendRecord(nil, []gazetteer.Update{put(string(make([]byte, 256)), "x", 2)})
	for name, b := range map[string][]byte{
		"cut":          good[:len(good)-1],
		"trailing":     append(slices.Clone(good), 0),
		"unsorted":     unsorted,
		"long":         long,
		"other format": append([]byte{9}, good[1:]...),
		"a batch":      ring.AppendUpdates(nil, nil),
		"no elements":  {1, 0, 0},
		"huge count":   {1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
	} {
		if us, err := ring.DecodeRecord(b); gazetteer.KindOf(err) != gazetteer.Invalid {
			t.Errorf("%s: got %v, %v", name, us, err)
		}
	}
	for i := range good {
		if _, err := ring.DecodeRecord(good[:i]); i > 0 && err == nil {
			t.Errorf("the first %d of %d bytes are a record", i, len(good))
		}
	}
	noID := ring.AppendUpdates(nil, []gazetteer.Update{put("fra", "x", 1)})
	if _, err := ring.DecodeUpdates(noID); gazetteer.KindOf(err) != gazetteer.Invalid {
		t.Errorf("a batch without id: %v", err)
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func wantFrugal(t *testing.T, b []byte, f func()) {
	if n := allocated(f); n > 20*uint64(len(b))+64<<10 {
		t.Fatalf("%d bytes allocated for an input of %d", n, len(b))
	}
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add(ring.AppendRecord(nil, []gazetteer.Update{put("", "{}", 2), put("lon", "y", 3)}))
	odd := put("fra", "x", 1<<40)
	odd.Context = gazetteer.Vector{{Origin: gazetteer.Origin{Store: 5}, Seq: 9}}
	odd.Stamp.Epoch, odd.Stamp.Origin.Store = 7, 3
	f.Add(ring.AppendRecord(nil, []gazetteer.Update{odd}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var us []gazetteer.Update
		var err error
		wantFrugal(t, b, func() { us, err = ring.DecodeRecord(b) })
		if err != nil {
			return
		}
		again, err := ring.DecodeRecord(ring.AppendRecord(nil, us))
		if err != nil {
			t.Fatal(err)
		}
		wantUpdates(t, again, us)
		if version, err := versionIn(b); err != nil || version != ring.VersionOf(us) {
			t.Fatalf("version %x (%v), want %x", version, err, ring.VersionOf(us))
		}
	})
}

func FuzzDecodeUpdates(f *testing.F) {
	a, b := put("fra", "x", 1), put("lon", "y", 2)
	a.Element.ID, b.Element.ID = "id", "id"
	b.Tombstone = true
	f.Add(ring.AppendUpdates(nil, []gazetteer.Update{a, b}))
	f.Add(ring.AppendUpdates(nil, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var us []gazetteer.Update
		var err error
		wantFrugal(t, b, func() { us, err = ring.DecodeUpdates(b) })
		if err != nil {
			return
		}
		again, err := ring.DecodeUpdates(ring.AppendUpdates(nil, us))
		if err != nil {
			t.Fatal(err)
		}
		wantUpdates(t, again, us)
	})
}

func FuzzDecodeVector(f *testing.F) {
	f.Add(ring.AppendVector(nil, gazetteer.Vector{
		{Origin: gazetteer.Origin{Store: 1, Incarnation: 2}, Seq: 3},
		{Origin: gazetteer.Origin{Store: 1, Incarnation: 3}, Seq: 1},
		{Origin: gazetteer.Origin{Store: 9, Incarnation: 1}, Seq: 1 << 50},
	}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v gazetteer.Vector
		var err error
		wantFrugal(t, b, func() { v, err = ring.DecodeVector(b) })
		if err != nil {
			return
		}
		again, err := ring.DecodeVector(ring.AppendVector(nil, v))
		if err != nil || !again.Equal(v) {
			t.Fatalf("got %v (%v), want %v", again, err, v)
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	var us []gazetteer.Update
	for i, l := range []string{"", "fra", "lon", "nyc"} {
		us = append(us, put(l, string(make([]byte, 100)), gazetteer.ClockAt(1_700_000_000_000)+gazetteer.Clock(i)))
	}
	blob := ring.AppendRecord(nil, us)
	b.Run("append", func(b *testing.B) {
		for b.Loop() {
			blob = ring.AppendRecord(blob[:0], us)
		}
	})
	b.Run("view", func(b *testing.B) {
		for b.Loop() {
			v := ring.View(blob)
			for v.Next() {
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ring.DecodeRecord(blob); err != nil {
				b.Fatal(err)
			}
		}
	})
}
