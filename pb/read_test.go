package pb

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"gazetteer"

	"google.golang.org/protobuf/proto"
)

func appendReadReply(dst, record []byte, i *ReadInfo) []byte {
	dst, start := BeginReadRecord(dst)
	dst = append(dst, record...)
	EndBytes(dst, start)
	return AppendReadInfo(dst, i)
}

func sampleReplies() []ReadInfo {
	return []ReadInfo{
		{},
		{Node: "fra-1", Ring: "mirrors-0", StalenessNanos: 1 << 40, Degraded: true},
		{Node: "n", Hops: []ReadHop{{Role: "cluster server", Name: "c1", TookNanos: 300}, {}}, Region: "fra", Covered: true},
	}
}

func TestReadRequestIsWhatTheSchemaSays(t *testing.T) {
	for _, k := range []gazetteer.Key{{}, {Type: "mirrors", ID: "debian"}, {Type: "t", ID: gazetteer.ID(strings.Repeat("é/", 85))}} {
		want := []byte(strings.Repeat("s", len(k.ID)))
		b := AppendReadRequest(nil, k, want)
		typ, id, session, err := DecodeReadRequest(b)
		if err != nil || typ != string(k.Type) || id != string(k.ID) || !bytes.Equal(session, want) {
			t.Errorf("%v: got %q %q %q, %v", k, typ, id, session, err)
		}
		var strict ReadRequest
		if err := proto.Unmarshal(b, &strict); err != nil || strict.Type != typ || strict.Id != id || !bytes.Equal(strict.Session, want) {
			t.Errorf("%v: the schema reads %v, %v", k, &strict, err)
		}
	}
}

func TestReadReplyIsWhatTheSchemaSays(t *testing.T) {
	for _, want := range sampleReplies() {
		for _, record := range [][]byte{nil, []byte("r"), bytes.Repeat([]byte("x"), 20_000)} {
			b := appendReadReply([]byte{}, record, &want)
			var got ReadInfo
			r, err := DecodeReadReply(b, &got)
			if err != nil || !bytes.Equal(r, record) || !sameInfo(got, want) {
				t.Errorf("got %+v, %d bytes, %v; want %+v", got, len(r), err, want)
			}
			var strict ReadReply
			if err := proto.Unmarshal(b, &strict); err != nil || !sameInfo(infoOf(&strict), want) || !bytes.Equal(strict.Record, record) {
				t.Errorf("the schema reads %v, %v; want %+v", &strict, err, want)
			}
		}
	}
}

func TestReadCodecsAllocateNothing(t *testing.T) {
	request := AppendReadRequest(nil, gazetteer.Key{Type: "mirrors", ID: "debian"}, []byte("session"))
	reply := appendReadReply(nil, make([]byte, 392), &sampleReplies()[2])
	info := ReadInfo{Hops: make([]ReadHop, 0, 2)}
	n := testing.AllocsPerRun(100, func() {
		if _, _, _, err := DecodeReadRequest(request); err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeReadReply(reply, &info); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDecodersRefuseDamage(t *testing.T) {
	request := AppendReadRequest(nil, gazetteer.Key{Type: "mirrors", ID: "debian"}, []byte("session"))
	reply := appendReadReply(nil, []byte("record"), &sampleReplies()[2])
	if _, _, _, err := DecodeReadRequest(request[:len(request)-1]); gazetteer.KindOf(err) != gazetteer.Invalid {
		t.Errorf("a truncated request: %v", err)
	}
	var i ReadInfo
	for _, b := range [][]byte{reply[:len(reply)-1], {replyNode << 3, 1}, {replyHops << 3, 1}, {replyHops<<3 | 2, 1, hopRole<<3 | 2}, {replyDegraded<<3 | 2, 0}} {
		if _, err := DecodeReadReply(b, &i); gazetteer.KindOf(err) != gazetteer.Invalid {
			t.Errorf("%x: %v", b, err)
		}
	}
}

func TestFieldAppendedInPlaceIsProtobuf(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 16_384, 3 << 20} {
		dst := Append([]byte("before"), &Elements{Type: "t", Index: 3, Live: true})
		dst, start := BeginBytes(dst, ElementsUpdates)
		dst = append(dst, make([]byte, n)...)
		EndBytes(dst, start)
		var e Elements
		if err := proto.Unmarshal(dst[len("before"):], &e); err != nil || len(e.Updates) != n || e.Index != 3 || !e.Live {
			t.Errorf("%d bytes: %d read, %v", n, len(e.Updates), err)
		}
	}
}

func FuzzDecodeReadRequest(f *testing.F) {
	f.Add(AppendReadRequest(nil, gazetteer.Key{Type: "mirrors", ID: "debian"}, []byte("session")))
	f.Fuzz(func(t *testing.T, b []byte) {
		typ, id, session, err := DecodeReadRequest(b)
		if err != nil {
			return
		}
		var generated ReadRequest
		if err := generated.UnmarshalVT(b); err != nil || typ != generated.Type || id != generated.Id || !bytes.Equal(session, generated.Session) {
			t.Fatalf("got %q %q, the generated decoder %v, %v", typ, id, &generated, err)
		}
	})
}

func FuzzDecodeReadReply(f *testing.F) {
	for _, i := range sampleReplies() {
		f.Add(appendReadReply(nil, []byte("record"), &i))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var i ReadInfo
		record, err := DecodeReadReply(b, &i)
		if err != nil {
			return
		}
		var generated ReadReply
		if err := generated.UnmarshalVT(b); err != nil {
			t.Fatalf("the generated decoder refuses it: %v", err)
		}
		if !bytes.Equal(record, generated.Record) || !sameInfo(i, infoOf(&generated)) {
			t.Fatalf("got %q %+v, the generated decoder %v", record, i, &generated)
		}
	})
}

func infoOf(m *ReadReply) ReadInfo {
	i := ReadInfo{Node: m.Node, Ring: m.Ring, StalenessNanos: m.StalenessNanos, Degraded: m.Degraded, Region: m.Region, Covered: m.Covered}
	for _, h := range m.Hops {
		i.Hops = append(i.Hops, ReadHop{Role: h.Role, Name: h.Name, TookNanos: h.TookNanos})
	}
	return i
}

func sameInfo(a, b ReadInfo) bool {
	return reflect.DeepEqual(append([]ReadHop{}, a.Hops...), append([]ReadHop{}, b.Hops...)) &&
		a.Node == b.Node && a.Ring == b.Ring && a.StalenessNanos == b.StalenessNanos && a.Degraded == b.Degraded && a.Region == b.Region && a.Covered == b.Covered
}

func TestCountNestedCountsWithoutMakingAnything(t *testing.T) {
	b := Append(nil, &WriteRequest{Type: "t", Writes: []*Write{
		{}, {Id: "x", Put: []*Value{{}, {Location: "l"}}, If: []uint64{1, 2, 3}},
	}})
	outer, inner, err := CountNested(b, WriteRequestWrites)
	if err != nil || outer != 2 || inner != 4 { // id, two values, one packed list
		t.Errorf("got %d, %d, %v", outer, inner, err)
	}
	for _, broken := range [][]byte{b[:len(b)-1], {WriteRequestWrites<<3 | 2, 1, 0x0a}} {
		if _, _, err := CountNested(broken, WriteRequestWrites); gazetteer.KindOf(err) != gazetteer.Invalid {
			t.Errorf("%x: %v", broken, err)
		}
	}
}
