package control

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"gazetteer"
	"gazetteer/region"
)

// fleet is a region under test: processes on one network that can die and come back with
// what they had made durable.
type fleet struct {
	t     *testing.T
	net   *network
	procs map[string]*proc
	log   *slog.Logger
	tune  func(*raft.Config)
	each  func(*Config) // changes what every process is started with
}

// proc is one process: what outlives it, and its Group while it runs.
type proc struct {
	name   string
	roles  []region.Role
	files  memFiles
	disk   *disk
	open   *opening
	end    *end
	config func(*Config)

	mu sync.Mutex // guards following, for those who do not start and kill it
	g  *Group
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{t: t, net: newNetwork(), procs: map[string]*proc{}, log: slog.New(slog.DiscardHandler)}
	if testing.Verbose() {
		f.log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	}
	return f
}

// inBubble runs a test in virtual time; its processes are stopped at the end.
func inBubble(t *testing.T, test func(t *testing.T, f *fleet)) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		defer f.stopAll()
		test(t, f)
	})
}

func (f *fleet) stopAll() {
	for _, p := range f.procs {
		p.kill()
	}
}

func (p *proc) kill() {
	if p.g == nil {
		return
	}
	p.end.Close()
	p.g.Close()
	p.mu.Lock()
	p.g = nil
	p.mu.Unlock()
}

func (p *proc) addr() string { return p.name + ":7070" }

func (f *fleet) proc(name string, roles []region.Role) *proc {
	p := &proc{
		name: name, roles: roles, files: memFiles{}, config: func(*Config) {},
		disk: newDisk(),
	}
	f.procs[name] = p
	return p
}

// start starts a process, or starts it again.
func (f *fleet) start(p *proc) error {
	p.end = f.net.join(p.addr())
	c := Config{
		Node:    Node{Name: gazetteer.NodeID(p.name), Addr: p.addr(), Roles: p.roles},
		Streams: p.end, Caller: p.end, Logger: f.log.With("node", p.name), Now: time.Now,
		files: p.files, tune: f.tune,
		stores: func() (*stores, error) {
			s, o := p.disk.open(p.name)
			p.open = o
			return s, nil
		},
	}
	p.config(&c)
	if f.each != nil {
		f.each(&c)
	}
	g, err := Start(f.t.Context(), c)
	if err != nil {
		p.end.Close()
		return err
	}
	p.mu.Lock()
	p.g = g
	p.mu.Unlock()
	p.end.setServe(g.Serve)
	go acknowledge(g)
	return nil
}

// acknowledge uses every plan at once, as the servers of a process will.
func acknowledge(g *Group) {
	for {
		changed := g.View().Changed()
		if p := g.View().Plan(); p != nil {
			g.Acknowledge(p.Epoch())
		}
		select {
		case <-changed:
		case <-g.ctx.Done():
			return
		}
	}
}

// found starts the first process of a region.
func (f *fleet) found(name string) *proc {
	f.t.Helper()
	p := f.proc(name, allRoles)
	d := SingleDescription("fra", gazetteer.NodeID(name))
	d.Partitions = 24
	d.Nodes[0].Addr, d.Nodes[0].Roles = p.addr(), allRoles
	p.config = func(c *Config) { c.Found = &d }
	if err := f.start(p); err != nil {
		f.t.Fatal(err)
	}
	return p
}

// join lets one more process in by the address of another.
func (f *fleet) join(name string, by *proc, roles []region.Role) *proc {
	f.t.Helper()
	token, err := by.g.NewToken(f.t.Context(), TokenSpec{Roles: roles, TTL: time.Hour, Uses: 1})
	if err != nil {
		f.t.Fatal(err)
	}
	p := f.proc(name, roles)
	p.config = func(c *Config) { c.Join, c.Token = []string{by.addr()}, token }
	if err := f.start(p); err != nil {
		f.t.Fatal(err)
	}
	return p
}

// region founds one of regional servers and waits until all of them are live and have
// the votes that they should have.
func (f *fleet) region(n int) (all []*proc) {
	f.t.Helper()
	all = append(all, f.found("a"))
	for i := 1; i < n; i++ {
		all = append(all, f.join(string(rune('a'+i)), all[0], allRoles))
	}
	f.eventually(30*time.Second, "all are live and vote", func() bool {
		p := all[0].g.View().Plan()
		live := !slices.ContainsFunc(p.Members(), func(m Member) bool { return m.State != Live })
		return live && len(p.Members()) == n && len(f.voters(all[0])) == n-(n+1)%2
	})
	if err := all[0].g.Barrier(f.t.Context()); err != nil { // so the last vote is decided
		f.t.Fatal(err)
	}
	f.agree(all...)
	return all
}

func (f *fleet) voters(p *proc) (out []string) {
	future := p.g.raft.GetConfiguration()
	if err := future.Error(); err != nil {
		f.t.Fatal(err)
	}
	for _, s := range future.Configuration().Servers {
		if s.Suffrage == raft.Voter {
			name, _, _ := strings.Cut(string(s.ID), "/")
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// eventually waits in steps of 10 ms and returns how long it took.
func (f *fleet) eventually(within time.Duration, what string, is func() bool) time.Duration {
	f.t.Helper()
	start := time.Now()
	for !is() {
		if time.Since(start) > within {
			f.t.Fatalf("after %v still not: %s", within, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(start)
}

// leader returns the process that leads by its own word and by that of a majority.
func (f *fleet) leader(among ...*proc) *proc {
	for _, p := range among {
		if p.g == nil {
			continue
		}
		if l, _ := p.g.Leader(); !l.Self {
			continue
		}
		agree := 0
		for _, q := range among {
			if q.g != nil {
				if l, _ := q.g.Leader(); string(l.Node) == p.name {
					agree++
				}
			}
		}
		if 2*agree > len(among) {
			return p
		}
	}
	return nil
}

func (f *fleet) waitLeader(within time.Duration, among ...*proc) (*proc, time.Duration) {
	f.t.Helper()
	took := f.eventually(within, "there is a leader", func() bool { return f.leader(among...) != nil })
	return f.leader(among...), took
}

// setTree changes the plan through one process.
func (f *fleet) setTree(p *proc, value string) (uint64, error) {
	return p.g.Edit(f.t.Context(), func(*Plan) (Command, error) {
		return Command{Edit: SetTree{Value: []byte(value)}}, nil
	})
}

func (f *fleet) mustSetTree(p *proc, value string) {
	f.t.Helper()
	if _, err := f.setTree(p, value); err != nil {
		f.t.Fatal(err)
	}
}

// agree waits until all have the same state, byte by byte, and the same view of it.
func (f *fleet) agree(all ...*proc) {
	f.t.Helper()
	f.eventually(15*time.Second, "all have the same state", func() bool {
		var first []byte
		for _, p := range all {
			data, err := p.g.machine.seal()
			if err != nil {
				f.t.Fatal(err)
			}
			if first == nil {
				first = data
			}
			if !bytes.Equal(first, data) || p.g.View().Plan().Epoch() != p.g.machine.epoch() {
				return false
			}
		}
		return true
	})
}

func (p *proc) state(of string) MemberState {
	m, _ := p.g.View().Plan().Member(gazetteer.NodeID(of))
	return m.State
}

func TestARegionOfOneHasItsPlanAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		a := f.found("a")
		if p := a.g.View().Plan(); p == nil || p.Epoch() != 1 {
			t.Fatalf("got %+v before the first election", p)
		}
		start := time.Now()
		f.mustSetTree(a, "one")
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("the first change took %v", took)
		}
		if err := a.g.Barrier(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := string(a.g.View().Plan().Tree()); got != "one" {
			t.Errorf("the tree is %q", got)
		}
	})
}

// A process alone needs neither streams nor an address.
func TestASingleProcessNeedsNoNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := SingleDescription("fra", "a")
		g, err := Start(t.Context(), Config{Node: d.Nodes[0], Found: &d})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		if _, err := g.Edit(t.Context(), func(*Plan) (Command, error) {
			return Command{Edit: SetTree{Value: []byte("x")}}, nil
		}); err != nil {
			t.Fatal(err)
		}
		if l, _ := g.Leader(); !l.Self || l.Node != "a" {
			t.Errorf("leader %+v", l)
		}
	})
}

func TestMembersJoinByAnyAddress(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		d := f.join("d", all[2], allRoles)     // a regional server, by a follower
		e := f.join("e", all[1], allRoles[1:]) // no regional server
		f.eventually(5*time.Second, "all are live", func() bool {
			return all[0].state("d") == Live && all[0].state("e") == Live && e.state("e") == Live
		})
		if got := fmt.Sprint(f.voters(all[0])); got != "[a b c]" {
			t.Errorf("voters %s: with four regional servers three decide", got)
		}
		f.agree(append(all, d)...)
		f.mustSetTree(e, "from one that is no regional server")
		if err := e.g.Barrier(t.Context()); err != nil || !strings.HasPrefix(string(e.g.View().Plan().Tree()), "from") {
			t.Errorf("%v: e does not see what it did", err)
		}
		f.agree(append(all, d)...)
	})
}

func TestJoiningIsRefusedInTheRightWords(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		a := f.found("a")
		b := f.join("b", a, allRoles)
		token := func(roles []region.Role) string {
			text, err := a.g.NewToken(t.Context(), TokenSpec{Roles: roles, TTL: time.Minute, Uses: 1})
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		used := token(allRoles)
		late := token(allRoles)
		f.start(f.withToken("c", used, b.addr()))
		for _, c := range []struct {
			name, node, token string
			kind              gazetteer.Kind
			says              string
		}{
			{"a slip", "x", used[:30] + string(used[30]^1) + used[31:], gazetteer.Invalid, "not all of one"},
			{"none", "x", "", gazetteer.Invalid, "no join token"},
			{"another region's", "x", newToken("ams"), gazetteer.Denied, `for the region "ams"`},
			{"nobody's", "x", newToken("fra"), gazetteer.Denied, "not known here"},
			{"used", "x", used, gazetteer.Denied, "used up"},
			{"for another role", "x", token(allRoles[1:]), gazetteer.Denied, "not for the role region"},
			{"a taken name", "b", token(allRoles), gazetteer.Conflict, `the name "b" is taken`},
		} {
			err := f.start(f.withToken(c.node, c.token, b.addr()))
			if gazetteer.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("%s: got %v (%v), want %q", c.name, err, gazetteer.KindOf(err), c.says)
			}
		}
		time.Sleep(2 * time.Minute)
		if err := f.start(f.withToken("x", late, b.addr())); gazetteer.KindOf(err) != gazetteer.Denied || !strings.Contains(err.Error(), "expired") {
			t.Errorf("expired: got %v", err)
		}
		if n := len(a.g.View().Plan().Members()); n != 3 {
			t.Errorf("%d members after all that, want 3", n)
		}
	})
}

// withToken makes a process that is not part of the fleet's list, as it will not get in.
func (f *fleet) withToken(name, token, by string) *proc {
	old := f.procs[name]
	p := f.proc(name, allRoles)
	p.config = func(c *Config) { c.Join, c.Token = []string{by}, token }
	if old != nil {
		f.procs[name] = old
	}
	p.addrOf(name, old != nil)
	return p
}

func (p *proc) addrOf(name string, taken bool) {
	if taken {
		p.name = name + "-again"
		config := p.config
		p.config = func(c *Config) { config(c); c.Node.Name = gazetteer.NodeID(name) }
	}
}

func TestAJoinerOfAnotherVersionIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		a := f.found("a")
		_, err := door{a.g}.Join(t.Context(), JoinRequest{Version: commandVersion + 1, Node: Node{Name: "b"}})
		if gazetteer.KindOf(err) != gazetteer.Unsupported || !strings.Contains(err.Error(), "same version") {
			t.Errorf("got %v", err)
		}
	})
}

func TestANewLeaderIsFoundInFourSeconds(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		var worst time.Duration
		for i := range 20 {
			old, _ := f.waitLeader(4*time.Second, all...)
			f.mustSetTree(old, fmt.Sprint("before ", i))
			old.kill()
			_, took := f.waitLeader(4*time.Second, all...)
			worst = max(worst, took)
			f.mustSetTree(f.leader(all...), fmt.Sprint("after ", i))
			if err := f.start(old); err != nil {
				t.Fatal(err)
			}
			f.agree(all...)
		}
		t.Logf("longest without a leader: %v", worst)
	})
}

// Dead within 5 s, also if the one that died was the leader; the ring's members stay.
func TestADeadMemberIsMarkedInFiveSeconds(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		for range 6 {
			victim, _ := f.waitLeader(4*time.Second, all...)
			victim.kill()
			killed := time.Now()
			time.AfterFunc(2*time.Second, func() { f.report(victim, false) }) // what a heartbeat takes
			f.eventually(5*time.Second, "dead in the plan of all", func() bool {
				return !slices.ContainsFunc(all, func(p *proc) bool { return p.g != nil && p.state(victim.name) != Dead })
			})
			if took := time.Since(killed); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			other := all[(slices.Index(all, victim)+1)%3]
			if got := other.g.View().Plan().Rings(gazetteer.TypesType)[0].Members; len(got) != 3 {
				t.Errorf("the ring of the internal types has %v", got)
			}
			if err := f.start(victim); err != nil {
				t.Fatal(err)
			}
			f.report(victim, true)
			f.eventually(5*time.Second, "live again", func() bool { return other.state(victim.name) == Live })
		}
	})
}

// report is what all processes see of one of them.
func (f *fleet) report(of *proc, alive bool) {
	for _, p := range f.procs {
		if g := p.running(); g != nil && p != of {
			g.ReportAlive(gazetteer.NodeID(of.name), alive)
		}
	}
}

// A member to which the leader has no link is marked by the word of one that has.
func TestADeadMemberThatOnlyAnotherMisses(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		e := f.join("e", all[0], allRoles[1:])
		f.eventually(5*time.Second, "e is live", func() bool { return all[0].state("e") == Live })
		for range 3 {
			leader, _ := f.waitLeader(4*time.Second, all...)
			other := all[(slices.Index(all, leader)+1)%3]
			e.kill()
			time.AfterFunc(2*time.Second, func() { other.g.ReportAlive("e", false) })
			f.eventually(5*time.Second, "dead in the plan of all", func() bool {
				return !slices.ContainsFunc(all, func(p *proc) bool { return p.g != nil && p.state("e") != Dead })
			})
			if err := f.start(e); err != nil {
				t.Fatal(err)
			}
			other.g.ReportAlive("e", true)
			f.eventually(5*time.Second, "live again", func() bool { return other.state("e") == Live })
			leader.kill()
			f.waitLeader(4*time.Second, all...)
			if err := f.start(leader); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestAShortSilenceDoesNotChangeThePlan(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		before := all[0].g.View().Plan().Epoch()
		for range 10 {
			f.report(all[1], false)
			time.Sleep(900 * time.Millisecond)
			f.report(all[1], true)
			time.Sleep(100 * time.Millisecond)
		}
		if got := all[0].g.View().Plan().Epoch(); got != before {
			t.Errorf("the plan changed %d times", got-before)
		}
	})
}

// Without a majority the plan stays readable and is not changed, and the answer says so.
func TestWithoutAQuorumTheLastPlanIsReadable(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		f.mustSetTree(all[0], "last")
		f.agree(all...)
		all[1].kill()
		all[2].kill()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err := all[0].g.Apply(ctx, Command{Expect: all[0].g.View().Plan().Epoch(), Edit: SetTree{Value: []byte("lost")}})
		if k := gazetteer.KindOf(err); k != gazetteer.Unavailable && k != gazetteer.Deadline {
			t.Fatalf("got %v", err)
		}
		_, err = f.setTree(all[0], "lost")
		if gazetteer.KindOf(err) != gazetteer.Unavailable || !strings.Contains(err.Error(), "reads and writes go on") {
			t.Errorf("got %v", err)
		}
		if got := string(all[0].g.View().Plan().Tree()); got != "last" {
			t.Errorf("the tree is %q", got)
		}
		// Also after a restart: raft alone would not know what had been decided.
		all[0].kill()
		if err := f.start(all[0]); err != nil {
			t.Fatal(err)
		}
		if got := string(all[0].g.View().Plan().Tree()); got != "last" {
			t.Errorf("the tree is %q after a restart", got)
		}
		time.Sleep(time.Hour)
		if got := string(all[0].g.View().Plan().Tree()); got != "last" {
			t.Errorf("the tree is %q after an hour", got)
		}
		if err := f.start(all[1]); err != nil {
			t.Fatal(err)
		}
		f.mustSetTree(all[0], "again")
	})
}

// A member that was away uses nothing older than what was decided before it came back,
// however long raft takes to tell it; where nobody can, it goes on with what it had.
func TestWhoComesBackBeginsWithTheNewestPlan(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		f.mustSetTree(all[0], "before")
		f.agree(all...)
		f.waitLeader(4*time.Second, all...)
		away := all[2]
		away.kill()
		time.Sleep(20 * time.Second) // raft has come to try it seldom
		f.mustSetTree(all[0], "meanwhile")
		if err := f.start(away); err != nil {
			t.Fatal(err)
		}
		if got := string(away.g.View().Plan().Tree()); got != "meanwhile" {
			t.Errorf("it came back with %q", got)
		}
		for _, p := range all {
			p.kill()
		}
		begin := time.Now()
		if err := f.start(away); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); string(away.g.View().Plan().Tree()) != "meanwhile" || took > freshPatience+time.Second {
			t.Errorf("alone it came back after %v with %q", took, away.g.View().Plan().Tree())
		}
	})
}

func TestAMinorityChangesNothingAndCatchesUp(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(5)
		for i := range 5 {
			old, _ := f.waitLeader(4*time.Second, all...)
			friend := all[(slices.Index(all, old)+1)%5]
			f.net.isolate(true, old.addr(), friend.addr())
			ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
			epoch, err := old.g.Apply(ctx, Command{Expect: old.g.View().Plan().Epoch(), Edit: SetTree{Value: []byte("minority")}})
			cancel()
			if err == nil {
				t.Fatalf("two of five decided on plan %d", epoch)
			}
			rest := slices.DeleteFunc(slices.Clone(all), func(p *proc) bool { return p == old || p == friend })
			f.waitLeader(4*time.Second, rest...)
			f.mustSetTree(rest[0], fmt.Sprint("majority ", i))
			f.net.isolate(false, old.addr(), friend.addr())
			f.agree(all...)
			if got := string(old.g.View().Plan().Tree()); got != fmt.Sprint("majority ", i) {
				t.Errorf("the tree is %q", got)
			}
		}
	})
}

// One way is cut: the leader must not be changed for a follower that does not hear it,
// and must give way if it hears nobody (fault F21).
func TestOneWayCuts(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		leader, _ := f.waitLeader(4*time.Second, all...)
		deaf := all[(slices.Index(all, leader)+1)%3]
		f.net.cut(leader.addr(), deaf.addr(), true)
		term := leader.g.raft.CurrentTerm()
		time.Sleep(time.Minute)
		if l, _ := leader.g.Leader(); !l.Self || leader.g.raft.CurrentTerm() != term {
			t.Errorf("the leader changed for one follower that does not hear it: %+v, term %d, was %d", l, leader.g.raft.CurrentTerm(), term)
		}
		f.mustSetTree(leader, "one is deaf")
		f.net.cut(leader.addr(), deaf.addr(), false)
		f.agree(all...)

		for _, p := range all {
			f.net.cut(p.addr(), leader.addr(), p != leader)
		}
		rest := slices.DeleteFunc(slices.Clone(all), func(p *proc) bool { return p == leader })
		f.eventually(10*time.Second, "another leads", func() bool {
			l := f.leader(rest...)
			return l != nil
		})
		now := f.leader(rest...)
		term = now.g.raft.CurrentTerm()
		time.Sleep(time.Minute)
		if got := now.g.raft.CurrentTerm(); got > term+6 {
			t.Errorf("%d elections in a minute", got-term)
		}
		for _, p := range all {
			f.net.cut(p.addr(), leader.addr(), false)
		}
		f.agree(all...)
	})
}

func TestLeaving(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		e := f.join("e", all[0], allRoles[1:])
		f.eventually(5*time.Second, "e is live", func() bool { return all[0].state("e") == Live })
		if err := e.g.Leave(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			if p == all[0] {
				continue
			}
			if err := p.g.Leave(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			if got := p.state(p.name); got != "" {
				t.Errorf("%s is still %s", p.name, got)
			}
		}
		if err := all[0].g.Leave(t.Context(), false); gazetteer.KindOf(err) != gazetteer.Conflict || !strings.Contains(err.Error(), "last live replica of the ring single") {
			t.Errorf("got %v", err)
		}
		f.waitLeader(4*time.Second, all[0])
		if got := fmt.Sprint(f.voters(all[0])); got != "[a]" || len(all[0].g.View().Plan().Members()) != 1 {
			t.Errorf("voters %s, members %v", got, all[0].g.View().Plan().Members())
		}
		f.mustSetTree(all[0], "alone again")
		if err := all[0].g.Leave(t.Context(), true); err != nil || !all[0].g.View().Plan().Ended() {
			t.Errorf("got %v, ended %v", err, all[0].g.View().Plan().Ended())
		}
	})
}

// A leader that leaves hands over first, so the region is not without one.
func TestALeaderThatLeavesHandsOver(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		a := f.found("a")
		b := f.join("b", a, allRoles)
		f.eventually(5*time.Second, "b is live", func() bool { return a.state("b") == Live })
		if got := fmt.Sprint(f.voters(a)); got != "[a]" {
			t.Errorf("voters %s: of two only one decides, or either could stop the region", got)
		}
		for _, e := range []Edit{SetRing{Ring: "single", Members: ids("a", "b")}, SetServers{Servers: ids("a", "b")}} {
			if _, err := a.g.Edit(t.Context(), func(*Plan) (Command, error) { return Command{Edit: e}, nil }); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.g.Leave(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		if l, _ := b.g.Leader(); !l.Self || fmt.Sprint(f.voters(b)) != "[b]" {
			t.Errorf("leader %+v, voters %v", l, f.voters(b))
		}
		f.mustSetTree(b, "without a")
	})
}

// A member that was removed while it was dead learns it from the others: raft does not
// tell it.
func TestAMemberThatWasRemovedWhileDeadLearnsIt(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		c := all[2]
		c.kill()
		f.report(c, false)
		f.eventually(5*time.Second, "c is dead", func() bool { return all[0].state("c") == Dead })
		if _, err := all[0].g.Edit(t.Context(), func(*Plan) (Command, error) {
			return Command{Edit: Remove{Node: "c"}}, nil
		}); err != nil {
			t.Fatal(err)
		}
		f.eventually(10*time.Second, "c is forgotten", func() bool { return all[0].state("c") == "" })
		term := all[0].g.raft.CurrentTerm()
		if err := f.start(c); err != nil {
			t.Fatal(err)
		}
		f.eventually(10*time.Second, "c knows", func() bool { return c.state("c") == "" })
		time.Sleep(time.Minute)
		if got := all[0].g.raft.CurrentTerm(); got > term+1 {
			t.Errorf("the removed member caused %d elections", got-term)
		}
	})
}

// A machine that lost its disk comes back under its name with a token, and gets another
// seat: raft must not believe that it remembers its votes.
func TestAReplacedMachineGetsAnotherSeat(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		c := all[2]
		old := c.g.Server()
		c.kill()
		f.report(c, false)
		f.eventually(5*time.Second, "c is dead", func() bool { return all[0].state("c") == Dead })
		f.mustSetTree(all[0], "without c")
		c = f.join("c", all[0], allRoles)
		f.report(c, true)
		f.eventually(10*time.Second, "c is live and votes", func() bool {
			return all[0].state("c") == Live && fmt.Sprint(f.voters(all[0])) == "[a b c]"
		})
		if c.g.Server() == old {
			t.Error("the new machine counts as the old one")
		}
		f.agree(all[0], all[1], c)
	})
}

// A dead voter is replaced by a live regional server that had no vote.
func TestADeadVoterIsReplaced(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(4)
		voters := f.voters(all[0])
		for _, p := range all {
			if l := f.leader(all...); slices.Contains(voters, p.name) && p != l {
				p.kill()
				f.report(p, false)
				f.eventually(10*time.Second, "another has the vote", func() bool {
					l := f.leader(all...)
					if l == nil {
						return false
					}
					now := f.voters(l)
					return len(now) == 3 && !slices.Contains(now, p.name)
				})
				return
			}
		}
		t.Error("nobody was killed")
	})
}

func TestAddressesFollowAMemberThatMoves(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		for _, p := range all {
			p.kill()
			name, config := p.name, p.config
			p.name = name + "-moved"
			p.config = func(c *Config) { config(c); c.Node.Name = gazetteer.NodeID(name) }
			if err := f.start(p); err != nil {
				t.Fatal(err)
			}
			f.eventually(20*time.Second, "the plan says where "+name+" is", func() bool {
				m, _ := all[0].g.View().Plan().Member(gazetteer.NodeID(name))
				return m.Addr == p.addr()
			})
			f.agree(all...)
		}
		f.mustSetTree(all[1], "all have moved")
	})
}

// A chore that is refused again and again does not keep the others from being done.
func TestARefusedChoreStopsNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		leader, _ := f.waitLeader(4*time.Second, all...)
		liar, victim := all[(slices.Index(all, leader)+1)%3], all[(slices.Index(all, leader)+2)%3]
		q := AckRequest{Node: gazetteer.NodeID(liar.name), Server: liar.g.Server(), Addr: leader.addr(), Epoch: 1}
		for range 50 {
			if _, err := leader.g.ackAt(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			leader.g.ReportAlive(gazetteer.NodeID(victim.name), false)
			time.Sleep(100 * time.Millisecond)
		}
		if got := leader.state(victim.name); got != Dead {
			t.Errorf("%s is %s", victim.name, got)
		}
	})
}

// A process of another group gets no stream, whatever its address.
func TestStreamsOfAnotherGroupAreRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		a := f.found("a")
		f.mustSetTree(a, "x")
		for group, want := range map[string]bool{a.g.id.Group: true, "0123456789abcdef": false} {
			s := newStreams(f.net.join("stranger:1"), "stranger:1", group)
			trans := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{Stream: s, MaxPool: 1, Timeout: time.Second, Logger: hclogger{to: f.log}})
			var resp raft.RequestVoteResponse
			err := trans.RequestVote("a", raft.ServerAddress(a.addr()), &raft.RequestVoteRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax}, Term: 1}, &resp)
			if (err == nil) != want {
				t.Errorf("group %s: got %v", group, err)
			}
			trans.Close()
			trans.CloseStreams()
		}
	})
}

// The leader lets partitions begin to move, a few at a time, and nothing more.
func TestTheLeaderBeginsMoves(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		if _, err := all[1].g.Edit(t.Context(), func(p *Plan) (Command, error) {
			return p.WithRing("", "more", ids("b", "c"))
		}); err != nil {
			t.Fatal(err)
		}
		done := 0
		for all[0].g.View().Plan().Pending("x") > 0 || done == 0 {
			f.eventually(5*time.Second, "moves begin", func() bool { return len(all[0].g.View().Plan().Moves("x")) > 0 })
			moves := all[0].g.View().Plan().Moves("x")
			var list []uint32
			for _, m := range moves {
				list = append(list, m.Partition)
			}
			if len(list) > 4 {
				t.Fatalf("%d partitions move at once", len(list))
			}
			for _, e := range []Edit{SwitchMoves{Partitions: list}, FinishMoves{Partitions: list}} {
				if _, err := all[0].g.Edit(t.Context(), func(*Plan) (Command, error) { return Command{Edit: e}, nil }); err != nil {
					t.Fatal(err)
				}
			}
			if err := all[0].g.Barrier(t.Context()); err != nil {
				t.Fatal(err)
			}
			done += len(list)
		}
		if got := len(all[0].g.View().Plan().Rings("x")[1].Partitions); got != done || done < 8 {
			t.Errorf("%d partitions moved, the new ring owns %d of 24", done, got)
		}
		f.agree(all...)
	})
}

func TestLeadershipIsTold(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		old, _ := f.waitLeader(4*time.Second, all...)
		other := all[(slices.Index(all, old)+1)%3]
		l, changed := other.g.Leader()
		if string(l.Node) != old.name || l.Self || l.Addr != old.addr() {
			t.Errorf("got %+v", l)
		}
		old.kill()
		select {
		case <-changed:
		case <-time.After(4 * time.Second):
			t.Error("nobody told of the change")
		}
	})
}

// Three who answer for one another: what the leader acknowledged is known to the next.
func TestAcknowledgementsReachEachLeader(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		for range 3 {
			leader, _ := f.waitLeader(4*time.Second, all...)
			f.mustSetTree(leader, "led by "+leader.name)
			f.agree(all...)
			want := leader.g.View().Plan().Epoch()
			f.eventually(5*time.Second, "all use the plan", func() bool {
				acks := leader.g.Acknowledged()
				return acks["a"] >= want && acks["b"] >= want && acks["c"] >= want
			})
			f.eventually(5*time.Second, "all know that all use it", func() bool {
				return !slices.ContainsFunc(all, func(p *proc) bool { return p.g.Settled() < want })
			})
			leader.kill()
			f.waitLeader(4*time.Second, all...)
			if err := f.start(leader); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// What all use is what the last of those who live uses. Who is dead, who has yet to join,
// and what a process with another data directory said, count for nothing.
func TestTheLeastPlanInUse(t *testing.T) {
	var k knowledge
	member := func(n string, s MemberState) Member {
		return Member{Node: Node{Name: gazetteer.NodeID(n)}, Server: n + "/1", State: s}
	}
	members := []Member{member("a", Live), member("b", Live), member("c", Dead), member("d", Joining), member("e", Leaving)}
	for i, step := range []struct {
		node, server string
		epoch, want  uint64
	}{
		{"a", "a/1", 7, 0},
		{"b", "b/0", 9, 0},
		{"b", "b/1", 5, 5},
		{"c", "c/1", 2, 5},
		{"d", "d/1", 1, 5},
		{"b", "b/1", 8, 7},
	} {
		k.acknowledge(AckRequest{Node: gazetteer.NodeID(step.node), Server: step.server, Epoch: step.epoch}, time.Now())
		if got := k.leastUsed(members); got != step.want {
			t.Errorf("step %d: %d, want %d", i, got, step.want)
		}
	}
	if got := k.leastUsed(members[2:]); got != 0 {
		t.Errorf("nobody lives, and all use %d", got)
	}
}
