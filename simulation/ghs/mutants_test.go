package ghs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A mutant is a mistake in package mst that the trials must notice: of 100 runs of a
// kind at least so many go wrong.
type mutant struct {
	name  string
	wrong map[string]int
}

// The first six are the harmful mistakes known from implementations of GHS, the next two
// are known from those that do not make weights distinct. Their least numbers are those
// of a bare transcription of the paper, on graphs of 2 to 24 nodes and on the 32 regions,
// less a margin of 10.
var mutants = []mutant{
	{"absorb as Found always", map[string]int{"random": 33, "regions": 90}},
	{"absorb without find-count+1", map[string]int{"random": 68, "regions": 90}},
	{"merge at once", map[string]int{"random": 77, "regions": 90}},
	{"drop the Connect that should wait", map[string]int{"random": 83, "regions": 90}},
	{"answer a Test of a higher level at once", map[string]int{"random": 84, "regions": 90}},
	{"drop the core's early Report", map[string]int{"random": 57, "regions": 90}},
	{"compare weights without names", map[string]int{"random": 26, "whole milliseconds": 90}},
	{"name fragments by cost alone", map[string]int{"random": 18}},
	{"hand over what comes again", map[string]int{"lossy": 1}},
	{"hand over what overtook", map[string]int{"lossy": 1}},
	{"never send again", map[string]int{"lossy": 1}},
	{"acknowledge only once", map[string]int{"lossy": 1}},
	{"forget the saved epoch", map[string]int{"ordeal": 1}},
	{"keep the run in a higher epoch", map[string]int{"ordeal": 1}},
	{"no deadline", map[string]int{"ordeal": 1}},
	{"install before all have counted", map[string]int{"ordeal": 1}},
}

// edits plant all mutants in one build. Each asks by name whether its mutant is the one
// to be.
var edits = []struct{ file, old, new string }{
	{"ghs.go", "n.send(j, Initiate{n.ln, n.fn, n.sn})\n\t\tif n.sn == Find {",
		`s := n.sn
		if planted("absorb as Found always") {
			s = Found
		}
		n.send(j, Initiate{n.ln, n.fn, s})
		if s == Find && !planted("absorb without find-count+1") {`},
	{"ghs.go", "case j.se == Basic:", `case j.se == Basic && !planted("merge at once"):`},
	{"ghs.go", "n.putBack(j, m)\n\tdefault: // both sent Connect", `if !planted("drop the Connect that should wait") {
			n.putBack(j, m)
		}
	default: // both sent Connect`},
	{"ghs.go", "case m.Level > n.ln:", `case m.Level > n.ln && !planted("answer a Test of a higher level at once"):`},
	{"ghs.go", "case n.sn == Find:\n", `case n.sn == Find && planted("drop the core's early Report"):
	case n.sn == Find:
`},
	{"weight.go", "return cmp.Or(", `if planted("compare weights without names") {
		return cmp.Compare(w.Cost, v.Cost)
	}
	return cmp.Or(`},
	{"ghs.go", "case m.Fragment != n.fn:", `case m.Fragment != n.fn && !(planted("name fragments by cost alone") && m.Fragment.Cost == n.fn.Cost):`},

	{"link.go", "case seq <= l.taken:\n", `case seq <= l.taken && planted("hand over what comes again"):
		l.ackDue = true
		return []Message{m}
	case seq <= l.taken && planted("acknowledge only once"):
		return nil
	case seq <= l.taken:
`},
	{"link.go", "l.early[seq] = m\n", `if planted("hand over what overtook") {
		l.taken = seq - 1
	}
	l.early[seq] = m
`},
	{"link.go", "now >= at {", `now >= at && !planted("never send again") {`},

	{"member.go", "return &Member{cfg: c, epoch: c.Epoch}, nil", `if planted("forget the saved epoch") {
		c.Epoch = Epoch{}
	}
	return &Member{cfg: c, epoch: c.Epoch}, nil`},
	{"member.go", "m.epoch, m.joined, m.run, m.early = e, true, nil, nil", `m.epoch, m.joined, m.early = e, true, nil
	if !planted("keep the run in a higher epoch") {
		m.run = nil
	}`},
	{"member.go", "now >= m.failBy {", `now >= m.failBy && !(m.run != nil && planted("no deadline")) {`},
	{"tally.go", "case len(t.owing) > 0:", `case len(t.owing) > 0 && !planted("install before all have counted"), len(t.owing) > 1:`},
}

// planting is what the edits need.
const planting = `package mst

import "os"

var mutant = os.Getenv("MUTANT")

func planted(name string) bool { return mutant == name }
`

// TestMutants plants each mistake and counts what the trials notice of it.
func TestMutants(t *testing.T) {
	binary := buildMutants(t)
	for _, trial := range []string{"random", "lossy", "ordeal"} {
		if wrong := runTally(t, binary, "", trial); wrong > 0 {
			t.Fatalf("without a mutant %d of 100 runs of kind %s go wrong", wrong, trial)
		}
	}
	for _, m := range mutants {
		for trial, least := range m.wrong {
			wrong := runTally(t, binary, m.name, trial)
			t.Logf("%s, %s: %d of 100 runs go wrong", m.name, trial, wrong)
			if wrong < least {
				t.Errorf("%s, %s: only %d of 100 runs go wrong, want %d", m.name, trial, wrong, least)
			}
		}
	}
}

// buildMutants compiles the tests of this package with the edits in package mst.
func buildMutants(t *testing.T) (binary string) {
	t.Helper()
	core, err := filepath.Abs(filepath.Join("..", "..", "mst"))
	if err != nil {
		t.Fatal(err)
	}
	dir, texts := t.TempDir(), map[string]string{"planted.go": planting}
	for _, e := range edits {
		text := cmp.Or(texts[e.file], read(t, filepath.Join(core, e.file)))
		if n := strings.Count(text, e.old); n != 1 {
			t.Fatalf("the text %q stands %d times in %s, want once: mend the edit", e.old, n, e.file)
		}
		texts[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	replace := map[string]string{}
	for name, text := range texts {
		replace[filepath.Join(core, name)] = filepath.Join(dir, name)
		write(t, filepath.Join(dir, name), text)
	}
	overlay := filepath.Join(dir, "overlay.json")
	write(t, overlay, mustJSON(t, map[string]any{"Replace": replace}))
	binary = filepath.Join(dir, "mutants.test")
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", overlay, "-o", binary, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("the mutants do not compile: %v\n%s", err, out)
	}
	return binary
}

func runTally(t *testing.T, binary, mutant, trial string) (wrong int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary, "-test.run", "^TestTally$", "-test.timeout", "1m", "-tally", trial)
	c.Env = append(os.Environ(), "MUTANT="+mutant)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", mutant, err, out)
	}
	if _, err := fmt.Fscanf(bytes.NewReader(out), "wrong: %d\n", &wrong); err != nil {
		t.Fatalf("%s: %v in %s", mutant, err, out)
	}
	return wrong
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
