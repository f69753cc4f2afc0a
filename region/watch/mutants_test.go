package watch_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var mutantsFlag = flag.Bool("mutants", false, "plant every mutant: compiles this package once for each")

// mutants are mistakes that the model has to see.
var mutants = []struct{ name, file, old, new string }{
	{"scan-below-the-log", "watch.go", "From{Index: uint32(i), Cover: cover[i]}", "From{Index: uint32(i)}"},
	{"cursor-of-the-feed", "watch.go", "w.show([]*Entry{{Kind: Bookmark, Vectors: w.shown}})", "w.show([]*Entry{{Kind: Bookmark, Vectors: w.feed.vectors}})"},
	{"older-value-behind-a-scan", "watch.go", "return !is || e.Update.Stamp.Compare(shown) > 0", "_, _ = is, shown\n\treturn true"},
	{"behind-and-does-not-know", "watch.go", "if w.at < p.base || len(w.ahead) > aheadMax {\n\t\treturn nil, errBehind\n\t}", "w.at = max(w.at, c.base)"},
	{"broken-stream-begins-at-the-end", "feed.go", "Tail: !f.known[i], Vector: f.vectors[i]", "Tail: true"},
	{"marks-before-updates", "feed.go", "\tfor i := range b.Marks {\n\t\tf.mark(&b.Marks[i])\n\t}\n", "\tfor i := range b.Marks {\n\t\tf.mark(&b.Marks[i])\n\t}\n\tb.Updates = nil\n"},
}

// TestMutants plants them: their text still fits in every run, and with -mutants each has
// to make the model's test fail.
func TestMutants(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			text, err := os.ReadFile(m.file)
			if err != nil || strings.Count(string(text), m.old) != 1 {
				t.Fatalf("%q does not stand once in %s: %v", m.old, m.file, err)
			}
			if !*mutantsFlag {
				return
			}
			overlay := plant(t, m.file, strings.Replace(string(text), m.old, m.new, 1))
			out, err := exec.Command("go", "test", "-overlay", overlay, "-run", "EqualAModel", ".").CombinedOutput()
			if err == nil {
				t.Error("it lives")
			}
			if !strings.Contains(string(out), "--- FAIL: TestWatchesEqualAModel") {
				t.Errorf("it does not die by the model: %s", out)
			}
		})
	}
}

// plant returns an overlay in which a file has another text.
func plant(t *testing.T, file, text string) string {
	t.Helper()
	dir := t.TempDir()
	mutated, overlay := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json")
	here, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {here: mutated}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{mutated: text, overlay: string(list)} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return overlay
}
