package peer

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/region"
)

// benchServerEnv makes the test binary the server process of BenchmarkHop.
const benchServerEnv = "GAZETTEER_PEER_BENCH_SERVER"

const (
	hopPairs  = 7
	hopTime   = time.Second
	hopReply  = 392 // bytes: the record of three locations that PEERS measures with
	rawConns  = 4
	benchRole = region.RoleReplica

	benchService = "service"
)

// BenchmarkHop measures what a read costs over one hop, both processes together, beside
// the plain multiplexed framing, in interleaved pairs. A ratio is of CPU time for each
// request. Run it with -benchtime 1x.
func BenchmarkHop(b *testing.B) {
	for _, workers := range []int{64, 1} {
		b.Run(fmt.Sprintf("inline-%d", workers), func(b *testing.B) { benchHop(b, "inline", workers) })
		b.Run(fmt.Sprintf("handed-over-%d", workers), func(b *testing.B) { benchHop(b, "handed-over", workers) })
		b.Run(fmt.Sprintf("service-%d", workers), func(b *testing.B) { benchHop(b, "service", workers) })
	}
}

func benchHop(b *testing.B, server string, workers int) {
	s := startBenchServer(b)
	raw, stopRaw := rawWorker(b, s.addrs["raw"])
	defer stopRaw()
	ours, stopOurs := ourWorker(b, server, s.addrs[server])
	defer stopOurs()
	for range b.N {
		var ratios, rawCosts, ourCosts []float64
		for i := range hopPairs {
			order := []func() func(){raw, ours}
			if i%2 == 1 {
				slices.Reverse(order)
			}
			x, y := s.cost(b, order[0], workers), s.cost(b, order[1], workers)
			if i%2 == 1 {
				x, y = y, x
			}
			rawCosts, ourCosts, ratios = append(rawCosts, x), append(ourCosts, y), append(ratios, y/x)
		}
		slices.Sort(ratios)
		b.ReportMetric(median(ratios), "ratio")
		b.ReportMetric(ratios[0], "ratio-min")
		b.ReportMetric(ratios[len(ratios)-1], "ratio-max")
		b.ReportMetric(median(rawCosts), "raw-µs/req")
		b.ReportMetric(median(ourCosts), "our-µs/req")
	}
}

func median(xs []float64) float64 {
	xs = slices.Sorted(slices.Values(xs))
	return xs[len(xs)/2]
}

// rawWorker returns a maker of functions that perform one request each.
func rawWorker(b *testing.B, addr string) (func() func(), func()) {
	var clients []*rawClient
	for range rawConns {
		c, err := dialRaw(addr)
		if err != nil {
			b.Fatal(err)
		}
		clients = append(clients, c)
	}
	var turn atomic.Int32
	request := make([]byte, 64)
	worker := func() func() {
		c := clients[int(turn.Add(1))%rawConns]
		k := &rawCall{reply: make([]byte, hopReply), done: make(chan struct{}, 1)}
		return func() { c.call(request, k) }
	}
	return worker, func() {
		for _, c := range clients {
			c.close()
		}
	}
}

func ourWorker(b *testing.B, server, addr string) (func() func(), func()) {
	t, err := New(Config{Node: "client", Partitions: 271, Resolve: func(gazetteer.NodeID) string { return addr }})
	if err != nil {
		b.Fatal(err)
	}
	if server == "service" {
		return serviceWorker(b, t), func() { t.Close() }
	}
	return hopWorker(b, t), func() { t.Close() }
}

// serviceWorker asks a service instead of a tier, with as many bytes.
func serviceWorker(b *testing.B, t *Transport) func() func() {
	request := make([]byte, 53)
	return func() func() {
		return func() {
			got, err := t.CallNode(context.Background(), "server", benchService, request)
			if err != nil || len(got) != hopReply {
				b.Errorf("%d bytes, %v", len(got), err)
			}
		}
	}
}

func hopWorker(b *testing.B, t *Transport) func() func() {
	tier := t.Tier("server", benchRole)
	key := gazetteer.Key{Type: "mirrors", ID: gazetteer.ID(strings.Repeat("x", 53))} // 64 bytes with its framing
	return func() func() {
		var dst []byte
		return func() {
			got, _, err := tier.Read(context.Background(), dst[:0], key)
			if err != nil || len(got) != hopReply {
				b.Errorf("%d bytes, %v", len(got), err)
			}
			dst = got
		}
	}
}

// BenchmarkPing measures what a ping of a node says on loopback, where the way is nothing:
// alone, and beside 64 callers who read all the time. Run it with -benchtime 1x.
func BenchmarkPing(b *testing.B) {
	s := startBenchServer(b)
	t, err := New(Config{Node: "client", Partitions: 271, Resolve: func(gazetteer.NodeID) string { return s.addrs["inline"] }})
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	for range b.N {
		alone := pings(b, t)
		done := make(chan int64)
		go func() { done <- run(hopWorker(b, t), 64, 2*time.Second) }()
		beside := pings(b, t)
		b.ReportMetric(float64(alone.Microseconds()), "alone-µs")
		b.ReportMetric(float64(beside.Microseconds()), "busy-µs")
		b.ReportMetric(float64(<-done)/2, "reads/s")
	}
}

// pings returns the median of a hundred pings within about a second.
func pings(b *testing.B, t *Transport) time.Duration {
	var all []time.Duration
	for range 100 {
		time.Sleep(10 * time.Millisecond)
		took, err := t.PingNode(context.Background(), "server")
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, took)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// benchServer is the other process.
type benchServer struct {
	in    io.Writer
	out   *bufio.Reader
	addrs map[string]string
}

func startBenchServer(b *testing.B) *benchServer {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), benchServerEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			b.Errorf("the server process: %v", err)
		}
	})
	s := &benchServer{in: in, out: bufio.NewReader(out), addrs: map[string]string{}}
	for range 4 {
		var name, addr string
		if _, err := fmt.Fscanln(s.out, &name, &addr); err != nil {
			b.Fatal(err)
		}
		s.addrs[name] = addr
	}
	return s
}

// cost returns the microseconds of CPU time for one request, both processes together.
func (s *benchServer) cost(b *testing.B, worker func() func(), workers int) float64 {
	run(worker, workers, hopTime/5) // warm up
	before := s.cpu(b) + ownCPU()
	n := run(worker, workers, hopTime)
	return float64(s.cpu(b)+ownCPU()-before) / float64(n)
}

func (s *benchServer) cpu(b *testing.B) (micros int64) {
	fmt.Fprintln(s.in)
	if _, err := fmt.Fscanln(s.out, &micros); err != nil {
		b.Fatal(err)
	}
	return micros
}

// run has workers perform requests for a time, and returns how many they did.
func run(worker func() func(), workers int, d time.Duration) int64 {
	var total atomic.Int64
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			n, f := int64(0), worker()
			for ; !stop.Load(); n++ {
				f()
			}
			total.Add(n)
		})
	}
	time.Sleep(d)
	stop.Store(true)
	wg.Wait()
	return total.Load()
}

// ownCPU returns the user and system time of this process in microseconds.
func ownCPU() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Utime.Nano()/1000 + u.Stime.Nano()/1000
}

// runBenchServer is the main function of the server process: it prints its addresses,
// then its CPU time at every line it is given, and ends with its input.
func runBenchServer() {
	record := make([]byte, hopReply)
	tier := &fakeTier{read: func(_ context.Context, dst []byte, _ gazetteer.Key) ([]byte, region.ReadInfo, error) {
		return append(dst, record...), region.ReadInfo{Node: "server", Ring: "mirrors-0"}, nil
	}}
	serveBench("raw", func(l net.Listener) {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go serveRaw(nc, record)
		}
	})
	serveBench("inline", benchTransport(func(t *Transport) { t.HandleInline(benchRole, tier) }))
	serveBench("handed-over", benchTransport(func(t *Transport) { t.Handle(benchRole, tier) }))
	serveBench("service", benchTransport(func(t *Transport) {
		t.HandleService(benchService, func(context.Context, Caller, []byte) ([]byte, error) { return record, nil })
	}))
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(ownCPU())
	}
}

func serveBench(name string, serve func(net.Listener)) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go serve(l)
	fmt.Println(name, l.Addr())
}

func benchTransport(setUp func(*Transport)) func(net.Listener) {
	return func(l net.Listener) {
		t, err := New(Config{Node: "server", Partitions: 271, Resolve: func(gazetteer.NodeID) string { return "" }})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		setUp(t)
		t.Serve(l)
	}
}
