package peer

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/ring"
)

func samplePartitions(types, each int) []gazetteer.Partition {
	var ps []gazetteer.Partition
	for t := range types {
		for i := range each {
			ps = append(ps, gazetteer.Partition{Type: gazetteer.Type(fmt.Sprintf("type-%d", t)), Index: uint32(i)})
		}
	}
	return ps
}

func sampleDigests(ps []gazetteer.Partition) []ring.Digest {
	var ds []ring.Digest
	for i, p := range ps {
		ds = append(ds, ring.Digest{Partition: p, Sum: 0x9e3779b97f4a7c15 * uint64(i+1)})
	}
	return ds
}

// sampleMessages has every kind, with every field set, and with none.
func sampleMessages() []ring.Message {
	p := gazetteer.Partition{Type: "mirrors", Index: 270}
	o := gazetteer.Origin{Store: 1 << 63, Incarnation: 3}
	v := gazetteer.Vector{{Origin: gazetteer.Origin{Store: 1, Incarnation: 9}, Seq: 4}, {Origin: o, Seq: 1 << 40}}
	w := v[1:]
	ps := samplePartitions(2, 3)
	us := []gazetteer.Update{sampleUpdate(0), sampleUpdate(1), sampleUpdate(7)}
	return []ring.Message{
		ring.Greet{}, ring.Greet{Store: 5, Incarnation: 1 << 63, Generation: 4, Next: 77, Digests: sampleDigests(ps)},
		ring.Match{}, ring.Match{Partitions: ps}, ring.Ask{Partitions: ps[1:]}, ring.Leave{Partitions: ps[:1]},
		ring.Hello{Partition: p},
		ring.Hello{Partition: p, Session: 4, Filled: true, Vector: v, Collected: w, CollectedClock: 9,
			Resume: &ring.Resume{After: v[0], Snapshot: v}},
		ring.Hello{Partition: p, Resume: &ring.Resume{}},
		ring.Begin{Partition: p}, ring.Begin{Partition: p, Session: 5, Snapshot: v, Whole: true, Collected: w, CollectedClock: 1 << 60},
		ring.Elements{Partition: p, Session: 6, Live: true, Updates: us}, ring.Elements{Partition: p, Updates: us[:1]},
		ring.Mark{Partition: p}, ring.Mark{Partition: p, Session: 7, Vector: w, End: true, Founding: true},
		ring.Report{Partition: p}, ring.Report{Partition: p, Session: 8, Durable: v, By: "fra-2", Hops: 3},
		ring.Reach{Partition: p}, ring.Reach{Partition: p, Tree: 1 << 63, All: true, Durable: v},
		ring.Subscribe{Scope: ring.Scope{Partition: p}},
		ring.Subscribe{Scope: ring.Scope{Partition: p, Filter: ring.Filter{Prefix: "cran\xff"}}, Session: 9, Vector: v},
		ring.Fresh{Node: "n", Origin: o},
		ring.Fresh{Node: "fra-1", Origin: o, Generation: 6, Number: 3, Base: 2, Next: 1 << 60, Age: time.Second,
			Positions: []ring.PartitionSeq{{Partition: p, Seq: 1 << 50}, {Partition: ps[0], Seq: 2}},
			Stable:    &ring.Stable{Epoch: 8, Complete: 5, Held: []ring.Run{{Type: ps[0].Type, First: ps[0].Index, Count: 1}}, Ended: sampleDigests(ps[:2])}},
	}
}

func noTransit(uint64, time.Duration) (time.Duration, error) { return 0, nil }

// encoded returns all frames of a message.
func encoded(t testing.TB, m ring.Message) (frames []byte) {
	t.Helper()
	var e linkEncoder
	for err := error(nil); m != nil; {
		if frames, m, err = e.append(frames, m, timing{echo: 5, echoWaited: 6}); err != nil {
			t.Fatal(err)
		}
	}
	return frames
}

// crossed returns the messages that come out at the other end.
func crossed(t *testing.T, m ring.Message) []ring.Message {
	t.Helper()
	return decodeFrames(t, encoded(t, m))
}

func decodeFrames(t *testing.T, frames []byte) []ring.Message {
	t.Helper()
	d := linkDecoder{partitions: 271}
	var out []ring.Message
	for len(frames) > 0 {
		h := getHeader(frames)
		payload := append([]byte(nil), frames[headerBytes:headerBytes+int(h.length)]...)
		m, err := d.decode(h.code, payload, noTransit)
		if err != nil {
			t.Fatalf("kind %d: %v", h.code, err)
		}
		for i := range payload { // a message may not hold on to the frame
			payload[i] = 0xff
		}
		out = append(out, m)
		frames = frames[headerBytes+int(h.length):]
	}
	return out
}

func TestMessagesCross(t *testing.T) {
	kinds := map[string]bool{}
	for _, want := range sampleMessages() {
		kinds[fmt.Sprintf("%T", want)] = true
		got := crossed(t, want)
		if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	if len(kinds) != int(linkReach) {
		t.Errorf("%d kinds of messages were tried, there are %d", len(kinds), linkReach)
	}
}

// Every field of every message must cross: a field that is added to the ring's messages
// and forgotten here would be lost in silence.
func TestSampleMessagesSetEveryField(t *testing.T) {
	set := map[reflect.Type]map[int]bool{}
	for _, m := range sampleMessages() {
		v := reflect.ValueOf(m)
		if set[v.Type()] == nil {
			set[v.Type()] = map[int]bool{}
		}
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				set[v.Type()][i] = true
			}
		}
	}
	for typ, fields := range set {
		for i := range typ.NumField() {
			if !fields[i] {
				t.Errorf("no sample of %v sets %s", typ, typ.Field(i).Name)
			}
		}
	}
}

// A filter of a later version must not be taken for the wider one that is left when what
// is unknown of it is passed over.
func TestAnUnknownFilterIsUnsupported(t *testing.T) {
	s := ring.Scope{Partition: gazetteer.Partition{Type: "mirrors", Index: 3}, Filter: ring.Filter{Prefix: "a"}}
	d := linkDecoder{partitions: 271}
	decode := func(prefix string) (ring.Message, error) {
		b := pb.Append(nil, &pb.Subscribe{Type: "mirrors", Index: 3, Session: 1, Prefix: []byte(prefix), Scope: s.Hash()})
		return d.decode(linkSubscribe, b, noTransit)
	}
	for _, prefix := range []string{"", "ab"} {
		if m, err := decode(prefix); m != nil || err != nil {
			t.Errorf("prefix %q with the hash of another: %v, %v", prefix, m, err)
		}
	}
	if m, err := decode(strings.Repeat("a", 256)); gazetteer.KindOf(err) != gazetteer.Invalid {
		t.Errorf("a prefix of 256 bytes: %v, %v", m, err)
	}
}

func TestLongListsAreSplit(t *testing.T) {
	want := samplePartitions(2*listPartitions/271+1, 271)
	var got []gazetteer.Partition
	parts := crossed(t, ring.Match{Partitions: want})
	for _, m := range parts {
		got = append(got, m.(ring.Match).Partitions...)
	}
	if len(parts) != 3 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d partitions in %d parts", len(got), len(parts))
	}
}

func TestLongElementsAreSplit(t *testing.T) {
	var want []gazetteer.Update
	for i := range 40 {
		u := sampleUpdate(i + 1)
		if !u.Tombstone {
			u.Body = make([]byte, gazetteer.MaxElementBytes)
		}
		want = append(want, u)
	}
	p := gazetteer.Partition{Type: "t", Index: 1}
	var got []gazetteer.Update
	parts := crossed(t, ring.Elements{Partition: p, Session: 3, Live: true, Updates: want})
	for _, m := range parts {
		e := m.(ring.Elements)
		if e.Partition != p || e.Session != 3 || !e.Live {
			t.Errorf("a part is of %+v", e.Partition)
		}
		got = append(got, e.Updates...)
	}
	if len(parts) < 4 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d updates in %d parts", len(got), len(parts))
	}
}

func TestGreetingBeyondTheLimitIsAnError(t *testing.T) {
	var e linkEncoder
	dst, _, err := e.append([]byte("kept"), ring.Greet{Digests: make([]ring.Digest, 300_000)}, timing{})
	if gazetteer.KindOf(err) != gazetteer.TooLarge || string(dst) != "kept" {
		t.Errorf("%d bytes, %v", len(dst), err)
	}
}

// An idle link: ten types of 271 partitions, equal at both ends. Both
// greetings and both answers together stay below 64 KiB.
func TestIdleHandshakeIsSmall(t *testing.T) {
	ps := samplePartitions(10, 271)
	size := 0
	for _, m := range []ring.Message{ring.Greet{Store: 1 << 60, Incarnation: 1 << 60, Next: 1 << 60, Digests: sampleDigests(ps)}, ring.Match{Partitions: ps}} {
		size += 2 * len(encoded(t, m))
	}
	t.Logf("%d bytes", size)
	if size >= 64<<10 {
		t.Errorf("%d bytes", size)
	}
}

func TestPartitionsInAnyOrderSurvive(t *testing.T) {
	ps := samplePartitions(3, 4)
	ps[0], ps[5], ps[7] = ps[7], ps[0], ps[5]
	ps = append(ps, ps[3])
	got := crossed(t, ring.Ask{Partitions: ps})
	if !reflect.DeepEqual(got[0], ring.Ask{Partitions: ps}) {
		t.Errorf("got %v", got)
	}
}

func TestBrokenMessagesAreRefused(t *testing.T) {
	d := linkDecoder{partitions: 271}
	runs := func(r ...uint32) *pb.Partitions { return &pb.Partitions{Types: []string{"t"}, Runs: r} }
	rows := map[string]struct {
		kind byte
		m    pb.Message
	}{
		"a run is cut":                {linkMatch, runs(0, 1)},
		"a type that is not listed":   {linkAsk, runs(1, 0, 1)},
		"beyond the planet":           {linkLeave, runs(0, 271, 1)},
		"a run that wraps around":     {linkMatch, runs(0, 1, 1<<32-1)},
		"a list that unfolds":         {linkMatch, &pb.Partitions{Types: []string{"t"}, Runs: manyRuns(listPartitions/271 + 1)}},
		"more partitions than sums":   {linkGreet, &pb.Greet{Partitions: runs(0, 0, 2), Sums: []uint64{1}}},
		"more sums than partitions":   {linkGreet, &pb.Greet{Partitions: runs(0, 0, 1), Sums: []uint64{1, 2}}},
		"sums without partitions":     {linkGreet, &pb.Greet{Sums: []uint64{1, 2}}},
		"positions without seqs":      {linkFresh, &pb.Fresh{Partitions: runs(0, 0, 1)}},
		"a partition that is not":     {linkHello, &pb.FeedHello{Type: "t", Index: 271}},
		"a vector that is not one":    {linkMark, &pb.Mark{Vector: []byte{200}}},
		"a horizon that is not one":   {linkBegin, &pb.Begin{Collected: []byte{200}}},
		"a report that is not one":    {linkReport, &pb.Report{Durable: []byte{200}}},
		"a snapshot that is not one":  {linkHello, &pb.FeedHello{Resume: &pb.Resume{Snapshot: []byte{200}}}},
		"elements that are not":       {linkElements, &pb.Elements{Updates: []byte{200}}},
		"elements without a batch":    {linkElements, &pb.Elements{}},
		"ended digests without their": {linkFresh, &pb.Fresh{Stable: &pb.Stable{Sums: []uint64{1}}}},
	}
	for name, row := range rows {
		if _, err := d.decode(row.kind, pb.Append(nil, row.m), noTransit); gazetteer.KindOf(err) != gazetteer.Invalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for kind := linkGreet; kind <= linkReach; kind++ {
		if _, err := d.decode(kind, []byte{0x0a, 200}, noTransit); gazetteer.KindOf(err) != gazetteer.Invalid || err == nil {
			t.Errorf("kind %d, cut: %v", kind, err)
		}
	}
	if m, err := d.decode(linkReach+1, []byte{0x0a, 200}, noTransit); m != nil || err != nil {
		t.Errorf("an unknown kind: %v, %v", m, err)
	}
}

func manyRuns(n int) (runs []uint32) {
	for range n {
		runs = append(runs, 0, 0, 271)
	}
	return runs
}

func FuzzLinkDecode(f *testing.F) {
	for _, m := range sampleMessages() {
		frame := encoded(f, m)
		f.Add(frame[codeOffset], frame[headerBytes:])
	}
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		d := linkDecoder{partitions: 271}
		var m ring.Message
		allocatesWithin(t, len(payload), func() {
			var err error
			if m, err = d.decode(kind, payload, noTransit); err != nil {
				m = nil
			}
		})
		if m == nil {
			return
		}
		again := crossed(t, m)
		if len(again) == 1 && !reflect.DeepEqual(again[0], m) {
			t.Fatalf("written and read again: %+v, was %+v", again[0], m)
		}
	})
}

// allocatesWithin fails if f allocates more than a decoder of so many bytes may: 24 times
// the input (ring's batches unfold to 18) and a mebibyte.
func allocatesWithin(t *testing.T, input int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(24*input+1<<20) {
		t.Fatalf("%d bytes of input allocated %d", input, grown)
	}
}
