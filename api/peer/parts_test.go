package peer

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/pb"
)

func TestEveryKindHasItsOwnNumber(t *testing.T) {
	seen := map[pb.PeerError_Kind]bool{}
	for k := gazetteer.Internal; !strings.HasPrefix(k.String(), "kind "); k++ {
		w := wireKind(k)
		if seen[w] || kindFromWire(w) != k {
			t.Errorf("%v is %v on the wire, and back %v", k, w, kindFromWire(w))
		}
		seen[w] = true
	}
	if len(seen) != len(pb.PeerError_Kind_name) {
		t.Errorf("%d kinds, %d numbers", len(seen), len(pb.PeerError_Kind_name))
	}
	if kindFromWire(99) != gazetteer.Internal {
		t.Error("a kind of a newer version has a meaning")
	}
}

func TestErrorsKeepWhatTheySayOnTheWire(t *testing.T) {
	e := &gazetteer.Error{Op: "agent.Read", Kind: gazetteer.WrongOwner, Key: gazetteer.Key{Type: "t", ID: "i"}, Pointer: "/p", Detail: "d", Plan: 1 << 40}
	data, err := toWire(fmt.Errorf("wrapped: %w", e)).MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	var w pb.PeerError
	if err := w.UnmarshalVT(data); err != nil {
		t.Fatal(err)
	}
	if got := fromWire(&w); *got != *e {
		t.Errorf("got %+v, want %+v", got, e)
	}
}

func TestLongDetailsAreCut(t *testing.T) {
	e := toWire(fmt.Errorf("%s", strings.Repeat("x", 100_000)))
	if len(e.Detail) != maxDetail {
		t.Errorf("%d bytes", len(e.Detail))
	}
}

func TestInternerIsBoundedAndAllocatesNothing(t *testing.T) {
	var n interner
	for i := range 10_000 {
		s := fmt.Sprint(i)
		if n.of(s) != s || len(n.known) > internMax {
			t.Fatalf("%q: %d known", s, len(n.known))
		}
	}
	long := strings.Repeat("x", internBytes+1)
	if n.of(long) != long || n.known[long] != "" {
		t.Error("a long string is kept")
	}
	a, b := []byte("ring-a"), []byte("ring-b")
	n.of(string(a))
	n.of(string(b))
	if got := testing.AllocsPerRun(100, func() { n.of(string(a)); n.of(string(b)) }); got > 2 {
		t.Errorf("%v allocations", got) // the two conversions of this test at most
	}
}

func TestCallContextEndsAtItsDeadline(t *testing.T) {
	c := &callContext{deadline: time.Now().Add(20 * time.Millisecond)}
	if c.Err() != nil {
		t.Error("it ended early")
	}
	<-c.Done()
	if c.Err() != context.DeadlineExceeded || context.Cause(c) != context.DeadlineExceeded {
		t.Errorf("err = %v", c.Err())
	}
	late := &callContext{deadline: time.Now().Add(-time.Second)}
	if late.Err() != context.DeadlineExceeded {
		t.Error("a deadline in the past is none")
	}
	<-late.Done()
}

func TestCallContextIsCancelledOnce(t *testing.T) {
	c := &callContext{deadline: time.Now().Add(time.Hour)}
	child, cancel := context.WithTimeout(c, time.Minute)
	defer cancel()
	ran := make(chan struct{})
	context.AfterFunc(c, func() { close(ran) })
	stop := context.AfterFunc(c, func() { t.Error("a stopped function ran") })
	if !stop() || stop() {
		t.Error("stop tells the wrong thing")
	}
	c.cancel(context.Canceled)
	c.cancel(context.DeadlineExceeded)
	<-child.Done()
	<-ran
	if c.Err() != context.Canceled || child.Err() != context.Canceled {
		t.Errorf("err = %v, of the child %v", c.Err(), child.Err())
	}
	after := make(chan struct{})
	context.AfterFunc(c, func() { close(after) })
	<-after
}

func TestJitterStaysNearItsTime(t *testing.T) {
	least, most := time.Hour, time.Duration(0)
	for range 1000 {
		d := jittered(100 * time.Millisecond)
		least, most = min(least, d), max(most, d)
	}
	if least < 50*time.Millisecond || most >= 150*time.Millisecond || most-least < 50*time.Millisecond {
		t.Errorf("%v to %v", least, most)
	}
}
