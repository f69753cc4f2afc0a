package report_test

import (
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
	mustBeTheFile(t, "testdata/planet.svg", got)
}
