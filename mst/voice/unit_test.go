package voice

import (
	"testing"
	"time"

	"gazetteer"
	"gazetteer/mst"
)

func TestConfigIsChecked(t *testing.T) {
	for what, c := range map[string]Config{
		"no name":           {},
		"few but none":      {Self: "a", Nearest: -1},
		"a beat too slow":   {Self: "a", Beat: time.Hour},
		"never missed":      {Self: "a", Missed: -1},
		"a time before":     {Self: "a", Drain: -1},
		"an agreement back": {Self: "a", AgreeWithin: -time.Second},
	} {
		if _, err := New(c); gazetteer.KindOf(err) != gazetteer.Invalid || err == nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := New(Config{Self: "a"}); err != nil {
		t.Error(err)
	}
}

// TestSmoothing: the first samples are averaged, later ones count 42/256, and one that is
// far off counts for little.
func TestSmoothing(t *testing.T) {
	p := &peer{}
	for _, rtt := range []int{100, 200, 300, 200} {
		p.sample(time.Duration(rtt) * time.Millisecond)
	}
	if p.rtt.Round(time.Millisecond) != 200*time.Millisecond {
		t.Errorf("after four samples of mean 200 ms it is %v", p.rtt)
	}
	for range 60 {
		p.sample(100 * time.Millisecond)
	}
	if p.rtt.Round(100*time.Microsecond) != 100*time.Millisecond {
		t.Errorf("after many of 100 ms it is %v", p.rtt)
	}
	p.sample(356 * time.Millisecond)
	if got := p.rtt.Round(100 * time.Microsecond); got != 142*time.Millisecond {
		t.Errorf("256 ms more move it to %v, want 142 ms", got)
	}
	before := p.rtt
	p.sample(time.Minute)
	if p.rtt > before*3/2+2*time.Millisecond {
		t.Errorf("one sample of a minute moves it from %v to %v", before, p.rtt)
	}
}

// TestCostIsAPositiveInteger: no distance is nothing, also on one machine.
func TestCostIsAPositiveInteger(t *testing.T) {
	v, err := New(Config{Self: "a"})
	if err != nil {
		t.Fatal(err)
	}
	v.Tick(0)
	v.Regions([]gazetteer.RegionID{"a", "b"})
	p := v.peer("b")
	for rtt, want := range map[time.Duration]uint64{1: 1, 499: 1, 1500: 2, 70 * time.Millisecond: 70_000, time.Hour * 24 * 365: maxCost} {
		*p = peer{name: "b", row: p.row, at: p.at}
		v.Sample("b", rtt)
		if got := v.cost(p); got != want {
			t.Errorf("%v costs %d, want %d", rtt, got, want)
		}
	}
	v.Sample("b", -time.Second)
	v.Sample("stranger", time.Second)
	if p.samples != 1 {
		t.Errorf("%d samples", p.samples)
	}
}

func TestTooHeavy(t *testing.T) {
	for _, c := range []struct {
		w, instead uint64
		want       bool
	}{
		{15_000, 8_000, false}, // 1.25 x 8 ms + 5 ms, to the microsecond
		{15_001, 8_000, true},
		{129_999, 100_000, false},
		{130_001, 100_000, true},
		{5_000, 0, false},
	} {
		if got := tooHeavy(c.w, c.instead); got != c.want {
			t.Errorf("%d instead of %d: %v", c.w, c.instead, got)
		}
	}
}

func TestNear(t *testing.T) {
	costs := []uint64{0, 30, 10, 30, 20} // 0: itself, or not known
	for i, want := range []bool{false, true, true, false, true} {
		if got := near(costs, i, 3); got != want {
			t.Errorf("%d is near: %v", i, got)
		}
	}
}

// TestLateWordIsDropped: of the words of one voice a late one does not undo a later one; a
// new voice begins anew.
func TestLateWordIsDropped(t *testing.T) {
	v, err := New(Config{Self: "a"})
	if err != nil {
		t.Fatal(err)
	}
	v.Tick(0)
	v.Regions([]gazetteer.RegionID{"a", "b"})
	say := func(voice, number uint64, h Hearing) Hearing {
		v.Step("b", Word{Voice: voice, Number: number, Entries: []Entry{{Region: "a", Hearing: h}}})
		return v.peer("b").hearing
	}
	for i, c := range []struct {
		voice, number uint64
		says, want    Hearing
	}{
		{7, 1, Unknown, Heard},
		{7, 3, Heard, Mutual},
		{7, 2, Silent, Mutual},
		{9, 1, Unknown, Mutual}, // it does not know yet
		{9, 2, Silent, OneWay},
		{9, 3, Mutual, Mutual},
	} {
		if got := say(c.voice, c.number, c.says); got != c.want {
			t.Errorf("%d: it is %v, want %v", i, got, c.want)
		}
	}
}

// TestNewVoicesDenyNothing: b and c have new voices that have not heard each other. Each
// says that the other is a branch, and a takes that branch for well.
func TestNewVoicesDenyNothing(t *testing.T) {
	e := mst.Epoch{Counter: 1, Proposer: "a"}
	tree := mst.Tree{Epoch: e, Branches: []mst.Edge{{To: "b", Cost: 10}}, Regions: 3, Weight: 30}
	v, err := New(Config{Self: "a", Given: true, Saved: Saved{Epoch: e, Tree: tree, Seen: []gazetteer.RegionID{"b", "c"}}})
	if err != nil {
		t.Fatal(err)
	}
	v.Tick(0)
	v.Regions([]gazetteer.RegionID{"a", "b", "c"})
	v.SetCost("b", 10)
	v.SetCost("c", 25)
	for i := range uint64(100) {
		v.Tick(time.Duration(i) * 100 * time.Millisecond)
		say := func(from, to gazetteer.RegionID, cost uint64) {
			w := Word{Voice: 1, Number: i + 1, Pace: time.Second, Epoch: e, Tree: e, Regions: 3}
			w.Entries = []Entry{{Region: "a", Hearing: Mutual, Tree: from == "b", Seen: true, Cost: cost}, {Region: to, Tree: true, Seen: true}}
			v.Step(from, w)
		}
		say("b", "c", 10)
		say("c", "b", 25)
		for _, b := range v.Ready().Branches {
			if b != (Branch{"b", Tree}) {
				t.Fatalf("after %d looks it has a branch to %s, %v", i, b.Region, b.Why)
			}
		}
	}
	if s := v.Status(); !s.Whole || s.Cause != CauseNone || s.Counters.Entered > 0 {
		t.Errorf("whole %v, cause %v, entered %d epochs", s.Whole, s.Cause, s.Counters.Entered)
	}
}

// TestStrangersAreCounted: who is not in the directory is not heard.
func TestStrangersAreCounted(t *testing.T) {
	v, err := New(Config{Self: "a"})
	if err != nil {
		t.Fatal(err)
	}
	v.Tick(0)
	v.Step("b", Word{Number: 1})
	v.Regions([]gazetteer.RegionID{"a", "b"})
	v.Step("c", Word{Number: 1})
	v.Step("b", nil)
	if s := v.Status(); s.Counters.Strangers != 3 || len(s.Regions) != 2 {
		t.Errorf("%+v", s)
	}
}
