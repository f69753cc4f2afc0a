package ring_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	mutantsFlag = flag.Bool("mutants", false, "plant every mutant, not only a few")
	partFlag    = flag.String("part", "1/1", "of every mutant, by name, the `K/N`th part")
)

// someMutants are planted in every run: one of each kind.
var someMutants = []string{"vector-before-mark", "no-horizon"}

// TestMutants plants mistakes and expects them to be found: a checker that cannot fail
// proves nothing.
func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles this package once for each mutant")
	}
	files, err := filepath.Glob("testdata/mutants/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no mutants: %v", err)
	}
	mine := part(t)
	for i, file := range files {
		m := readMutant(t, file)
		t.Run(m.name, func(t *testing.T) {
			overlay := m.plant(t)
			if all := *mutantsFlag && mine(i); !all && !named(someMutants, m.name) {
				return // its text still fits; that is all this run asks
			}
			m.mustDie(t, overlay)
		})
	}
}

// part tells which of the mutants -part asks for.
func part(t *testing.T) (mine func(i int) bool) {
	t.Helper()
	var k, n int
	if _, err := fmt.Sscanf(*partFlag, "%d/%d", &k, &n); err != nil || k < 1 || k > n {
		t.Fatalf("-part=%s: want K/N with K from 1 to N", *partFlag)
	}
	return func(i int) bool { return i%n == k-1 }
}

func named(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// mutant is one mistake: what rule it breaks, by which changes of text, and which test
// must find it.
type mutant struct {
	name, rule, dies string
	changes          []change
}

type change struct{ file, old, new string }

// readMutant reads a mutant's description. Its lines are "rule:", "dies:", and for each
// change "file:", "old:" and "new:", the last two followed by indented text.
func readMutant(t *testing.T, file string) *mutant {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m := &mutant{name: strings.TrimSuffix(filepath.Base(file), ".txt")}
	into := new(string)
	for line := range strings.Lines(string(b)) {
		if text, ok := strings.CutPrefix(line, "| "); ok {
			*into += text
			continue
		}
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch key {
		case "rule":
			m.rule = value
		case "dies":
			m.dies = value
		case "file":
			m.changes = append(m.changes, change{file: value})
		case "old":
			into = &m.changes[len(m.changes)-1].old
		case "new":
			into = &m.changes[len(m.changes)-1].new
		case "":
		default:
			t.Fatalf("%s: unknown line %q", file, line)
		}
	}
	if m.rule == "" || m.dies == "" || m.changes == nil {
		t.Fatalf("%s: rule, dies or change is missing", file)
	}
	return m
}

// plant writes the changed files and an overlay that puts them in place of the true
// ones. The text to change must be there exactly once.
func (m *mutant) plant(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	changed := map[string]string{}
	for _, c := range m.changes {
		text, ok := changed[c.file]
		if !ok {
			b, err := os.ReadFile(c.file)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		if k := strings.Count(text, c.old); k != 1 {
			t.Fatalf("%s holds the text to change %d times, want once:\n%s", c.file, k, c.old)
		}
		changed[c.file] = strings.Replace(text, c.old, c.new, 1)
	}
	replace := map[string]string{}
	for file, text := range changed {
		to := filepath.Join(dir, file)
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		from, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		replace[from] = to
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}

// mustDie builds the package with the mutant and runs the test that has to find it.
func (m *mutant) mustDie(t *testing.T, overlay string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "ring.test")
	if out, err := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("the mutant does not compile: %v\n%s", err, out)
	}
	args := []string{"-test.run", "^" + m.dies + "$"}
	if m.dies == "random" {
		args = []string{"-test.run", "^TestSchedules$", "-schedules", "500"}
	}
	start := time.Now()
	out, err := exec.Command(binary, args...).CombinedOutput()
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) || !strings.Contains(string(out), "--- FAIL: ") {
		t.Fatalf("the mutant lives (%s): %v\n%s", m.rule, err, out)
	}
	t.Logf("%s: found in %v: %s", m.rule, time.Since(start).Round(time.Second/10), firstFailure(string(out)))
}

// firstFailure is the line after the first "--- FAIL".
func firstFailure(out string) string {
	_, after, _ := strings.Cut(out, "--- FAIL: ")
	_, after, _ = strings.Cut(after, "\n")
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(line)
}
