package scenario

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer"
)

const example = "testdata/example.yaml"

func load(t testing.TB, path string) *Scenario {
	t.Helper()
	s, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parsed(t testing.TB, text string) *Scenario {
	t.Helper()
	s, err := Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestExampleLoads(t *testing.T) {
	s := load(t, example)
	if s.Catalogue.File != filepath.Join("testdata", "catalogue.ndjson") {
		t.Errorf("catalogue file %q", s.Catalogue.File)
	}
	if got, want := s.Summary(), "4 regions, 36 processes, 6 fleets of clients, 19 faults and more from the seed, 10m0s"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for _, k := range Kinds() {
		if !slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.Kind == k }) {
			t.Errorf("the example has no %s", k)
		}
	}
}

// The example explains every key: a misspelt key in any mapping makes the reader list those
// that are known there, and each of them stands in the file.
func TestExampleHasEveryKey(t *testing.T) {
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse("x.yaml", []byte(`
clients: [{x: 1, rate: [{x: 1}], crowds: [{x: 1}]}]
catalogue: {x: 1, synthetic: [{x: 1}]}
network: {x: 1}
tree: {x: 1}
regions: [{x: 1, rings: [{x: 1}]}]
each_region: {x: 1}
tiers: {x: 1, regional: {x: 1, balancer: {x: 1}, group: {x: 1, up: {x: 1}}}}
metrics: {x: 1}
checks: {x: 1}
faults: [{x: 1}, {split: [], x: 1}, {random: {x: 1}}]
x: 1
`))
	lists := regexp.MustCompile(`known here: ([a-z_0-9, ]+)`).FindAllStringSubmatch(err.Error(), -1)
	if len(lists) != 21 {
		t.Fatalf("%d mappings: %v", len(lists), err)
	}
	for _, l := range lists {
		for _, k := range strings.Split(l[1], ", ") {
			if !regexp.MustCompile(`(?m)[ {]` + k + `:|^` + k + `:`).Match(text) {
				t.Errorf("the example does not have the key %s", k)
			}
		}
	}
}

func TestShortestFile(t *testing.T) {
	s := parsed(t, "regions: 7\n")
	if s.Name != "test" || s.Seed != 1 || s.Duration != time.Minute || len(s.Regions) != 7 || len(s.Network.RTT) != 21 || s.Tree.Shape != MST {
		t.Errorf("got %+v", s)
	}
	r := s.Region("us-east-1")
	if r == nil || r.Point.Lat == 0 || len(r.Nodes()) != 7 || r.Nodes()[6] != "us-east-1/r1-3" {
		t.Errorf("got %+v", r)
	}
	if got := s.Network.RTT[PairOf("us-west-1", "us-east-1")]; got < 50*time.Millisecond || got > 90*time.Millisecond {
		t.Errorf("from coast to coast in %v", got)
	}
	if len(s.Types) != 1 || len(s.Catalogue.Synthetic) != 1 || s.Catalogue.Synthetic[0].IDs != 1000 {
		t.Errorf("types %v, catalogue %+v", s.Types, s.Catalogue)
	}
}

func TestLoadSaysWhatItCannotOpen(t *testing.T) {
	dir := t.TempDir()
	absent := filepath.Join(dir, "absent.yaml")
	lacking := filepath.Join(dir, "lacking.yaml")
	if err := os.WriteFile(lacking, []byte("regions: 2\ntypes: [a]\ncatalogue:\n  file: none.ndjson\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		kind gazetteer.Kind
		says string
	}{
		absent:  {gazetteer.NotFound, "no such file"},
		dir:     {gazetteer.Invalid, "is a directory"},
		lacking: {gazetteer.Invalid, lacking + ":4: /catalogue/file: the catalogue cannot be read: stat " + filepath.Join(dir, "none.ndjson")},
	} {
		_, err := Load(path)
		if err == nil || gazetteer.KindOf(err) != want.kind || !strings.Contains(err.Error(), want.says) {
			t.Errorf("%s: got %v (%v), want %q", path, err, gazetteer.KindOf(err), want.says)
		}
	}
}

func mistakesOf(t testing.TB, text string) Mistakes {
	t.Helper()
	_, err := Parse("test.yaml", []byte(text))
	var m Mistakes
	if err == nil || !errors.As(err, &m) || gazetteer.KindOf(err) != gazetteer.Invalid {
		t.Fatalf("got %v (%v), want mistakes", err, gazetteer.KindOf(err))
	}
	return m
}
