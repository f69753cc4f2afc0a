package result_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gazetteer"
	"gazetteer/simulation/result"
)

// TestReadRefuses: what is no result is named with its file, and the line where it can be.
func TestReadRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"broken":        {"{\n\"version\": 1,\n\"seed\": ,\n}", "line 3"},
		"cut":           {"{\n\"version\": 1,\n", "line 3"},
		"wrong type":    {"{\"version\": 1,\n\"seed\": \"one\"}", "line 2"},
		"no version":    {"{\"seed\": 1}", "version is 0"},
		"other version": {"{\"version\": 99}", "version is 99, and only 1"},
		"other type":    {"[]", "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), result.RunFile)
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := result.Read(filepath.Dir(path))
			if gazetteer.KindOf(err) != gazetteer.Invalid || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want an invalid %s with %q", err, path, c.want)
			}
		})
	}
}
