package demand

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/region"
	"gazetteer/region/control"
)

// world is a region in virtual time: a real group whose leader is the node a, other members
// that only say that they live, servers with as much load as a test wants, and somebody who
// moves partitions.
type world struct {
	t     *testing.T
	ctx   context.Context
	group *control.Group
	log   logged
	began time.Time

	mu      sync.Mutex // guards following
	servers map[gazetteer.NodeID]*server
	leader  gazetteer.NodeID
	news    chan struct{} // closed when the leader changes
	dead    map[gazetteer.NodeID]bool
	changes []change
}

// change is one ring more or less.
type change struct {
	at    time.Duration
	rings int
}

// logged is what was logged.
type logged struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) count(text string) int {
	return strings.Count(l.String(), text)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// server is a regional server with some load. It counts as its watch says.
type server struct {
	mu    sync.Mutex // guards following
	rate  float64    // requests a second since then
	then  time.Time
	total float64 // before
	mute  bool
	watch *Watch
}

func (s *server) load(rate float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total, s.rate, s.then = s.total+s.rate*time.Since(s.then).Seconds(), rate, time.Now()
}

func (s *server) Demand() []region.Demand {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.total + s.rate*time.Since(s.then).Seconds()
	return []region.Demand{{Type: "_types", Reads: 1 << 40}, {Type: "maps", Reads: uint64(n * 3 / 4), Writes: uint64(n / 4)}}
}

func (s *server) hush(mute bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mute = mute
}

// seat is the group as a node sees it whose leading the test decides on.
type seat struct {
	*control.Group
	w    *world
	node gazetteer.NodeID
}

func (s seat) Leader() (control.Leader, <-chan struct{}) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return control.Leader{Node: s.w.leader, Self: s.w.leader == s.node}, s.w.news
}

// hours skips, in a short run, what shows the meeting of goroutines no better than other
// tests do, but takes hours of virtual time.
func hours(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes hours of virtual time")
	}
}

// inBubble runs a test on a region of two regional servers, a and b, and so many replicas,
// a among them.
func inBubble(t *testing.T, replicas int, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := &world{t: t, ctx: ctx, began: time.Now(), servers: map[gazetteer.NodeID]*server{}, leader: "a", news: make(chan struct{}), dead: map[gazetteer.NodeID]bool{}}
		w.found()
		var threads sync.WaitGroup
		threads.Go(w.move)
		threads.Go(w.watchRings)
		w.join("b", region.RoleRegion)
		for i := 1; i < replicas; i++ {
			w.join(fmt.Sprintf("r%d", i), region.RoleReplica)
		}
		w.serve("a")
		w.serve("b")
		defer threads.Wait()
		defer cancel()
		defer w.close()
		test(w)
	})
}

func (w *world) found() {
	d := control.SingleDescription("here", "a")
	d.Partitions, d.Nodes[0].Addr = 16, "a:1"
	g, err := control.Start(w.ctx, control.Config{Node: d.Nodes[0], Found: &d, MovesAtOnce: 4, Heartbeat: 5 * time.Second})
	if err != nil {
		w.t.Fatal(err)
	}
	w.group = g
	w.eventually("the region is founded", func(p *control.Plan) bool { return p != nil })
}

func (w *world) close() {
	for _, s := range w.servers {
		s.watch.Close()
	}
	if err := w.group.Close(); err != nil {
		w.t.Error(err)
	}
}

// join lets a member in that does nothing but acknowledge plans.
func (w *world) join(name string, role region.Role) {
	w.t.Helper()
	token, err := w.group.NewToken(w.ctx, control.TokenSpec{Roles: []region.Role{role}, Uses: 1, TTL: time.Minute})
	if err != nil {
		w.t.Fatal(err)
	}
	n := control.Node{Name: gazetteer.NodeID(name), Addr: name + ":1", Roles: []region.Role{role}}
	w.tell("join", control.JoinRequest{Version: 1, Node: n, Server: name + "/1", Token: token})
	go func() {
		for w.ctx.Err() == nil {
			if !w.isDead(n.Name) {
				w.tell("acknowledge", control.AckRequest{Node: n.Name, Server: name + "/1", Addr: n.Addr, Epoch: w.group.View().Plan().Epoch()})
			}
			select {
			case <-time.After(time.Second):
			case <-w.ctx.Done():
			}
		}
	}()
	w.eventually(name+" lives", func(p *control.Plan) bool {
		m, ok := p.Member(n.Name)
		return ok && m.State == control.Live
	})
}

func (w *world) tell(kind string, body any) {
	data, err := json.Marshal(map[string]any{"v": 1, "kind": kind, "body": body})
	if err != nil {
		panic(err)
	}
	if _, err := w.group.Serve(w.ctx, data); err != nil && w.ctx.Err() == nil {
		w.t.Error(err)
	}
}

func (w *world) isDead(n gazetteer.NodeID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead[n]
}

func (w *world) kill(n gazetteer.NodeID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead[n] = true
}

// serve starts a node's regional server and its watch.
func (w *world) serve(n gazetteer.NodeID) {
	s := &server{then: time.Now()}
	s.watch = Start(w.ctx, Config{
		Node: n, Group: seat{w.group, w, n}, Server: s, Call: w.call,
		Logger: slog.New(slog.NewTextHandler(&w.log, nil)),
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.servers[n] = s
}

func (w *world) call(ctx context.Context, n gazetteer.NodeID, service string, request []byte) ([]byte, error) {
	w.mu.Lock()
	s := w.servers[n]
	w.mu.Unlock()
	s.mu.Lock()
	mute := s.mute
	s.mu.Unlock()
	if mute || service != Service {
		<-ctx.Done()
		return nil, &gazetteer.Error{Op: "world.call", Kind: gazetteer.Deadline, Err: ctx.Err()}
	}
	return s.watch.Serve(ctx, request)
}

// load spreads requests over the servers.
func (w *world) load(rate float64) {
	for _, s := range w.servers {
		s.load(rate / float64(len(w.servers)))
	}
}

func (w *world) setLeader(n gazetteer.NodeID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leader = n
	close(w.news)
	w.news = make(chan struct{})
}

// move moves what the leader has begun, each step after ten seconds.
func (w *world) move() {
	for w.ctx.Err() == nil {
		select {
		case <-time.After(10 * time.Second):
		case <-w.ctx.Done():
			return
		}
		var fills, switched []uint32
		for _, m := range w.group.View().Plan().Moves("") {
			if m.Switched {
				switched = append(switched, m.Partition)
			} else {
				fills = append(fills, m.Partition)
			}
		}
		if switched != nil {
			w.do(control.FinishMoves{Partitions: switched})
		}
		if fills != nil {
			w.do(control.SwitchMoves{Partitions: fills})
		}
	}
}

// do performs an edit for the plan as it is.
func (w *world) do(e control.Edit) {
	w.edit(func(*control.Plan) (control.Command, error) { return control.Command{Edit: e}, nil })
}

// edit changes the plan and returns when all see that.
func (w *world) edit(decide func(*control.Plan) (control.Command, error)) {
	epoch, err := w.group.Edit(w.ctx, decide)
	if err == nil {
		_, err = w.group.View().Wait(w.ctx, epoch)
	}
	if err != nil && w.ctx.Err() == nil {
		w.t.Error(err)
	}
}

func (w *world) order(a *cluster.Auto) { w.do(control.SetAuto{Auto: a}) }

// watchRings keeps each change of the number of rings, and sees that none is made while
// partitions move.
func (w *world) watchRings() {
	before := w.group.View().Plan()
	for w.ctx.Err() == nil {
		changed := w.group.View().Changed()
		now := w.group.View().Plan()
		if n := ringsIn(now); n != ringsIn(before) && n > 0 && ringsIn(before) > 0 {
			w.mu.Lock()
			w.changes = append(w.changes, change{time.Since(w.began), n})
			w.mu.Unlock()
			if before.Moving() {
				w.t.Errorf("after %v a ring came or went while partitions moved", time.Since(w.began))
			}
		}
		before = now
		select {
		case <-changed:
		case <-w.ctx.Done():
		}
	}
}

// ringsIn is over how many rings the default cluster spreads, if these follow demand.
func ringsIn(p *control.Plan) int {
	for _, f := range p.Followers() {
		if f.Type == "" {
			return len(f.Rings)
		}
	}
	return 0
}

func (w *world) rings() int { return ringsIn(w.group.View().Plan()) }

func (w *world) history() []change {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.changes)
}

func (w *world) eventually(what string, holds func(*control.Plan) bool) {
	w.t.Helper()
	for begin := time.Now(); !holds(w.group.View().Plan()); time.Sleep(100 * time.Millisecond) {
		if time.Since(begin) > time.Hour {
			w.t.Fatalf("not in an hour: %s", what)
		}
	}
}

// reaches waits until there are so many rings, and returns how long that took.
func (w *world) reaches(rings int) time.Duration {
	w.t.Helper()
	begin := time.Now()
	w.eventually(fmt.Sprintf("%d rings; there are %d, and this was logged:\n%s", rings, w.rings(), w.log.String()), func(p *control.Plan) bool { return ringsIn(p) == rings })
	return time.Since(begin)
}

// stays lets time pass in which the number of rings must not change.
func (w *world) stays(rings int, d time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
		if n := w.rings(); n != rings {
			w.t.Fatalf("%v before the end there are %d rings, want %d", time.Until(end), n, rings)
		}
	}
}
