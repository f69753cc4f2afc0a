package voice_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var mutantsFlag = flag.Bool("mutants", false, "plant each known mistake and see it noticed")

// A mutant is a mistake in this package that the tests named must notice.
type mutant struct{ name, noticedBy string }

var mutants = []mutant{
	{"costs are not frozen", "TestCostsAreFrozen"},
	{"no acknowledgement is needed", "TestLostAgreement"},
	{"an edge that was accepted counts as agreed", "TestLostAgreement"},
	{"an edge that is not known is not denied", "TestOneEndHasAnEdge"},
	{"saved after it is sent", "TestKnownTrees"},
	{"the saved epoch is forgotten", "TestLeaderChanges"},
	{"no hysteresis", "TestNoise"},
	{"no smoothing", "TestNoise"},
	{"costs are never looked at", "TestCostRule"},
	{"what was left out is never looked at", "TestNearest|TestDeadEdge"},
	{"never over all edges", "TestNearest"},
	{"a provisional branch is not dropped", "TestPartition"},
	{"no provisional branches", "TestPartition|TestDeadEdge"},
	{"one end alone has a provisional branch", "TestAskedBranch"},
	{"healing is not noticed", "TestPartition"},
	{"one way is an edge", "TestDeadOneWay|TestDeafRegion"},
	{"break before make", "TestMakeBeforeBreak"},
	{"no back-off", "TestHopeless"},
	{"everybody proposes", "TestKnownTrees"},
	{"a proposal is not above all that are known", "TestPartition"},
	{"a pause looks like silence", "TestPause"},
	{"a run waits for the dead", "TestDeathInARun"},
	{"nobody is waited for", "TestLateStart"},
	{"who does not know yet denies", "TestNewVoicesDenyNothing"},
	{"the contact is forgotten", "TestJoin"},
	{"what is not known is amiss", "TestBlindSpot"},
}

// edits plant all mutants in one build. Each asks by name whether its mutant is the one
// to be.
var edits = []struct{ file, old, new string }{
	{"agree.go", "q.state, q.cost = agreed, Mean(q.mine, m.Cost)", `q.state, q.cost = agreed, Mean(q.mine, m.Cost)
		if planted("costs are not frozen") {
			q.cost = Mean(v.cost(p), m.Cost)
		}`},
	{"agree.go", "q.asked = v.now\n\tv.send(q.to, Offer{", `q.asked = v.now
	if planted("no acknowledgement is needed") {
		q.state, q.cost = agreed, q.mine
	}
	v.send(q.to, Offer{`},
	{"run.go", "case q.state >= agreed:\n", `case q.state >= agreed || q.state == accepted && planted("an edge that was accepted counts as agreed"):
			if q.state == accepted {
				q.state = agreed
			}
`},
	{"agree.go", "if q == nil || q.state == declined {\n\t\treturn false", `if (q == nil || q.state == declined) && planted("an edge that is not known is not denied") {
		return true
	}
	if q == nil || q.state == declined {
		return false`},
	{"voice.go", "out.Save = v.save()", `out.Save = v.save()
	if planted("saved after it is sent") {
		out.Save, v.late = v.late, out.Save
	}`},
	{"voice.go", "count   Counters\n", "count   Counters\n\tlate *Saved\n"},
	{"voice.go", "m, err := mst.New(", `if planted("the saved epoch is forgotten") {
		c.Saved.Epoch = mst.Epoch{}
	}
	m, err := mst.New(`},
	{"judge.go", "return w > instead+", `if planted("no hysteresis") {
		return w > instead
	}
	return w > instead+`},
	{"peer.go", "step := (rtt - p.rtt) * weightOfSample / weightOfAll", `step := (rtt - p.rtt) * weightOfSample / weightOfAll
	if planted("no smoothing") {
		p.rtt = rtt
		return
	}`},
	{"judge.go", "ok && tooHeavy(", `ok && !planted("costs are never looked at") && tooHeavy(`},
	{"judge.go", "ok && unseen.Compare(w) < 0", `ok && unseen.Compare(w) < 0 && !planted("what was left out is never looked at")`},
	{"run.go", "return v.narrow &&", `return !planted("never over all edges") && v.narrow &&`},
	{"judge.go", "return c.bridges()\n", `if planted("a provisional branch is not dropped") {
		all := append(c.bridges(), v.bridging...)
		slices.Sort(all)
		return slices.Compact(all)
	}
	if planted("no provisional branches") {
		return nil
	}
	return c.bridges()
`},
	{"word.go", "p.wants = mine.Tree || mine.Asks", `p.wants = (mine.Tree || mine.Asks) && !planted("one end alone has a provisional branch")`},
	{"voice.go", "v.hear(p)\n", `if p.hearing == Silent && planted("healing is not noticed") {
		return
	}
	v.hear(p)
`},
	{"chart.go", "!c.denied(i, j)\n}\n\n// sawEdge", `!c.denied(i, j) && (c.works(i, j) || !planted("who does not know yet denies"))
}

// sawEdge`},
	{"message.go", "return h == Silent || h == OneWay", `if planted("one way is an edge") {
		return h == Silent
	}
	return h == Silent || h == OneWay`},
	{"chart.go", "return (a == Mutual || b == Mutual)", `if planted("one way is an edge") {
		return a.words() || b.words()
	}
	return (a == Mutual || b == Mutual)`},
	{"branch.go", "return v.now < b.until", `return v.now < b.until && !planted("break before make")`},
	{"judge.go", "if v.tries > 0 {", `if v.tries > 0 && !planted("no back-off") {`},
	{"judge.go", "case !c.first():", `case !c.first() && !planted("everybody proposes"):`},
	{"run.go", "v.bridges, v.bridging, v.shortcuts, v.chosen = nil, nil, nil, false", `v.shortcuts, v.chosen = nil, false
	if !planted("a provisional branch is not dropped") {
		v.bridges, v.bridging = nil, nil
	}`},
	{"run.go", "e := v.highestKnown().Next(v.cfg.Self)", `e := v.highestKnown().Next(v.cfg.Self)
	if planted("a proposal is not above all that are known") {
		e = v.member.Epoch().Next(v.cfg.Self)
	}`},
	{"voice.go", "v.ticked && gap > v.beat()", `v.ticked && gap > v.beat() && !planted("a pause looks like silence")`},
	{"run.go", "if v.run.begun {\n\t\tv.watch()", `if v.run.begun {
		if planted("a run waits for the dead") {
			return
		}
		v.watch()`},
	{"judge.go", "!v.listening() &&", `(!v.listening() || planted("nobody is waited for")) &&`},
	{"chart.go", "if c.rows[i] == nil && c.rows[j] == nil {", `if c.rows[i] == nil && c.rows[j] == nil && !planted("what is not known is amiss") {`},
	{"branch.go", "case p.name == v.contact:", `case p.name == v.contact && !planted("the contact is forgotten"):`},
}

// planting is what the edits need.
const planting = `package voice

import "os"

var mutant = os.Getenv("MUTANT")

func planted(name string) bool { return mutant == name }
`

// TestMutants plants each mistake and runs the tests that must notice it.
func TestMutants(t *testing.T) {
	replace := plantMutants(t)
	if !*mutantsFlag {
		return // their texts still fit; that is all this run asks
	}
	binary := buildMutants(t, replace)
	for _, m := range mutants {
		if out, noticed := runMutant(t, binary, "", m.noticedBy); noticed {
			t.Fatalf("without a mutant %s fails:\n%s", m.noticedBy, out)
		}
		if out, noticed := runMutant(t, binary, m.name, m.noticedBy); !noticed {
			t.Errorf("%s: not noticed by %s:\n%s", m.name, m.noticedBy, out)
		}
	}
}

// plantMutants writes the files with the edits, and returns which they replace.
func plantMutants(t *testing.T) (replace map[string]string) {
	t.Helper()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir, texts := t.TempDir(), map[string]string{"planted.go": planting}
	for _, e := range edits {
		text := cmp.Or(texts[e.file], mustRead(t, e.file))
		if n := strings.Count(text, e.old); n != 1 {
			t.Fatalf("the text %q stands %d times in %s, want once: mend the edit", e.old, n, e.file)
		}
		texts[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	replace = map[string]string{}
	for name, text := range texts {
		replace[filepath.Join(here, name)] = filepath.Join(dir, name)
		mustWrite(t, filepath.Join(dir, name), text)
	}
	return replace
}

// buildMutants compiles the tests of this package with the edits.
func buildMutants(t *testing.T, replace map[string]string) (binary string) {
	t.Helper()
	dir := t.TempDir()
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(dir, "overlay.json"), string(overlay))
	binary = filepath.Join(dir, "mutants.test")
	c := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("the mutants do not compile: %v\n%s", err, out)
	}
	return binary
}

// runMutant reports whether the tests notice the mutant: they fail, or do not end.
func runMutant(t *testing.T, binary, name, tests string) (out []byte, noticed bool) {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary, "-test.run", "^("+tests+")$", "-test.timeout", "2m", "-ordeals", "30")
	c.Env = append(os.Environ(), "MUTANT="+name)
	out, err := c.CombinedOutput()
	return out, err != nil
}

func mustRead(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func mustWrite(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
