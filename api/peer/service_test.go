package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region"
)

// echoService says who asks and what.
func echoService(_ context.Context, from Caller, request []byte) ([]byte, error) {
	return fmt.Appendf(nil, "%s of %s: %s", from.Node, from.Region, request), nil
}

// servicePair returns a calling transport and node b, which has the service "s".
func servicePair(t *testing.T, s Service, configure ...func(*Config)) (a, b *Transport, addr string) {
	t.Helper()
	w := newTown(t)
	ca, cb := w.quick("a"), w.quick("b")
	ca.Region = "there" // a node of another region is a node like others
	for _, f := range configure {
		f(&ca)
		f(&cb)
	}
	b = w.open(cb, func(t *Transport) { t.HandleService("s", s) })
	return w.open(ca, nil), b, w.resolve("b")
}

// byBoth runs a test with a call to the node and one to its address.
func byBoth(t *testing.T, a *Transport, addr string, test func(*testing.T, func(context.Context, string, []byte) ([]byte, error))) {
	t.Run("node", func(t *testing.T) {
		test(t, func(ctx context.Context, service string, request []byte) ([]byte, error) {
			return a.CallNode(ctx, "b", service, request)
		})
	})
	t.Run("address", func(t *testing.T) {
		test(t, func(ctx context.Context, service string, request []byte) ([]byte, error) {
			return a.CallAddr(ctx, addr, service, request)
		})
	})
}

func TestServicesAnswer(t *testing.T) {
	a, _, addr := servicePair(t, echoService)
	byBoth(t, a, addr, func(t *testing.T, call func(context.Context, string, []byte) ([]byte, error)) {
		for _, request := range []string{"hello", ""} {
			got, err := call(t.Context(), "s", []byte(request))
			if err != nil || string(got) != "a of there: "+request {
				t.Errorf("got %q, %v", got, err)
			}
		}
		_, err := call(t.Context(), "another", nil)
		if gazetteer.KindOf(err) != gazetteer.Unsupported || !strings.Contains(err.Error(), `node b has no service "another"`) {
			t.Errorf("an unknown service: %v", err)
		}
	})
}

func TestANodeAsksItself(t *testing.T) {
	_, b, _ := servicePair(t, echoService)
	if got, err := b.CallNode(t.Context(), "b", "s", []byte("x")); err != nil || string(got) != "b of here: x" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := b.CallNode(t.Context(), "b", "another", nil); gazetteer.KindOf(err) != gazetteer.Unsupported {
		t.Errorf("an unknown service: %v", err)
	}
}

func TestErrorsOfServicesCrossWithTheirMeaning(t *testing.T) {
	want := gazetteer.Error{Op: "directory.Join", Kind: gazetteer.Conflict, Pointer: "/region/name", Detail: "the name is taken"}
	a, _, addr := servicePair(t, func(context.Context, Caller, []byte) ([]byte, error) {
		return []byte("not this"), fmt.Errorf("wrapped: %w", &want)
	})
	byBoth(t, a, addr, func(t *testing.T, call func(context.Context, string, []byte) ([]byte, error)) {
		got, err := call(t.Context(), "s", nil)
		var e *gazetteer.Error
		if !errors.As(err, &e) || *e != want || got != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestServicesCarryFourMebibytes(t *testing.T) {
	full := bytes.Repeat([]byte("x"), maxRequestBytes)
	var give []byte
	a, _, addr := servicePair(t, func(_ context.Context, _ Caller, request []byte) ([]byte, error) {
		if !bytes.Equal(request, full) {
			return nil, fmt.Errorf("%d bytes came", len(request))
		}
		return give, nil
	})
	byBoth(t, a, addr, func(t *testing.T, call func(context.Context, string, []byte) ([]byte, error)) {
		give = full
		if got, err := call(t.Context(), "s", full); err != nil || !bytes.Equal(got, full) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		give = append(full, 'x')
		if _, err := call(t.Context(), "s", full); gazetteer.KindOf(err) != gazetteer.TooLarge {
			t.Errorf("a longer reply: %v", err)
		}
		if _, err := call(t.Context(), "s", give); gazetteer.KindOf(err) != gazetteer.TooLarge {
			t.Errorf("a longer request: %v", err)
		}
		if _, err := call(t.Context(), strings.Repeat("s", 256), nil); gazetteer.KindOf(err) != gazetteer.TooLarge {
			t.Errorf("a longer name: %v", err)
		}
	})
}

func TestServicesEndWithTheirCallers(t *testing.T) {
	began, ended := make(chan struct{}, 1), make(chan error, 1)
	a, _, addr := servicePair(t, func(ctx context.Context, _ Caller, _ []byte) ([]byte, error) {
		began <- struct{}{}
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	})
	byBoth(t, a, addr, func(t *testing.T, call func(context.Context, string, []byte) ([]byte, error)) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-began; cancel() }()
		if _, err := call(ctx, "s", nil); !errors.Is(err, context.Canceled) || gazetteer.KindOf(err) != gazetteer.Deadline {
			t.Errorf("given up: %v", err)
		}
		if err := <-ended; err != context.Canceled {
			t.Errorf("the service saw %v", err)
		}
		_, err := call(within(t, 50*time.Millisecond), "s", nil)
		if gazetteer.KindOf(err) != gazetteer.Deadline {
			t.Errorf("out of time: %v", err)
		}
		select { // it may have run out before the service began
		case <-began:
			<-ended
		default:
		}
	})
}

// A service that waits stands in nobody's way, and counts as a handler.
func TestServicesAreBoundedLikeRequests(t *testing.T) {
	release := make(chan struct{})
	a, b, addr := servicePair(t, func(ctx context.Context, _ Caller, _ []byte) ([]byte, error) {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil, nil
	}, func(c *Config) { c.MaxHandlers = 2 })
	b.HandleInline(region.RoleReplica, echoTier())
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if _, err := a.CallAddr(within(t, patience), addr, "s", nil); err != nil {
				t.Error(err)
			}
		})
	}
	eventually(t, "both are being answered", func() bool { return b.handlers.count.Load() == 2 })
	if _, err := a.CallAddr(within(t, patience), addr, "s", nil); gazetteer.KindOf(err) != gazetteer.Unavailable {
		t.Errorf("one too many: %v", err)
	}
	if _, _, err := a.Tier("b", region.RoleReplica).Read(within(t, patience), nil, gazetteer.Key{Type: "t", ID: "x"}); err != nil {
		t.Errorf("a read beside them: %v", err)
	}
	close(release)
	wg.Wait()
}

func TestNobodyAtAnAddress(t *testing.T) {
	w := newTown(t)
	a := w.open(w.quick("a"), nil)
	for _, addr := range []string{"", "no address", "127.0.0.1:1"} {
		_, err := a.CallAddr(within(t, patience), addr, "s", nil)
		if gazetteer.KindOf(err) != gazetteer.Unavailable || !strings.Contains(err.Error(), "the server at "+addr) {
			t.Errorf("%q: %v", addr, err)
		}
	}
	if _, err := a.CallAddr(within(t, patience), w.resolve("a"), "s", nil); gazetteer.KindOf(err) != gazetteer.Unavailable || !strings.Contains(err.Error(), "both ends are called node a") {
		t.Errorf("itself: %v", err)
	}
}

// While nobody answers at an address it is dialled seldom, and soon when somebody does.
func TestAddressesAreDialledAgain(t *testing.T) {
	dials := 0
	var mu sync.Mutex
	answers := false
	w := newTown(t)
	w.open(w.quick("b"), func(t *Transport) { t.HandleService("s", echoService) })
	c := w.quick("a")
	proper := c.withDefaults().Dial
	c.RetryMin, c.RetryMax = time.Hour, time.Hour
	c.Dial = func(ctx context.Context, addr string) (nc net.Conn, err error) {
		mu.Lock()
		defer mu.Unlock()
		if dials++; !answers {
			return nil, errors.New("nobody is there")
		}
		return proper(ctx, addr)
	}
	a := w.open(c, nil)
	for range 3 {
		if _, err := a.CallAddr(t.Context(), w.resolve("b"), "s", nil); gazetteer.KindOf(err) != gazetteer.Unavailable || !strings.Contains(err.Error(), "nobody is there") {
			t.Fatalf("err = %v", err)
		}
	}
	mu.Lock()
	if dials != 1 {
		t.Errorf("%d dials at once", dials)
	}
	answers = true
	mu.Unlock()
	p := a.addrs.pool(a, w.resolve("b"))
	p.slots[0].mu.Lock()
	p.slots[0].retryAt = time.Now()
	p.slots[0].mu.Unlock()
	if _, err := a.CallAddr(within(t, patience), w.resolve("b"), "s", nil); err != nil {
		t.Error(err)
	}
}

// Whom nobody asks any more is forgotten, and its connection closed.
func TestAddressesAreBounded(t *testing.T) {
	a, b, addr := servicePair(t, echoService)
	call := func() {
		t.Helper()
		if _, err := a.CallAddr(within(t, patience), addr, "s", nil); err != nil {
			t.Fatal(err)
		}
	}
	call()
	for i := range 2 * maxAddrs {
		a.addrs.pool(a, fmt.Sprint("127.0.0.1:", i))
	}
	if n := len(a.addrs.pools); n != maxAddrs {
		t.Errorf("%d addresses are remembered", n)
	}
	connections := func() int {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.accepted
	}
	eventually(t, "the connection of the forgotten is closed", func() bool { return connections() == 0 })
	call()
	if n := connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestPings(t *testing.T) {
	a, _, addr := servicePair(t, echoService)
	for range 10 {
		for _, ping := range []func() (time.Duration, error){
			func() (time.Duration, error) { return a.PingNode(within(t, patience), "b") },
			func() (time.Duration, error) { return a.PingAddr(within(t, patience), addr) },
		} {
			began := time.Now()
			if took, err := ping(); err != nil || took <= 0 || took > time.Since(began) {
				t.Errorf("%v within %v, %v", took, time.Since(began), err)
			}
		}
	}
	if took, err := a.PingNode(t.Context(), "a"); took != 0 || err != nil {
		t.Errorf("to itself: %v, %v", took, err)
	}
	if _, err := a.PingNode(t.Context(), "nobody"); gazetteer.KindOf(err) != gazetteer.Unavailable {
		t.Errorf("to nobody: %v", err)
	}
}

// Pings pass while all handlers are taken.
func TestPingsAreAnsweredByTheReader(t *testing.T) {
	release := make(chan struct{})
	a, b, addr := servicePair(t, func(context.Context, Caller, []byte) ([]byte, error) {
		<-release
		return nil, nil
	}, func(c *Config) { c.MaxHandlers = 1 })
	done := make(chan error)
	go func() {
		_, err := a.CallAddr(context.Background(), addr, "s", nil)
		done <- err
	}()
	eventually(t, "the handler is taken", func() bool { return b.handlers.count.Load() == 1 })
	if _, err := a.PingAddr(within(t, patience), addr); err != nil {
		t.Error(err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func FuzzService(f *testing.F) {
	f.Add(pb.Append(nil, &pb.ServiceRequest{Service: "s", Request: []byte("request")}))
	f.Add(pb.Append(nil, &pb.ServiceRequest{Service: "of a newer version"}))
	f.Add([]byte{0x0a, 200, 1})
	t, err := New(newTown(f).quick("b"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { t.Close() })
	got := make(chan []byte, 1)
	t.HandleService("s", func(_ context.Context, _ Caller, request []byte) ([]byte, error) {
		got <- request
		return nil, nil
	})
	f.Fuzz(func(tt *testing.T, b []byte) {
		s := &served{t: t, s: &stream{}, requests: map[uint32]*request{}, read: time.Now()}
		here, there := net.Pipe()
		defer there.Close()
		go io.Copy(io.Discard, there)
		s.outbox.init(here, &t.clock)
		before := t.Counters().Requests
		err := s.serveService(header{id: 1, code: methodService}, b)
		var m pb.ServiceRequest
		if wrong := m.UnmarshalVT(b); (wrong == nil) != (err == nil) {
			tt.Fatalf("%v, the generated decoder %v", err, wrong)
		}
		if err != nil || m.Service != "s" {
			if len(s.batch) == 0 && err == nil || t.Counters().Requests != before {
				tt.Fatal("a request to no service was not refused")
			}
			return
		}
		if request := <-got; !bytes.Equal(request, m.Request) {
			tt.Fatalf("got %q, the generated decoder %q", request, m.Request)
		}
	})
}
