package delay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	there = 50 * time.Millisecond // from a to b
	back  = 30 * time.Millisecond
)

func delays(from, to gazetteer.RegionID) time.Duration {
	if from < to {
		return there
	}
	return back
}

// regionAt reads the region off addresses such as "b:1".
func regionAt(addr string) gazetteer.RegionID {
	r, _, _ := strings.Cut(addr, ":")
	return gazetteer.RegionID(r)
}

// pipes is a net of pipes in memory: dialling makes one, and accept gets its other end.
type pipes chan net.Conn

func (p pipes) dial(_ context.Context, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	p <- there
	return here, nil
}

// inBubble runs a test in virtual time with a connection from region a to region b. Both
// ends are closed after it.
func inBubble(t *testing.T, test func(t *testing.T, n *Network, near, far net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		n, accepted := New(delays), make(pipes, 1)
		near, err := n.Dialer("a", regionAt, accepted.dial)(t.Context(), "b:1")
		if err != nil {
			t.Fatal(err)
		}
		far := <-accepted
		defer func() {
			near.Close()
			far.Close()
			n.Heal([]gazetteer.RegionID{"a"}, []gazetteer.RegionID{"b"})
			time.Sleep(2 * linger)
			n.mu.Lock()
			defer n.mu.Unlock()
			if len(n.conns) != 0 {
				t.Errorf("%d connections are left", len(n.conns))
			}
		}()
		test(t, n, near, far)
	})
}

// expect reads exactly what is wanted and says when it was there.
func expect(t *testing.T, c net.Conn, want string) time.Time {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v; want %q", got[:n], err, want)
	}
	return time.Now()
}

func write(t *testing.T, c net.Conn, b string) time.Time {
	t.Helper()
	at := time.Now()
	if n, err := c.Write([]byte(b)); n != len(b) || err != nil {
		t.Fatalf("wrote %d of %d bytes, %v", n, len(b), err)
	}
	return at
}

func TestEveryByteTakesItsWay(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *Network, near, far net.Conn) {
		for i, way := range []struct {
			from, to net.Conn
			takes    time.Duration
		}{{near, far, there}, {far, near, back}} {
			written := make(chan time.Time, 3)
			go func() {
				for _, part := range []string{"first ", "second ", "third"} {
					written <- write(t, way.from, part)
					time.Sleep(7 * time.Millisecond)
				}
			}()
			for k, part := range []string{"first ", "second ", "third"} {
				if took := expect(t, way.to, part).Sub(<-written); took != way.takes {
					t.Errorf("way %d: part %d took %v, want %v", i, k, took, way.takes)
				}
			}
		}
	})
}

func TestConnectingTakesARoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, accepted := New(delays), make(pipes, 1)
		dial := n.Dialer("a", regionAt, accepted.dial)
		for addr, want := range map[string]time.Duration{"b:1": there + back, "a:1": 0, ":1": 0} {
			began := time.Now()
			c, err := dial(t.Context(), addr)
			if took := time.Since(began); err != nil || took != want {
				t.Errorf("to %q took %v, %v; want %v", addr, took, err, want)
			}
			_, delayed := c.(*conn)
			if delayed != (want > 0) {
				t.Errorf("to %q: a %T", addr, c)
			}
			c.Close()
			(<-accepted).Close()
		}
		ctx, cancel := context.WithTimeout(t.Context(), there)
		defer cancel()
		if _, err := dial(ctx, "b:1"); gazetteer.KindOf(err) != gazetteer.Deadline || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("less time than a round trip: %v", err)
		}
		refused := errors.New("nobody is there")
		dial = n.Dialer("a", regionAt, func(context.Context, string) (net.Conn, error) { return nil, refused })
		began := time.Now()
		if _, err := dial(t.Context(), "b:1"); err != refused || time.Since(began) != there+back {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		time.Sleep(2 * linger)
	})
}

// When the way becomes shorter, what is written later does not overtake.
func TestOrderIsKeptWhenTheWayChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var way atomic.Int64
		way.Store(int64(time.Second))
		n, accepted := New(func(_, _ gazetteer.RegionID) time.Duration { return time.Duration(way.Load()) }), make(pipes, 1)
		near, err := n.Dialer("a", regionAt, accepted.dial)(t.Context(), "b:1")
		if err != nil {
			t.Fatal(err)
		}
		far := <-accepted
		at := write(t, near, "slow, ")
		way.Store(int64(time.Millisecond))
		write(t, near, "quick")
		if took := expect(t, far, "slow, quick").Sub(at); took != time.Second {
			t.Errorf("took %v", took)
		}
		at = write(t, near, "!")
		if took := expect(t, far, "!").Sub(at); took != time.Millisecond {
			t.Errorf("then %v", took)
		}
		near.Close()
		far.Close()
		time.Sleep(2 * linger)
	})
}

func TestDeadlines(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *Network, near, far net.Conn) {
		began := time.Now()
		near.SetReadDeadline(began.Add(time.Second))
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		near.SetReadDeadline(time.Time{})
		go func() {
			time.Sleep(time.Second)
			near.SetReadDeadline(time.Now())
		}()
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a deadline that came while reading: %v", err)
		}
		near.SetDeadline(time.Now().Add(-time.Second))
		if _, err := near.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("writing: %v", err)
		}
		near.SetDeadline(time.Time{})
		write(t, near, "it goes on")
		expect(t, far, "it goes on")
	})
}

// What nobody takes fills the window and no more; then the writer waits.
func TestTheWindowIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *Network, near, far net.Conn) {
		all := make([]byte, 3*window)
		rand.NewChaCha8([32]byte{1}).Read(all)
		near.SetWriteDeadline(time.Now().Add(time.Minute))
		n, err := near.Write(all)
		if !errors.Is(err, os.ErrDeadlineExceeded) || n < window/2 || n > window+2*batchBytes {
			t.Fatalf("%d bytes are under way, %v", n, err)
		}
		near.SetWriteDeadline(time.Time{})
		wrote := make(chan error, 1)
		go func() {
			_, err := near.Write(all[n:])
			near.Close()
			wrote <- err
		}()
		got, err := io.ReadAll(far)
		if err != nil || !bytes.Equal(got, all) {
			t.Errorf("%d bytes of %d, or others, %v", len(got), len(all), err)
		}
		if err := <-wrote; err != nil {
			t.Error(err)
		}
	})
}

func TestManySmallWritesFillTheWindow(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *Network, near, far net.Conn) {
		near.SetWriteDeadline(time.Now().Add(time.Second))
		writes := 0
		for ; writes < window; writes++ {
			if _, err := near.Write([]byte{'x'}); err != nil {
				break
			}
		}
		if writes > 2*window/partCost {
			t.Errorf("%d bytes, each by itself, are under way", writes)
		}
	})
}

func TestTheOtherEndWaitsToo(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *Network, near, far net.Conn) {
		all := make([]byte, 2*window)
		rand.NewChaCha8([32]byte{2}).Read(all)
		far.SetWriteDeadline(time.Now().Add(time.Minute))
		n, err := far.Write(all)
		if !errors.Is(err, os.ErrDeadlineExceeded) || n < window/2 || n > window+2*readLarge {
			t.Fatalf("%d bytes are under way, %v", n, err)
		}
		far.SetWriteDeadline(time.Time{})
		go func() {
			far.Write(all[n:])
			far.Close()
		}()
		got, err := io.ReadAll(near)
		if err != nil || !bytes.Equal(got, all) {
			t.Errorf("%d bytes of %d, or others, %v", len(got), len(all), err)
		}
	})
}

func TestCloseLetsThrough(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *Network, near, far net.Conn) {
		reading := make(chan error)
		go func() { _, err := near.Read(make([]byte, 1)); reading <- err }()
		synctest.Wait()
		at := write(t, near, "the last words")
		near.Close()
		if err := <-reading; err != net.ErrClosed || time.Since(at) != 0 {
			t.Errorf("a Read under way, after %v: %v", time.Since(at), err)
		}
		if _, err := near.Write([]byte("more")); err != net.ErrClosed {
			t.Errorf("writing to it: %v", err)
		}
		if took := expect(t, far, "the last words").Sub(at); took != there {
			t.Errorf("took %v", took)
		}
		if _, err := far.Read(make([]byte, 1)); err != io.EOF || time.Since(at) != there {
			t.Errorf("the end came after %v: %v", time.Since(at), err)
		}
	})
}

func TestTheEndTakesItsWay(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *Network, near, far net.Conn) {
		at := write(t, far, "the last words")
		far.Close()
		expect(t, near, "the last words")
		for range 2 {
			if _, err := near.Read(make([]byte, 1)); err != io.EOF || time.Since(at) != back {
				t.Errorf("the end came after %v: %v", time.Since(at), err)
			}
		}
		write(t, near, "nobody hears this")
		time.Sleep(time.Second)
		if _, err := near.Write([]byte("nor this")); err == nil {
			t.Error("one who is gone is written to")
		}
	})
}

// A closed connection does not wait for ever for an end that takes nothing.
func TestCloseLingersForAWhile(t *testing.T) {
	inBubble(t, func(t *testing.T, n *Network, near, far net.Conn) {
		write(t, near, "nobody reads this")
		near.Close()
		time.Sleep(2 * linger)
		if _, err := far.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("err = %v", err)
		}
	})
}

func TestACutHoldsBackAndHeals(t *testing.T) {
	inBubble(t, func(t *testing.T, n *Network, near, far net.Conn) {
		a, b := []gazetteer.RegionID{"a", "c"}, []gazetteer.RegionID{"b", "d"}
		write(t, near, "under way, ")
		write(t, far, "under way, ")
		n.Cut(a, b)
		write(t, near, "held back")
		write(t, far, "held back")
		for name, c := range map[string]net.Conn{"near": near, "far": far} {
			c.SetReadDeadline(time.Now().Add(time.Hour))
			if k, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: %d bytes came through the cut, %v", name, k, err)
			}
			c.SetReadDeadline(time.Time{})
		}
		n.Heal(a, b)
		healed := time.Now()
		if took := expect(t, near, "under way, held back").Sub(healed); took != back {
			t.Errorf("after it healed it took %v", took)
		}
		if took := expect(t, far, "under way, held back").Sub(healed); took != there {
			t.Errorf("after it healed it took %v", took)
		}
	})
}

func TestACutIsBetweenTwoSets(t *testing.T) {
	n := New(delays)
	n.Cut([]gazetteer.RegionID{"a", "b"}, []gazetteer.RegionID{"b", "c"})
	n.Heal([]gazetteer.RegionID{"c"}, []gazetteer.RegionID{"a"})
	var cut []string
	for _, x := range "abc" {
		for _, y := range "abc" {
			if n.IsCut(gazetteer.RegionID(x), gazetteer.RegionID(y)) {
				cut = append(cut, string([]rune{x, y}))
			}
		}
	}
	if want := []string{"ab", "ba", "bc", "cb"}; !slices.Equal(cut, want) {
		t.Errorf("cut are %v, want %v", cut, want)
	}
}

func TestDialsWaitForACutToHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, accepted := New(delays), make(pipes, 1)
		a, b := []gazetteer.RegionID{"a"}, []gazetteer.RegionID{"b"}
		dial := n.Dialer("a", regionAt, accepted.dial)
		n.Cut(a, b)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := dial(ctx, "b:1")
		if gazetteer.KindOf(err) != gazetteer.Deadline || !strings.Contains(err.Error(), "regions a and b are cut off") || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		go func() {
			time.Sleep(time.Second)
			n.Heal(a, b)
			time.Sleep(there) // connecting is under way
			n.Cut(a, b)
			time.Sleep(time.Second)
			n.Heal(a, b)
		}()
		began = time.Now()
		c, err := dial(t.Context(), "b:1")
		if took := time.Since(began); err != nil || took != 2*time.Second+there+there+back {
			t.Errorf("after %v: %v", took, err)
		}
		c.Close()
		(<-accepted).Close()
		time.Sleep(2 * linger)
	})
}

// A connection that is closed during a cut ends for the other end when that heals.
func TestTheEndIsHeldBackToo(t *testing.T) {
	inBubble(t, func(t *testing.T, n *Network, near, far net.Conn) {
		n.Cut([]gazetteer.RegionID{"a"}, []gazetteer.RegionID{"b"})
		near.Close()
		far.SetReadDeadline(time.Now().Add(time.Hour))
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("during the cut: %v", err)
		}
		far.SetReadDeadline(time.Time{})
		n.Heal([]gazetteer.RegionID{"b"}, []gazetteer.RegionID{"a"})
		if _, err := far.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("after it: %v", err)
		}
	})
}

// tcp returns the ends of a connection over loopback from region a to region b.
func tcp(t *testing.T, n *Network) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err = n.Dialer("a", func(string) gazetteer.RegionID { return "b" }, nil)(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return near, far
}

// On a real connection and the real clock nothing is early, and nothing is late by a
// millisecond while the machine has time for it, which it does not always have.
func TestDelaysAreExact(t *testing.T) {
	near, far := tcp(t, New(func(_, _ gazetteer.RegionID) time.Duration { return there }))
	for name, way := range map[string][2]net.Conn{"there": {near, far}, "back": {far, near}} {
		var late []time.Duration
		for began := time.Now(); len(late) < 10 || slices.Min(late) > time.Millisecond; {
			at := write(t, way[0], "ping")
			late = append(late, expect(t, way[1], "ping").Sub(at)-there)
			if slices.Min(late) < 0 || time.Since(began) > 20*time.Second {
				t.Fatalf("%s: late by %v", name, late)
			}
		}
		slices.Sort(late)
		t.Logf("%s: late by %v, median %v, at most %v", name, late[0], late[len(late)/2], late[len(late)-1])
	}
}

// Much at once comes out whole and in order at both ends, written and read in any pieces.
func TestStreamsAreWholeInBothDirections(t *testing.T) {
	t.Parallel()
	near, far := tcp(t, New(func(_, _ gazetteer.RegionID) time.Duration { return 5 * time.Millisecond }))
	all := make([]byte, 10<<20)
	rand.NewChaCha8([32]byte{3}).Read(all)
	var wg sync.WaitGroup
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		wg.Go(func() {
			for rest := all; len(rest) > 0; {
				n, err := way[0].Write(rest[:min(len(rest), 1+rand.IntN(300<<10))])
				if err != nil {
					t.Error(err)
					return
				}
				rest = rest[n:]
			}
		})
		wg.Go(func() {
			got := make([]byte, len(all))
			if n, err := io.ReadFull(way[1], got); err != nil || !bytes.Equal(got, all) {
				t.Errorf("%d bytes, or others, %v", n, err)
			}
		})
	}
	wg.Wait()
}

// An idle connection costs one goroutine and little memory, also after it has carried
// much.
func TestIdleConnectionsCostLittle(t *testing.T) {
	n := New(func(_, _ gazetteer.RegionID) time.Duration { return time.Millisecond })
	goroutines, heap := runtime.NumGoroutine(), heapInUse()
	const many = 100
	for range many {
		near, far := tcp(t, n)
		go near.Write(make([]byte, 1<<20))
		if _, err := io.ReadFull(far, make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		go far.Write(make([]byte, 1<<20))
		if _, err := io.ReadFull(near, make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		write(t, far, "x") // the buffer becomes small again
		expect(t, near, "x")
	}
	for end := time.Now().Add(20 * time.Second); runtime.NumGoroutine() > goroutines+many; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines for %d connections", runtime.NumGoroutine()-goroutines, many)
		}
	}
	if each := (heapInUse() - heap) / many; each > 8<<10 {
		t.Errorf("a connection holds %d bytes", each)
	}
}

func heapInUse() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what had finalizers
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
