package virtual

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"gazetteer/internal/mutant"
)

var (
	plantedFlag = flag.Bool("planted", false, "plant every bug, not only a few")
	partFlag    = flag.String("part", "1/1", "of every bug, in the order of the table, the `K/N`th part")
)

const (
	root = "../.."
	// seedsMost is within how many seeds a scenario must find a bug.
	seedsMost = "100"
	// runsMost bounds the search for one bug. A seed takes less than a second.
	runsMost = 20 * time.Minute
)

// bug is a mistake in a core or in the driver, and the scenario that has to find it: one
// of the library, one in testdata, or the ordeal of simulation/world, which deletes and
// puts old copies of disks back.
type bug struct {
	dir, name string // a mutant of the feed, or one of this package's own, whose dir is empty
	by        string
}

const (
	theFeed = "ring"
	ordeal  = "ordeal"
)

var bugs = []bug{
	{theFeed, "vector-before-mark", "faults-60s"},
	{theFeed, "position-reused", ordeal},
	{theFeed, "report-before-save", "faults-60s"},
	{theFeed, "filter-by-origin", "faults-60s"},
	{theFeed, "ack-without-report", "faults-60s"},
	{theFeed, "send-before-save", "faults-60s"},
	{theFeed, "stamp-not-held", "faults-60s"},
	{theFeed, "no-horizon", ordeal},
	{"", "mst-merges-at-once", "faults-60s"},
	{"", "mst-answers-higher-tests", "faults-60s"},
	{"", "mst-absorbs-as-found", "faults-60s"},
	{"", "mst-drops-a-connect", "faults-60s"},
	{"", "voice-agrees-alone", "faults-60s"},
	{"", "cluster-loses-a-partition", "testdata/rings.yaml"},
	{"", "cluster-two-owners", "testdata/rings.yaml"},
	{"", "driver-reports-unsynced", ordeal},
	{"", "driver-sends-before-save", "faults-60s"},
	{"", "driver-loses-marks", "faults-60s"},
	{"", "driver-reorders-links", "faults-60s"},
	{"", "driver-young-marks", "faults-60s"},
}

// someBugs are planted in every run.
var someBugs = []string{"mst-merges-at-once"}

// TestPlantedBugs breaks a core on purpose and expects a scenario to find it: a checker
// that cannot fail proves nothing.
func TestPlantedBugs(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the cores once for each bug")
	}
	mine, err := mutant.Part(*partFlag)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range bugs {
		t.Run(b.name, func(t *testing.T) {
			m, overlay := b.plant(t)
			if all := *plantedFlag && mine(i); !all && !slices.Contains(someBugs, b.name) {
				return // its text still fits; that is all this run asks
			}
			b.mustBeFound(t, m, overlay)
		})
	}
}

func (b *bug) plant(t *testing.T) (*mutant.Mutant, string) {
	t.Helper()
	file, from := filepath.Join("testdata", "planted", b.name+".txt"), root
	if b.dir != "" {
		from = filepath.Join(root, b.dir)
		file = filepath.Join(from, "testdata", "mutants", b.name+".txt")
	}
	m, err := mutant.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := m.Plant(from, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return m, overlay
}

// tests are the folder of the test that runs a scenario with many seeds, and how.
func (b *bug) tests() (dir string, args []string) {
	if b.by == ordeal {
		return filepath.Join("..", "world"), []string{"-test.run", "^TestFaults$"}
	}
	return ".", []string{"-test.run", "^TestSeeds$", "-scenario", b.by}
}

func (b *bug) mustBeFound(t *testing.T, m *mutant.Mutant, overlay string) {
	t.Helper()
	dir, args := b.tests()
	binary := filepath.Join(t.TempDir(), "planted.test")
	if err := mutant.Build(overlay, binary, "./"+dir); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), runsMost)
	defer stop()
	c := exec.CommandContext(ctx, binary, append(args, "-test.failfast", "-test.timeout", "0", "-seeds", seedsMost)...)
	c.Dir, c.Env = dir, append(os.Environ(), "GOGC=400")
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if ctx.Err() != nil || !errors.As(err, &exit) {
		t.Fatalf("nothing has found it (%s): %v\n%s", m.Rule, err, out)
	}
	t.Logf("%s: found by %s", m.Rule, finding(string(out)))
}

var (
	broken   = regexp.MustCompile(`seed (\d+): ([^\n]{1,160})`)
	panicked = regexp.MustCompile(`panic: [^\n]{1,160}`)
)

// finding is what a failed run says first of what it has found.
func finding(out string) string {
	if f := panicked.FindString(out); f != "" {
		return f
	}
	if f := broken.FindString(out); f != "" {
		return f
	}
	return out
}
