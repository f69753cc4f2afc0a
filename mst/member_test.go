package mst

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"gazetteer"
)

// party is members that exchange frames at once, in the order in which they were sent.
type party struct {
	t       *testing.T
	members map[gazetteer.RegionID]*Member
	runs    map[gazetteer.RegionID]Run // how each answers a Join, but for the epoch
	saved   map[gazetteer.RegionID]Epoch
	trees   map[gazetteer.RegionID]Tree
	failed  map[gazetteer.RegionID]error
	joined  map[gazetteer.RegionID]Epoch
	under   []mail // what is under way
}

type mail struct {
	from, to gazetteer.RegionID
	frame    Frame
}

// newParty makes members of an edge list such as "a b 3, b c 1".
func newParty(t *testing.T, edges string) *party {
	t.Helper()
	p := &party{t: t, members: map[gazetteer.RegionID]*Member{}, runs: map[gazetteer.RegionID]Run{}, saved: map[gazetteer.RegionID]Epoch{},
		trees: map[gazetteer.RegionID]Tree{}, failed: map[gazetteer.RegionID]error{}, joined: map[gazetteer.RegionID]Epoch{}}
	for _, text := range strings.Split(edges, ",") {
		var a, b gazetteer.RegionID
		var cost uint64
		if _, err := fmt.Sscan(text, &a, &b, &cost); err != nil {
			t.Fatal(err)
		}
		p.edge(a, b, cost)
		p.edge(b, a, cost)
	}
	for name, r := range p.runs {
		r.Regions = len(p.runs)
		p.runs[name] = r
		p.start(name)
	}
	return p
}

func (p *party) edge(at, to gazetteer.RegionID, cost uint64) {
	r := p.runs[at]
	r.Edges = append(r.Edges, Edge{to, cost})
	p.runs[at] = r
}

// start makes a member of what a region has saved.
func (p *party) start(name gazetteer.RegionID) {
	p.t.Helper()
	m, err := New(Config{Self: name, Epoch: p.saved[name]})
	if err != nil {
		p.t.Fatal(err)
	}
	p.members[name] = m
}

// propose opens an epoch at one region and begins it there.
func (p *party) propose(name gazetteer.RegionID) Epoch {
	p.t.Helper()
	e := p.members[name].Propose()
	p.begin(name, e)
	p.members[name].Wake()
	p.perform(name)
	return e
}

func (p *party) begin(name gazetteer.RegionID, e Epoch) {
	p.t.Helper()
	r := p.runs[name]
	r.Epoch = e
	if err := p.members[name].Begin(r); err != nil {
		p.t.Fatal(err)
	}
}

func (p *party) perform(name gazetteer.RegionID) {
	p.t.Helper()
	out := p.members[name].Ready()
	if out.Save != (Epoch{}) {
		p.saved[name] = out.Save
	}
	for _, d := range out.Send {
		p.under = append(p.under, mail{name, d.To, d.Frame})
	}
	if out.Install != nil {
		p.trees[name] = *out.Install
	}
	if out.Failed != nil {
		p.failed[name] = out.Failed.Err
	}
	if out.Join != (Epoch{}) {
		p.joined[name] = out.Join
		p.begin(name, out.Join)
		p.perform(name)
	}
}

// deliver hands over the oldest frames under way, at most so many, and returns the first
// error.
func (p *party) deliver(most int) (first error) {
	p.t.Helper()
	for ; most > 0 && len(p.under) > 0; most-- {
		m := p.under[0]
		p.under = p.under[1:]
		if err := p.members[m.to].Step(m.from, m.frame); err != nil && first == nil {
			first = err
		}
		p.perform(m.to)
	}
	return first
}

const all = 1 << 20

func (p *party) settle() {
	p.t.Helper()
	if err := p.deliver(all); err != nil {
		p.t.Fatal(err)
	}
}

// hold compares the trees of all regions with an epoch, a count and a weight.
func (p *party) hold(e Epoch, regions int, weight uint64) {
	p.t.Helper()
	for name := range p.members {
		if got := p.trees[name]; got.Epoch != e || got.Regions != regions || got.Weight != weight {
			p.t.Errorf("%s has %+v, want epoch %v, %d regions, weight %d", name, got, e, regions, weight)
		}
	}
}

const triangle = "a b 3, b c 1, a c 2"

func TestEveryRegionLearnsTheResult(t *testing.T) {
	p := newParty(t, triangle)
	e := p.propose("b")
	p.settle()
	p.hold(e, 3, 3)
	if got := p.trees["c"].Branches; !reflect.DeepEqual(got, []Edge{{"b", 1}, {"a", 2}}) {
		t.Errorf("c has the branches %v", got)
	}
	for name, m := range p.members {
		if at, ok := m.Due(); ok {
			t.Errorf("%s still wants a tick at %v", name, at)
		}
	}
}

func TestOneRegionAlone(t *testing.T) {
	m, err := New(Config{Self: "a"})
	if err != nil {
		t.Fatal(err)
	}
	e := m.Propose()
	if err := m.Begin(Run{Epoch: e, Regions: 1}); err != nil {
		t.Fatal(err)
	}
	m.Wake()
	out := m.Ready()
	if out.Save != e || out.Install == nil || !reflect.DeepEqual(*out.Install, Tree{Epoch: e, Regions: 1}) || out.Send != nil {
		t.Errorf("%+v", out)
	}
}

// TestCountTellsAPartition: the tree of a part reaches fewer regions than take part.
func TestCountTellsAPartition(t *testing.T) {
	p := newParty(t, "a b 3, c d 1")
	p.propose("a")
	p.settle()
	if got := p.trees["b"]; got.Regions != 2 || p.runs["b"].Regions != 4 {
		t.Errorf("%+v of %d regions", got, p.runs["b"].Regions)
	}
}

func TestNobodyWithoutAName(t *testing.T) {
	if _, err := New(Config{}); gazetteer.KindOf(err) != gazetteer.Invalid {
		t.Error(err)
	}
}

func TestEpochsAreOrderedByCounterThenProposer(t *testing.T) {
	ascending := []Epoch{{}, {1, "a"}, {1, "b"}, {2, "a"}, Epoch{2, "a"}.Next("a")}
	for i, e := range ascending {
		for j, f := range ascending {
			if got := sign(e.Compare(f)); got != sign(i-j) {
				t.Errorf("%v against %v is %d", e, f, got)
			}
		}
	}
}

// TestLowerEpochIsAnsweredStale: ... with the own epoch, and dropped.
func TestLowerEpochIsAnsweredStale(t *testing.T) {
	p := newParty(t, triangle)
	old := p.propose("a")
	p.settle()
	e := p.propose("a")
	p.settle()
	m := p.members["b"]
	if err := m.Step("a", Frame{Epoch: old, Cost: 3, Seq: 1, Message: Connect{0}}); err != nil {
		t.Fatal(err)
	}
	if out := m.Ready(); !reflect.DeepEqual(out, Ready{Send: []Delivery{{"a", Frame{Epoch: e, Stale: old}}}}) {
		t.Errorf("%+v", out)
	}
	if m.Epoch() != e {
		t.Errorf("it went on to %v", m.Epoch())
	}
}

// TestHigherEpochThrowsTheRunAway: whatever state it is in, and joins as Sleeping.
func TestHigherEpochThrowsTheRunAway(t *testing.T) {
	for frames := range 30 {
		p := newParty(t, triangle)
		p.propose("a")
		if err := p.deliver(frames); err != nil {
			t.Fatal(err)
		}
		e := p.propose("c")
		if p.members["c"].run.node.sn != Found || p.members["c"].run.node.ln != 0 {
			t.Errorf("after %d frames the new run does not start anew", frames)
		}
		p.settle()
		p.hold(e, 3, 3)
	}
}

// TestSaveComesBeforeAnythingOfAnEpoch: in the same Ready as the first frame, or before.
func TestSaveComesBeforeAnythingOfAnEpoch(t *testing.T) {
	p := newParty(t, triangle)
	m := p.members["a"]
	e := m.Propose()
	if out := m.Ready(); out.Save != e || out.Send != nil {
		t.Errorf("proposing: %+v", out)
	}
	b := p.members["b"]
	if err := b.Step("a", Frame{Epoch: e, Cost: 3, Seq: 1, Message: Connect{0}}); err != nil {
		t.Fatal(err)
	}
	if out := b.Ready(); out.Save != e || out.Join != e || out.Send != nil {
		t.Errorf("joining: %+v", out)
	}
}

// TestASavedEpochIsNotTakenPartInAgain: a process that starts anew does not know what
// the one before it did in that run. The others learn so, and give the run up.
func TestASavedEpochIsNotTakenPartInAgain(t *testing.T) {
	for frames := 1; frames < 12; frames++ {
		p := newParty(t, triangle)
		e := p.propose("a")
		if err := p.deliver(frames); err != nil {
			t.Fatal(err)
		}
		if p.saved["c"] != e || len(p.trees) > 0 {
			continue
		}
		p.start("c")
		p.settle()
		if p.members["c"].Running() || p.joined["c"] == e && p.members["c"].run != nil {
			t.Errorf("after %d frames: it takes part again", frames)
		}
		if len(p.failed) == 0 {
			t.Errorf("after %d frames: nobody knows that the run will not end", frames)
		}
		again := p.propose("b")
		p.settle()
		p.hold(again, 3, 3)
	}
}

// TestARefusalOfAnEarlierEpochIsNothing: it crossed the change to this one.
func TestARefusalOfAnEarlierEpochIsNothing(t *testing.T) {
	p := newParty(t, triangle)
	old := p.propose("a")
	p.settle()
	e := p.propose("a")
	if err := p.members["a"].Step("b", Frame{Epoch: e, Stale: old}); err != nil {
		t.Fatal(err)
	}
	p.settle()
	p.hold(e, 3, 3)
	if len(p.failed) > 0 {
		t.Error(p.failed)
	}
}

// TestARefusalTellsAHigherEpoch: who comes late learns where the others are.
func TestARefusalTellsAHigherEpoch(t *testing.T) {
	p := newParty(t, triangle)
	for range 5 {
		p.propose("a")
		p.settle()
	}
	p.saved["c"] = Epoch{}
	p.start("c")
	p.propose("c")
	p.settle()
	if got := p.members["c"].Epoch(); got != (Epoch{5, "a"}) || p.joined["c"] != got {
		t.Errorf("c is at %v", got)
	}
	e := p.propose("c")
	p.settle()
	p.hold(e, 3, 3)
}

// TestARefusalIsNotRefused: two that refuse each other would never stop.
func TestARefusalIsNotRefused(t *testing.T) {
	m := newParty(t, triangle).members["a"]
	m.Propose()
	m.Ready()
	if err := m.Step("b", Frame{Epoch: Epoch{1, "A"}, Stale: Epoch{1, "0"}}); err != nil {
		t.Fatal(err)
	}
	if out := m.Ready(); out.Send != nil {
		t.Errorf("%+v", out)
	}
}

// TestTwoCostsOfOneEdgeFailTheRun: it is refused, it does not hang.
func TestTwoCostsOfOneEdgeFailTheRun(t *testing.T) {
	p := newParty(t, triangle)
	p.runs["b"].Edges[0].Cost = 4 // a believes 3
	p.propose("a")
	if err := p.deliver(all); gazetteer.KindOf(err) != gazetteer.Conflict {
		t.Errorf("%v, want a conflict", err)
	}
	if p.failed["a"] == nil && p.failed["b"] == nil || len(p.trees) > 0 {
		t.Errorf("failed: %v, trees: %v", p.failed, p.trees)
	}
}

// TestARefusedMessageFailsTheRun: the link has used up its place in the sequence.
func TestARefusedMessageFailsTheRun(t *testing.T) {
	p := newParty(t, triangle)
	e := p.propose("a")
	err := p.members["a"].Step("b", Frame{Epoch: e, Cost: 3, Seq: 1, Message: ChangeRoot{}})
	p.perform("a")
	if gazetteer.KindOf(err) != gazetteer.Invalid || p.failed["a"] == nil {
		t.Errorf("%v, failed: %v", err, p.failed)
	}
}

func TestForgedFramesOfNoRun(t *testing.T) {
	p := newParty(t, triangle)
	e := p.propose("a")
	for name, m := range map[string]mail{
		"no epoch":            {from: "b", frame: Frame{Cost: 3}},
		"a stranger":          {from: "z", frame: Frame{Epoch: e, Cost: 3}},
		"a done at the start": {from: "c", frame: Frame{Epoch: e, Cost: 2, Seq: 1, Message: Done{}}},
	} {
		if err := p.members["a"].Step(m.from, m.frame); gazetteer.KindOf(err) != gazetteer.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestARunIsGivenUpAtItsDeadline, and told so once.
func TestARunIsGivenUpAtItsDeadline(t *testing.T) {
	p := newParty(t, triangle)
	p.members["a"].Tick(time.Minute)
	p.propose("a")
	p.under = nil // nothing arrives
	m := p.members["a"]
	limit := time.Minute + DeadlineFor(3)
	m.Tick(limit - 1)
	if p.perform("a"); len(p.failed) > 0 {
		t.Fatal("it failed too early")
	}
	for range 2 {
		m.Tick(limit)
		p.perform("a")
		if gazetteer.KindOf(p.failed["a"]) != gazetteer.Deadline {
			t.Errorf("%v, want a deadline", p.failed["a"])
		}
		p.failed["a"] = &gazetteer.Error{Kind: gazetteer.Deadline}
	}
	if at, ok := m.Due(); !ok || at <= limit {
		t.Errorf("the next tick is due at %v, %v: only resends are left", at, ok)
	}
}

// TestALateTreeIsAsGood: the run goes on after its deadline.
func TestALateTreeIsAsGood(t *testing.T) {
	p := newParty(t, triangle)
	e := p.propose("a")
	for _, m := range p.members {
		m.Tick(time.Hour)
	}
	p.settle()
	p.hold(e, 3, 3)
}

func TestAnEpochIsJoinedInTimeOrFails(t *testing.T) {
	p := newParty(t, triangle)
	m := p.members["b"]
	if err := m.Step("a", Frame{Epoch: Epoch{1, "a"}, Cost: 3, Seq: 1, Message: Connect{0}}); err != nil {
		t.Fatal(err)
	}
	m.Ready()
	m.Tick(5 * time.Second)
	if out := m.Ready(); out.Failed == nil {
		t.Errorf("%+v", out)
	}
}

// TestFramesBeforeBeginAreKept: agreeing on a run takes time, the frames do not wait.
func TestFramesBeforeBeginAreKept(t *testing.T) {
	m := newParty(t, triangle).members["b"]
	e := Epoch{1, "a"}
	for seq := uint64(1); seq <= 2*earlyMax; seq++ {
		if err := m.Step("a", Frame{Epoch: e, Cost: 3, Seq: 1, Message: Connect{0}}); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.early) != earlyMax {
		t.Errorf("%d frames are kept, the bound is %d", len(m.early), earlyMax)
	}
	if err := m.Begin(Run{Epoch: e, Regions: 2, Edges: []Edge{{"a", 3}}}); err != nil {
		t.Fatal(err)
	}
	if out := m.Ready(); len(out.Send) != 2 || out.Send[0].Frame.Message != (Connect{0}) {
		t.Errorf("%+v", out.Send)
	}
}

func TestBeginThatDoesNotFit(t *testing.T) {
	m := newParty(t, triangle).members["a"]
	begin := func(e Epoch) gazetteer.Kind { return gazetteer.KindOf(m.Begin(Run{Epoch: e})) }
	if k := begin(Epoch{}); k != gazetteer.Conflict {
		t.Error("nothing was proposed:", k)
	}
	e := m.Propose()
	if k := begin(Epoch{1, "b"}); k != gazetteer.Conflict {
		t.Error("another epoch:", k)
	}
	if err := m.Begin(Run{Epoch: e, Edges: []Edge{{"a", 1}}}); gazetteer.KindOf(err) != gazetteer.Unprocessable {
		t.Error("an edge to itself:", err)
	}
	if err := m.Begin(Run{Epoch: e}); err != nil {
		t.Error(err)
	}
	if k := begin(e); k != gazetteer.Conflict {
		t.Error("begun twice:", k)
	}
}

func TestDeadlines(t *testing.T) {
	for regions, want := range map[int]time.Duration{1: 5 * time.Second, 5: 5 * time.Second, 32: 28160 * time.Millisecond} {
		if got := DeadlineFor(regions); got != want {
			t.Errorf("%d regions: %v, want %v", regions, got, want)
		}
	}
}

// TestJoinByWord: an epoch can be joined that was told of by other means than a frame.
func TestJoinByWord(t *testing.T) {
	m, err := New(Config{Self: "a", Epoch: Epoch{2, "b"}})
	if err != nil {
		t.Fatal(err)
	}
	if m.Join(Epoch{2, "b"}) || m.Join(Epoch{1, "z"}) || m.Running() {
		t.Error("it joined an epoch that is not above its own")
	}
	if !m.Join(Epoch{3, "c"}) || !m.Running() {
		t.Error("it did not join")
	}
	if out := m.Ready(); out.Save != (Epoch{3, "c"}) || out.Join != (Epoch{}) {
		t.Errorf("Ready is %+v, want the epoch saved and nothing to join", out)
	}
}
