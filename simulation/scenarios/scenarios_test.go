package scenarios

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/simulation/aws"
	"gazetteer/simulation/scenario"
)

func open(t *testing.T, name string) *scenario.Scenario {
	t.Helper()
	s, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every scenario of the library is read, says in a paragraph what it shows, has clients, and
// waits until all regions are equal.
func TestLibrary(t *testing.T) {
	for _, name := range []string{"paper", "thousands", "region-loss-at-peak", "flash-crowd", "slow-link", "split-brain", "rolling-upgrade",
		"clock-madness", "regions-32", "planet-100", "tree-mst", "tree-star", "tree-mesh", "tree-shortcuts", "faults-60s"} {
		if !slices.Contains(Names(), name) {
			t.Errorf("there is no %s", name)
		}
	}
	for _, name := range Names() {
		s := open(t, name)
		if s.Name != name || len(strings.Fields(s.About)) < 25 || strings.Contains(strings.TrimSpace(s.About), "\n") {
			t.Errorf("%s: the about of %q does not say what it shows: %q", name, s.Name, s.About)
		}
		if len(s.Clients) < len(s.Regions) || s.Rest < 30*time.Second {
			t.Errorf("%s: %d fleets in %d regions, rest %v", name, len(s.Clients), len(s.Regions), s.Rest)
		}
	}
}

// A file of the folder is the scenario of its name.
func TestFilesAreTheLibrary(t *testing.T) {
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) != len(Names()) {
		t.Fatalf("%d files, %d names: %v", len(files), len(Names()), err)
	}
	for _, f := range files {
		if a, b := open(t, f), open(t, strings.TrimSuffix(f, ".yaml")); !reflect.DeepEqual(a, b) {
			t.Errorf("%s differs from the embedded one", f)
		}
	}
}

func TestPaper(t *testing.T) {
	s := open(t, "paper")
	for _, name := range aws.Seven() {
		if s.Region(name) == nil {
			t.Errorf("%s is missing", name)
		}
	}
	tiers := s.Tiers
	if len(s.Regions) != 7 || tiers.Regional.Balancer == nil || tiers.Cluster.Balancer == nil || tiers.Replica.Balancer == nil || tiers.Regional.Group == nil || tiers.Cluster.Group == nil || len(s.Faults) > 0 {
		t.Errorf("the plan had a balancer in front of each tier, and groups: %+v", tiers)
	}
	if n := requests(s); n < 50_000 || n > 200_000 {
		t.Errorf("%.0f requests", n)
	}
}

// requests returns how many are to be expected.
func requests(s *scenario.Scenario) (n float64) {
	for _, c := range s.Clients {
		for i, from := range c.Rate {
			to := scenario.Step{At: s.Duration, Rate: from.Rate}
			if i+1 < len(c.Rate) {
				to.At = c.Rate[i+1].At
				if from.Ramp {
					to.Rate = c.Rate[i+1].Rate
				}
			}
			n += (from.Rate + to.Rate) / 2 * (to.At - from.At).Seconds()
		}
	}
	return n
}

func TestThousands(t *testing.T) {
	s := open(t, "thousands")
	if rate := requests(s) / s.Duration.Seconds(); len(s.Regions) != 7 || rate < 5000 || s.Duration < time.Minute || *s.Checks.MaxErrors != 0 {
		t.Errorf("%d regions, %.0f requests a second for %v", len(s.Regions), rate, s.Duration)
	}
}

// The scenarios that compare trees differ in the tree alone.
func TestTreesAreComparable(t *testing.T) {
	first := open(t, "tree-mst")
	shapes := map[scenario.Tree]bool{first.Tree: true}
	for _, name := range []string{"tree-star", "tree-mesh", "tree-shortcuts"} {
		s := open(t, name)
		shapes[s.Tree] = true
		s.Name, s.About, s.Tree = first.Name, first.About, first.Tree
		if !reflect.DeepEqual(s, first) {
			t.Errorf("%s differs in more than its tree", name)
		}
	}
	if len(shapes) != 4 {
		t.Errorf("trees %v", shapes)
	}
}

func TestPlanet100(t *testing.T) {
	s := open(t, "planet-100")
	replicas := 0
	for i := range s.Regions {
		for _, g := range s.Regions[i].Rings {
			replicas += g.Replicas
		}
	}
	if len(s.Regions) != 100 || replicas != 900 {
		t.Errorf("%d regions, %d replicas", len(s.Regions), replicas)
	}
}

// Each seed has every kind of fault.
func TestFaults60s(t *testing.T) {
	s := open(t, "faults-60s")
	if len(s.Regions) != 7 || s.Duration != time.Minute || s.Regions[0].Rings[0].Replicas != 3 {
		t.Errorf("%d regions for %v", len(s.Regions), s.Duration)
	}
	for seed := range uint64(100) {
		seen := map[scenario.FaultKind]bool{}
		for _, f := range s.FaultsOf(seed) {
			seen[f.Kind] = true
		}
		for _, k := range scenario.Kinds() {
			if !seen[k] {
				t.Errorf("seed %d: no %s", seed, k)
			}
		}
	}
}

func TestOpenPrefersFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("paper", []byte("regions: 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := open(t, "paper"); len(s.Regions) != 2 {
		t.Errorf("%d regions", len(s.Regions))
	}
	if _, err := Open("papyrus"); gazetteer.KindOf(err) != gazetteer.NotFound || !strings.Contains(err.Error(), "there are clock-madness, ") {
		t.Errorf("got %v", err)
	}
	if _, err := Source("../scenarios"); gazetteer.KindOf(err) != gazetteer.NotFound {
		t.Errorf("got %v", err)
	}
}
