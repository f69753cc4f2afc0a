package check_test

import (
	"strings"
	"testing"
	"time"

	"gazetteer/simulation/check"
)

const ms = time.Millisecond

// story is a history made by hand, on two doors.
type story struct {
	check.History
}

func (s *story) op(o check.Op) *story {
	if o.Outcome == "" {
		o.Outcome = check.Done
	}
	if o.Door == "" {
		o.Door = "a"
	}
	if o.Element == "" {
		o.Element = "x"
	}
	if o.Outcome == check.Done && o.Level == "" {
		o.Level = check.Ring
	}
	s.Ops = append(s.Ops, o)
	return s
}

// put is a write from one time to another; reads are the same.
func put(v check.Value, from, to time.Duration) check.Op {
	return check.Op{Kind: check.Put, Value: v, Began: from, Ended: to}
}

func gone(from, to time.Duration) check.Op {
	return check.Op{Kind: check.Delete, Began: from, Ended: to}
}

func read(v check.Value, from, to time.Duration) check.Op {
	return check.Op{Kind: check.Resolve, Value: v, Began: from, Ended: to}
}

func (o opWith) with(do func(*check.Op)) check.Op { do(&o.Op); return o.Op }

type opWith struct{ check.Op }

func old(o check.Op, age time.Duration) check.Op {
	return opWith{o}.with(func(o *check.Op) { o.Staleness = &age })
}

func in(o check.Op) check.Op { return opWith{o}.with(func(o *check.Op) { o.Session = true }) }

func unknown(o check.Op) check.Op {
	return opWith{o}.with(func(o *check.Op) { o.Outcome = check.Unknown })
}

func refused(o check.Op) check.Op {
	return opWith{o}.with(func(o *check.Op) { o.Outcome = check.Refused })
}

func at(o check.Op, l check.Level) check.Op { return opWith{o}.with(func(o *check.Op) { o.Level = l }) }

func version(o check.Op, v string) check.Op {
	return opWith{o}.with(func(o *check.Op) { o.Version = v })
}

func cas(o check.Op, expects string) check.Op {
	return opWith{o}.with(func(o *check.Op) { o.Kind, o.Expects = check.CompareAndSet, expects })
}

// rest has regions hold a value of x each.
func (s *story) rest(vs ...check.Value) *story {
	for i, v := range vs {
		c := check.Copy{Door: string(rune('a' + i)), Held: map[string]check.Held{}}
		if v != 0 {
			c.Held["x"] = check.Held{Value: v, Version: "v"}
		}
		s.Rest = append(s.Rest, c)
	}
	return s
}

func (s *story) journal(v check.Value) *story {
	s.Journal = append(s.Journal, check.Journaled{Element: "x", Value: v})
	return s
}

func (s *story) watch(es ...check.Event) *story {
	for i := range es {
		es[i].At = time.Hour
		es[i].Element = "x"
	}
	s.Watches = append(s.Watches, check.Watch{Door: "a", Events: es})
	return s
}

func shown(v check.Value, stamp string) check.Event {
	return check.Event{Kind: check.Shown, Value: v, Stamp: stamp}
}

func of(os ...check.Op) *story {
	s := &story{}
	for _, o := range os {
		s.op(o)
	}
	return s
}

// What breaks a promise is found, as that promise's, with what contradicts each other.
func TestEachContradictionIsFound(t *testing.T) {
	for _, c := range []struct {
		name, promise string
		story         *story
		evidence      int
	}{
		{"an acknowledged write is gone", check.Kept, of(put(1, 0, 10)).rest(0, 0), 1},
		{"an older value is left", check.Kept, of(put(1, 0, 10), put(2, 20, 30)).rest(1, 1), 2},
		{"a deleted value comes back", check.Kept, of(put(1, 0, 10), gone(20, 30)).rest(1, 1), 2},
		{"one region lacks it", check.Kept, of(put(1, 0, 10)).rest(1, 0), 1},
		{"another loser does not explain it", check.Kept, of(put(1, 0, 10), put(2, 20, 30)).rest(0, 0).journal(1), 1},
		{"a read shows what nobody wrote", check.Written, of(put(1, 0, 10), read(7, 20, 30)).rest(1), 1},
		{"a read shows what was refused", check.Written, of(refused(put(1, 0, 10)), read(1, 20, 30)).rest(0), 2},
		{"a read shows what is yet to come", check.Written, of(read(1, 0, 10), put(1, 20, 30)).rest(1), 2},
		{"a session misses its write", check.YourWrites, of(in(put(1, 0, 10)), in(put(2, 20, 30)), in(read(1, 40, 50))).rest(2), 3},
		{"a session misses its first write", check.YourWrites, of(in(put(1, 0, 10)), in(read(0, 40, 50))).rest(1), 2},
		{"a session sees its deletion undone", check.YourWrites, of(put(1, 0, 10), in(gone(20, 30)), in(read(1, 40, 50))).rest(0), 3},
		{"a session goes back", check.Monotonic, of(put(1, 0, 10), put(2, 20, 30), in(read(2, 40, 50)), in(read(1, 60, 70))).rest(2), 4},
		{"a session goes back to nothing", check.Monotonic, of(put(1, 0, 10), in(read(1, 40, 50)), in(read(0, 60, 70))).rest(1), 3},
		{"an answer is older than it says", check.Fresh, of(put(1, 0, 10*ms), put(2, 20*ms, 30*ms), old(read(1, 200*ms, 210*ms), 100*ms)).rest(2), 3},
		{"an answer that says it is fresh lacks a value", check.Fresh, of(put(1, 0, 10*ms), old(read(0, 200*ms, 210*ms), 0)).rest(1), 2},
		{"a watch goes back", check.InOrder, of(put(1, 0, 10), put(2, 20, 30)).rest(2).watch(shown(2, "2"), shown(1, "1"), shown(2, "2")), 2},
		{"a watch taken up again goes back behind its bookmark", check.InOrder, of(put(1, 0, 10), put(2, 20, 30)).rest(2).
			watch(shown(2, "2"), check.Event{Kind: check.Bookmark}, check.Event{Kind: check.Connected}, shown(1, "1"), shown(2, "2")), 2},
		{"a watch misses the last value", check.Complete, of(put(1, 0, 10), put(2, 20, 30)).rest(2).watch(shown(1, "1")), 2},
		{"a watch misses a deletion", check.Complete, of(put(1, 0, 10), gone(20, 30)).rest(0).watch(shown(1, "1")), 1},
		{"a reset voids what was shown", check.Complete, of(put(1, 0, 10)).rest(1).watch(shown(1, "1"), check.Event{Kind: check.Reset}), 1},
		{"a watch shows what nobody wrote", check.Written, of(put(1, 0, 10)).rest(1).watch(shown(7, "0"), shown(1, "1")), 1},
		{"regions differ", check.Equal, of(put(1, 0, 10), put(2, 5, 12)).rest(1, 2), 2},
		{"a version has two contents", check.OneContent, of(put(1, 0, 10), put(2, 0, 10), version(read(1, 20, 30), "v"), version(read(2, 20, 30), "v")).rest(2), 2},
		{"two win one version", check.OneWinner, of(cas(put(1, 0, 10), "v"), cas(put(2, 0, 10), "v")).rest(2), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := check.Judge(&c.story.History, check.Terms{MinRate: -1})
			j := v.Of(c.promise)
			if j.Broken == 0 {
				t.Fatalf("not found; %d cases were judged", j.Judged)
			}
			if got := len(j.Violations[0].Evidence); got != c.evidence {
				t.Errorf("%d facts, want %d: %v", got, c.evidence, j.Violations[0].Evidence)
			}
			if v.Passed() {
				t.Error("it passed")
			}
		})
	}
}

// What looks odd and is allowed is no contradiction.
func TestNothingLegalIsReported(t *testing.T) {
	for _, c := range []struct {
		name  string
		story *story
		terms check.Terms
	}{
		{"all is well", of(in(put(1, 0, 10)), in(old(read(1, 20, 30), 0))).rest(1, 1).watch(shown(1, "1")), check.Terms{}},
		{"a write without an answer was done", of(unknown(put(1, 0, 10)), read(1, 20, 30)).rest(1, 1), check.Terms{}},
		{"a write without an answer was not done", of(unknown(put(1, 0, 10)), read(0, 20, 30)).rest(0, 0), check.Terms{}},
		{"a write without an answer is done much later", of(unknown(put(1, 0, 10)), put(2, 20, 30), read(2, 40, 50), read(1, 60, 70)).rest(1, 1), check.Terms{}},
		{"a deletion without an answer is done much later", of(unknown(gone(0, 10)), in(put(2, 20, 30)), in(read(0, 40, 50))).rest(0, 0), check.Terms{}},
		{"writes overlap, and either wins", of(put(1, 0, 30), put(2, 10, 20)).rest(1, 1), check.Terms{}},
		{"the older one wins, and the journal says so", of(put(1, 0, 10), put(2, 20, 30)).rest(1, 1).journal(2), check.Terms{}},
		{"a session misses what the journal says has lost", of(put(1, 0, 10), in(put(2, 20, 30)), in(read(1, 40, 50))).rest(1, 1).journal(2), check.Terms{}},
		{"what followed a write has lost", of(put(1, 0, 10), put(2, 20, 30), put(3, 40, 50)).rest(1, 1).journal(3), check.Terms{}},
		{"a deletion has lost", of(put(1, 0, 10), gone(20, 30)).rest(1, 1).journal(0), check.Terms{}},
		{"clients without a session go back", of(put(1, 0, 10), put(2, 20, 30), read(2, 40, 50), read(1, 60, 70)).rest(2, 2), check.Terms{}},
		{"an old answer says so", of(put(1, 0, 10*ms), put(2, 20*ms, 30*ms), old(read(1, 100*ms, 110*ms), 80*ms)).rest(2), check.Terms{}},
		{"an old answer is degraded", of(put(1, 0, 10), put(2, 20, 30), opWith{old(read(1, 100*ms, 110*ms), 0)}.with(func(o *check.Op) { o.Degraded = true })).rest(2), check.Terms{}},
		{"only what lost its disk held a write", of(at(put(1, 0, 10), check.Local)).rest(0), check.Terms{From: check.Ring}},
		{"a watch that is taken up again shows again", of(put(1, 0, 10), put(2, 20, 30)).rest(2).
			watch(shown(1, "1"), check.Event{Kind: check.Bookmark}, shown(2, "2"), check.Event{Kind: check.Connected}, shown(1, "1"), shown(2, "2")), check.Terms{}},
		{"a watch is reset", of(put(1, 0, 10), gone(20, 30)).rest(0).watch(shown(1, "1"), check.Event{Kind: check.Reset}), check.Terms{}},
		{"a watch passes values over", of(put(1, 0, 10), put(2, 20, 30), put(3, 40, 50)).rest(3).watch(shown(1, "1"), shown(3, "3")), check.Terms{}},
		{"a compare-and-set is refused", of(cas(put(1, 0, 10), "v"), refused(cas(put(2, 20, 30), "v")), read(1, 40, 50)).rest(1), check.Terms{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.terms.MinRate = -1
			v := check.Judge(&c.story.History, c.terms)
			for _, j := range v.Promises {
				for _, b := range j.Violations {
					t.Errorf("%s: %s %v", j.Promise, b.Detail, b.Evidence)
				}
			}
			if !v.Passed() {
				t.Error(v.Invalid)
			}
		})
	}
}

// A run that asked too little proves nothing, whatever it found, and so does one whose
// losers nobody can tell.
func TestRunsThatProveNothing(t *testing.T) {
	s := of(put(1, 0, 10*ms)).rest(1, 1)
	s.Loaded = time.Second
	if v := check.Judge(&s.History, check.Terms{}); v.Passed() || !strings.Contains(v.Invalid, "operations a second") {
		t.Errorf("one operation in a second: %q", v.Invalid)
	}
	if v := check.Judge(&s.History, check.Terms{Calm: 10 * ms}); !v.Passed() {
		t.Errorf("one operation in the 10 ms that count: %q", v.Invalid)
	}
	s.JournalCut = true
	if v := check.Judge(&s.History, check.Terms{MinRate: -1}); v.Passed() || !strings.Contains(v.Invalid, "journal") {
		t.Errorf("a cut journal: %q", v.Invalid)
	}
	if v := check.Judge(&of(put(1, 0, 10)).History, check.Terms{MinRate: -1}); v.Passed() {
		t.Error("nobody knows what is there at rest")
	}
}

func TestReportCounts(t *testing.T) {
	s := of(put(1, 0, 10*ms), unknown(put(2, 0, ms)), refused(put(3, 0, ms)), read(1, 20*ms, 30*ms)).rest(1)
	s.Loaded = time.Second
	r := check.Summarize(&s.History, check.Judge(&s.History, check.Terms{}))
	if len(r.Operations) != 2 || r.Operations[0] != (check.Count{Kind: check.Put, Done: 1, Refused: 1, Unknown: 1, P50MS: 10, P99MS: 10}) {
		t.Errorf("%+v", r.Operations)
	}
	if r.Rate != 3 || r.Passed || r.Broken != 0 {
		t.Errorf("%v a second, passed %v, broken %d", r.Rate, r.Passed, r.Broken)
	}
}
