package peer

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
	"testing/iotest"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region"
	"gazetteer/ring"
)

// FuzzFrames reads frames that come in pieces of every size, and holds them to a reader
// that has all bytes at once.
func FuzzFrames(f *testing.F) {
	two := appendFrame(appendFrame(nil, header{id: 1, code: methodRead}, []byte("payload")), header{id: 2, flags: flagMore}, nil)
	f.Add(two)
	f.Add(two[:len(two)-3])
	f.Add(appendFrame(nil, header{}, make([]byte, 2*readBuffer)))
	f.Add(bytes.Repeat([]byte{0xff}, headerBytes))
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 3 * readBuffer
		var got []byte
		var err error
		allocatesWithin(t, len(b), func() {
			got, err = reread(newFrameReader(iotest.HalfReader(bytes.NewReader(b)), limit))
		})
		want, wantErr := rereadWhole(b, limit)
		if !bytes.Equal(got, want) || !errors.Is(err, wantErr) {
			t.Fatalf("got %d bytes, %v; want %d, %v", len(got), err, len(want), wantErr)
		}
	})
}

// reread appends all frames as they were.
func reread(f *frameReader) (all []byte, err error) {
	for {
		h, payload, err := f.next()
		if err != nil {
			return all, err
		}
		if int(h.length) != len(payload) {
			return all, io.ErrNoProgress
		}
		all = appendFrame(all, h, payload)
	}
}

func rereadWhole(b []byte, limit uint32) (all []byte, err error) {
	for len(b) > 0 {
		if len(b) < headerBytes {
			return all, io.ErrUnexpectedEOF
		}
		h := getHeader(b)
		if h.length > limit {
			return all, errFrameTooLong
		}
		if len(b) < headerBytes+int(h.length) {
			return all, io.ErrUnexpectedEOF
		}
		all = append(all, b[:headerBytes+int(h.length)]...)
		b = b[headerBytes+int(h.length):]
	}
	return all, io.EOF
}

func FuzzHello(f *testing.F) {
	f.Add(appendHello(nil, properHello()))
	h := properHello()
	h.Link, h.Refusal = &pb.LinkHello{Attempt: 3, BeatNanos: 4}, &pb.PeerError{Kind: 3, Detail: "no"}
	f.Add(appendHello(nil, h))
	h = properHello()
	h.To, h.Region = "", "there"
	f.Add(appendHello(nil, h))
	h.Region, h.Partitions = "", 0
	f.Add(appendHello(nil, h))
	t, err := New(newTown(f).quick("b"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { t.Close() })
	f.Fuzz(func(tt *testing.T, b []byte) {
		h, err := readHello(newFrameReader(bytes.NewReader(b), maxHelloBytes))
		if err != nil {
			return
		}
		for kind := kindRequests; kind <= kindWatch; kind++ {
			for _, byAddr := range []bool{false, true} {
				if t.check(h, kind, byAddr) == nil && !mayPass(h, kind, byAddr) {
					tt.Fatalf("taken: %v on kind %d, by address %v", h, kind, byAddr)
				}
			}
		}
		if p := t.agree(h); p.settled != (h.Partitions == 271) {
			tt.Fatalf("%v counts as settled: %v", h, p.settled)
		}
		if p := t.agree(h); p.maxInFlight < 1 || p.maxInFlight > t.cfg.MaxInFlight {
			tt.Fatalf("agreed on %d requests in flight", p.maxInFlight)
		}
	})
}

// mayPass says what a hello must be that node b of region "here" takes.
func mayPass(h *pb.PeerHello, kind connKind, byAddr bool) bool {
	asksToBeLetIn := h.Partitions == 0 && byAddr && kind == kindRequests
	return h.Node != "" && h.Node != "b" && (h.Partitions == 271 || asksToBeLetIn) &&
		(kind != kindRaft || h.Region == "here")
}

func FuzzWrites(f *testing.F) {
	f.Add(appendWrites(nil, "t", sampleWrites()))
	f.Add(bytes.Repeat([]byte{0x12, 0}, requestWrites))
	f.Add(pb.Append(nil, &pb.WriteRequest{Writes: []*pb.Write{{Put: make([]*pb.Value, 100)}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var typ gazetteer.Type
		var ws []ring.Write
		var err error
		allocatesWithin(t, len(b)+requestElements*4, func() { typ, ws, err = decodeWrites(b) })
		if err != nil {
			return
		}
		again, ws2, err := decodeWrites(appendWrites(nil, typ, ws))
		if err != nil || again != typ || !reflect.DeepEqual(ws, ws2) {
			t.Fatalf("written and read again: %+v, %v, was %+v", ws2, err, ws)
		}
	})
}

func FuzzOutcomes(f *testing.F) {
	ws := sampleWrites()
	f.Add(appendOutcomes(nil, []ring.Outcome{{Version: 4, Created: true, Reached: ring.AckRing}, {Err: errIdle}}))
	f.Add(appendOutcomes(nil, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		allocatesWithin(t, len(b), func() {
			out, err := decodeOutcomes(b, ws)
			if err == nil && (len(out) != len(ws) || out[1].Token != ws[1].Token) {
				t.Fatalf("got %+v", out)
			}
		})
	})
}

func FuzzPage(f *testing.F) {
	page, err := appendPage(nil, &region.ListPage{IDs: []gazetteer.ID{"a", "b"}, Records: [][]byte{nil, {1}}, More: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(page)
	f.Fuzz(func(t *testing.T, b []byte) {
		allocatesWithin(t, len(b), func() {
			if p, err := decodePage(b); err == nil && len(p.IDs) != len(p.Records) {
				t.Fatalf("got %+v", p)
			}
		})
	})
}

func FuzzConflicts(f *testing.F) {
	f.Add(appendConflicts(nil, sampleConflicts(3)))
	f.Add(appendConflicts(nil, nil))
	f.Add(bytes.Repeat([]byte{0x0a, 0}, partConflicts))
	f.Fuzz(func(t *testing.T, b []byte) {
		var cs []ring.Conflict
		var err error
		allocatesWithin(t, len(b), func() { cs, err = decodeConflicts(b) })
		if err != nil {
			return
		}
		again, err := decodeConflicts(appendConflicts(nil, cs))
		if err != nil || !reflect.DeepEqual(again, cs) {
			t.Fatalf("written and read again: %+v, %v, was %+v", again, err, cs)
		}
	})
}

func FuzzError(f *testing.F) {
	f.Add(appendError(nil, 0, mismatch("a reason"))[headerBytes:])
	f.Add(pb.Append(nil, &pb.PeerError{Kind: 99, Detail: "of a newer version"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		err := decodeError(b)
		if err == nil {
			t.Fatal("an error became none")
		}
		if k := gazetteer.KindOf(err); k > gazetteer.Denied {
			t.Fatalf("kind %v", k)
		}
		if again := decodeError(appendError(nil, 0, err)[headerBytes:]); gazetteer.KindOf(again) != gazetteer.KindOf(err) {
			t.Fatalf("written and read again: %v, was %v", again, err)
		}
	})
}
