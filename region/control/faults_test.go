package control

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"gazetteer"
)

var crashRounds = flag.Int("crash-rounds", 60, "how many crashes TestCrashesLoseNothing makes")

// entry is one client's attempt to add its mark to the list in the tree.
type entry struct {
	id         string
	start, end time.Time
	acked      bool
}

// clients add marks to one list through all processes, by reading the plan and writing
// it back with the mark appended.
type clients struct {
	f    *fleet
	stop context.CancelFunc
	done sync.WaitGroup

	mu      sync.Mutex // guards following
	entries []entry
}

func (f *fleet) clients(all []*proc, n int) *clients {
	ctx, cancel := context.WithCancel(f.t.Context())
	c := &clients{f: f, stop: cancel}
	for i := range n {
		c.done.Go(func() { c.run(ctx, all, i) })
	}
	return c
}

func (c *clients) wait() {
	c.stop()
	c.done.Wait()
}

func (c *clients) run(ctx context.Context, all []*proc, client int) {
	for n := 0; ctx.Err() == nil; n++ {
		g := all[(client+n)%len(all)].running()
		if g == nil {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		e := entry{id: fmt.Sprintf("%d.%d", client, n), start: time.Now()}
		err := c.add(ctx, g, e.id)
		e.end, e.acked = time.Now(), err == nil
		if k := gazetteer.KindOf(err); err != nil && k != gazetteer.Deadline && k != gazetteer.Unavailable && k != gazetteer.Precondition {
			c.f.t.Errorf("a client got %v (%v)", err, k)
		}
		if e.acked || gazetteer.KindOf(err) == gazetteer.Deadline {
			c.mu.Lock()
			c.entries = append(c.entries, e)
			c.mu.Unlock()
		}
		time.Sleep(time.Duration(rand.IntN(600)) * time.Millisecond)
	}
}

func (c *clients) add(ctx context.Context, g *Group, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	p, err := g.Fresh(ctx)
	if err != nil {
		return err
	}
	_, err = g.Apply(ctx, Command{Expect: p.Epoch(), Edit: SetTree{Value: []byte(string(p.Tree()) + " " + id)}})
	return err
}

// check holds the list against what the clients were told: what was acknowledged is in
// it once, nothing is in it twice, and what was acknowledged before another began stands
// before it.
func (c *clients) check(list string) (acked int) {
	c.f.t.Helper()
	at := map[string]int{}
	for i, id := range strings.Fields(list) {
		if _, twice := at[id]; twice {
			c.f.t.Errorf("%s was performed twice", id)
		}
		at[id] = i
	}
	var got []entry
	for _, e := range c.entries {
		_, in := at[e.id]
		if e.acked && !in {
			c.f.t.Errorf("%s was acknowledged and is lost", e.id)
		}
		if e.acked && in {
			got = append(got, e)
		}
	}
	slices.SortFunc(got, func(a, b entry) int { return cmp.Compare(at[a.id], at[b.id]) })
	latest := time.Time{} // the latest start so far: nobody later in the list may have ended before it
	for _, e := range got {
		if e.end.Before(latest) {
			c.f.t.Errorf("%s ended before an entry that stands before it had begun", e.id)
		}
		if e.start.After(latest) {
			latest = e.start
		}
	}
	return len(got)
}

func (p *proc) running() *Group {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.g
}

// crasher crashes one process at one point. The event that triggers it may be another
// process' write: a follower's append is when a leader crashes that has a majority and
// has told nobody.
type crasher struct {
	f *fleet

	mu     sync.Mutex // guards following
	armed  *point
	victim *proc
	fired  chan struct{}
	hits   map[string]int
}

func (f *fleet) crasher(all []*proc) *crasher {
	c := &crasher{f: f, hits: map[string]int{}}
	for _, p := range all {
		p.disk.setHook(c.hook)
	}
	return c
}

func (c *crasher) arm(p point, victim *proc) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed, c.victim, c.fired = &p, victim, make(chan struct{})
	return c.fired
}

func (c *crasher) disarm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = nil
}

// hook reports whether the process of a point dies there.
func (c *crasher) hook(p point) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.armed == nil || *c.armed != p {
		return false
	}
	name := p.String()
	if c.victim.name != p.proc {
		name += " elsewhere"
	}
	c.hits[name]++
	c.armed = nil
	c.victim.end.Close() // off the network before the write returns
	c.victim.open.dead.Store(true)
	close(c.fired)
	return c.victim.name == p.proc
}

// A region of three loses leaders and followers at every step of what raft does, while
// clients change its plan: nothing that was acknowledged is lost or done twice, and all
// have the same state at rest (fault F3).
func TestCrashesLoseNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		f.tune = func(c *raft.Config) { // snapshots all the time, and little log behind them
			c.SnapshotInterval, c.SnapshotThreshold, c.TrailingLogs = 200*time.Millisecond, 8, 2
		}
		all := f.region(3)
		c := f.crasher(all)
		work := f.clients(all, 4)
		defer work.wait()
		whats := []string{"append", "config", "vote", "term", "snapshot"}
		var worst time.Duration
		for round := range *crashRounds {
			leader, took := f.waitLeader(4*time.Second, all...)
			worst = max(worst, took)
			follower := all[(slices.Index(all, leader)+1+rand.IntN(2))%3]
			victim, seen := leader, leader
			switch round / len(whats) % 3 {
			case 1:
				victim, seen = follower, follower
			case 2:
				seen = follower
			}
			p := point{seen.name, whats[round%len(whats)], round/len(whats)%2 == 0}
			fired := c.arm(p, victim)
			f.provoke(p.what, leader, victim, all)
			select {
			case <-fired:
			case <-time.After(3 * time.Second): // it did not come to that: crash all the same
				c.disarm()
			}
			victim.kill()
			time.Sleep(time.Duration(rand.IntN(3000)) * time.Millisecond)
			if err := f.start(victim); err != nil {
				t.Fatal(err)
			}
			if round%10 == 9 {
				f.agree(all...)
			}
		}
		work.wait()
		f.mustSetTree(all[0], string(f.fresh(all[0]).Tree())+" last")
		f.agree(all...)
		acked := work.check(strings.TrimSuffix(string(all[0].g.View().Plan().Tree()), " last"))
		t.Logf("%d acknowledged, longest wait for a leader %v, crashes %v", acked, worst, c.hits)
		if acked < 5**crashRounds {
			t.Errorf("only %d changes were acknowledged: the run says little", acked)
		}
		for _, what := range whats {
			for _, when := range []string{"before ", "after "} {
				if n := c.hits[when+what] + c.hits[when+what+" elsewhere"]; n < *crashRounds/30 {
					t.Errorf("%d crashes %s%s: the run says little about it (%v)", n, when, what, slices.Sorted(maps.Keys(c.hits)))
				}
			}
		}
	})
}

// provoke makes raft do what a crash waits for.
func (f *fleet) provoke(what string, leader, victim *proc, all []*proc) {
	switch what {
	case "vote", "term": // another election
		go leader.g.raft.LeadershipTransfer().Error()
	case "config": // somebody loses and regains its vote
		other := all[(slices.Index(all, leader)+1)%3]
		if other == victim {
			other = all[(slices.Index(all, leader)+2)%3]
		}
		leader.g.raft.DemoteVoter(raft.ServerID(other.g.Server()), 0, 0)
	}
}

func (f *fleet) fresh(p *proc) *Plan {
	f.t.Helper()
	plan, err := p.g.Fresh(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	return plan
}

// A follower that was away for longer than the log reaches back gets a snapshot, and has
// the same state byte by byte; so has one that starts again from its own.
func TestSnapshots(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		f.tune = func(c *raft.Config) {
			c.SnapshotInterval, c.SnapshotThreshold, c.TrailingLogs = 100*time.Millisecond, 5, 1
		}
		all := f.region(3)
		away := all[2]
		for round := range 5 {
			away.kill()
			for i := range 30 {
				f.mustSetTree(all[0], fmt.Sprint("round ", round, " change ", i))
			}
			if first, _ := all[0].disk.store.FirstIndex(); first < 20 {
				t.Fatalf("the log still begins with %d: no snapshot was needed", first)
			}
			before := away.disk.snaps.count()
			if err := f.start(away); err != nil {
				t.Fatal(err)
			}
			f.agree(all...)
			if away.disk.snaps.count() == before {
				t.Error("the follower got no snapshot")
			}
		}
		for _, p := range all {
			p.kill()
		}
		for _, p := range all {
			if err := f.start(p); err != nil {
				t.Fatal(err)
			}
		}
		f.agree(all...)
	})
}

// A snapshot that was damaged at its sender is refused: the follower uses the plan that the
// leader has told it when it started, and gets the next good snapshot.
func TestADamagedSnapshotIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		f.tune = func(c *raft.Config) {
			c.SnapshotInterval, c.SnapshotThreshold, c.TrailingLogs = 100*time.Millisecond, 5, 1
		}
		all := f.region(3)
		away := all[2]
		f.mustSetTree(all[0], "known to all")
		f.agree(all...)
		away.kill()
		for i := range 30 {
			f.mustSetTree(all[0], fmt.Sprint("change ", i))
		}
		time.Sleep(time.Second)
		for _, p := range all[:2] {
			p.disk.snaps.spoil()
		}
		if err := f.start(away); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if now := away.g.machine.now.Load(); now != nil && strings.HasPrefix(string(now.state.Tree), "change") {
			t.Errorf("the damaged snapshot was believed: %q", now.state.Tree)
		}
		if got := string(away.g.View().Plan().Tree()); got != "change 29" {
			t.Errorf("the plan in use is %q", got)
		}
		for i := range 30 {
			f.mustSetTree(all[0], fmt.Sprint("later ", i))
		}
		f.agree(all...)
		// The damaged ones are also refused at a start.
		all[0].kill()
		all[0].disk.snaps.spoil()
		if err := f.start(all[0]); gazetteer.KindOf(err) != gazetteer.Conflict || !strings.Contains(err.Error(), "no snapshot can be used") {
			t.Errorf("got %v", err)
		}
	})
}

// A disk that refuses writes ends a member's part in raft, not its process.
func TestADiskThatRefusesDoesNotEndTheProcess(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		f.mustSetTree(all[0], "before")
		f.agree(all...)
		sick, _ := f.waitLeader(4*time.Second, all...)
		rest := slices.DeleteFunc(slices.Clone(all), func(p *proc) bool { return p == sick })
		sick.disk.mu.Lock()
		sick.disk.bad = errors.New("no space left on device")
		sick.disk.mu.Unlock()
		go sick.g.raft.LeadershipTransfer().Error() // the others' new term has to be written
		f.waitLeader(8*time.Second, rest...)
		f.mustSetTree(rest[0], "after")
		time.Sleep(time.Minute)
		if got := string(sick.g.View().Plan().Tree()); got != "before" && got != "after" {
			t.Errorf("the tree is %q", got)
		}
		sick.disk.mu.Lock()
		sick.disk.bad = nil
		sick.disk.mu.Unlock()
		sick.kill()
		if err := f.start(sick); err != nil {
			t.Fatal(err)
		}
		f.agree(all...)
	})
}

// Plans arrive late, twice and in any order, from raft and from others: a view only goes
// forward, and never to an empty plan or another region's (fault F44).
func TestPlansThatComeLateChangeNothing(t *testing.T) {
	m := founded(t)
	var plans []*Plan
	for i := range 20 {
		mustDo(t, m, SetTree{Value: []byte(fmt.Sprint(i))})
		plans = append(plans, m.now.Load().plan)
	}
	d := threeNodes()
	d.Region, d.Epoch = "ams", 1000
	foreign, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range 10_000 {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		var v View
		last := uint64(0)
		for range 30 {
			p := plans[r.IntN(len(plans))]
			if r.IntN(10) == 0 && last > 0 {
				p = foreign
			}
			taken := v.offer(p)
			now := v.Plan()
			if now.Region() != "fra" || now.Epoch() < last || taken != (now == p && p.Epoch() > last) {
				t.Fatalf("seed %d: plan %d of %s was offered to a view at %d: it shows %d", seed, p.Epoch(), p.Region(), last, now.Epoch())
			}
			last = now.Epoch()
		}
	}
}

func TestWaitingForAPlan(t *testing.T) {
	var v View
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := v.Wait(ctx, 1); gazetteer.KindOf(err) != gazetteer.Unavailable {
		t.Errorf("got %v", err)
	}
	m := founded(t)
	changed := v.Changed()
	go v.offer(m.now.Load().plan)
	if p, err := v.Wait(t.Context(), m.epoch()); err != nil || p.Epoch() != m.epoch() {
		t.Errorf("got %v, %v", p, err)
	}
	<-changed
}
