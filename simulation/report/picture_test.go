package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gazetteer/simulation/result"
)

var update = flag.Bool("update", false, "write the picture of the README anew")

// TestPictureOfTheReadme: the tree of all bundled regions, as GHS finds it. The README
// shows this file.
func TestPictureOfTheReadme(t *testing.T) {
	m, folder := known(t, nil), t.TempDir()
	r := m.run(t)
	r.Edges = slices.DeleteFunc(r.Edges, func(e result.Edge) bool { return !e.Tree })
	finish(t, folder, r)
	dir, _ := draw(t, "picture", folder)
	got, err := os.ReadFile(filepath.Join(dir, "run-1-map.svg"))
	if err != nil {
		t.Fatal(err)
	}
	const path = "testdata/planet.svg"
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what is drawn today (%v); look at it and run with -update", path, err)
	}
}
