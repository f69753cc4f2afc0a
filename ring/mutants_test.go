package ring_test

import (
	"errors"
	"flag"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gazetteer/internal/mutant"
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
	mine, err := mutant.Part(*partFlag)
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range files {
		m, err := mutant.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(m.Name, func(t *testing.T) {
			overlay, err := m.Plant(".", t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if all := *mutantsFlag && mine(i); !all && !named(someMutants, m.Name) {
				return // its text still fits; that is all this run asks
			}
			mustDie(t, m, overlay)
		})
	}
}

func named(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// mustDie builds the package with the mutant and runs the test that has to find it.
func mustDie(t *testing.T, m *mutant.Mutant, overlay string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "ring.test")
	if err := mutant.Build(overlay, binary, "."); err != nil {
		t.Fatal(err)
	}
	args := []string{"-test.run", "^" + m.Dies + "$"}
	if m.Dies == "random" {
		args = []string{"-test.run", "^TestSchedules$", "-schedules", "500"}
	}
	start := time.Now()
	out, err := exec.Command(binary, args...).CombinedOutput()
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) || !strings.Contains(string(out), "--- FAIL: ") {
		t.Fatalf("the mutant lives (%s): %v\n%s", m.Rule, err, out)
	}
	t.Logf("%s: found in %v: %s", m.Rule, time.Since(start).Round(time.Second/10), firstFailure(string(out)))
}

// firstFailure is the line after the first "--- FAIL".
func firstFailure(out string) string {
	_, after, _ := strings.Cut(out, "--- FAIL: ")
	_, after, _ = strings.Cut(after, "\n")
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(line)
}
