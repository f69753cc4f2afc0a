package provider

import (
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"gazetteer/api/client"
)

var rewrite = flag.Bool("rewrite", false, "write docs/ anew")

// TestDocs holds that docs/ is what the schemas and the examples say.
func TestDocs(t *testing.T) {
	const dir = "../../docs"
	want, err := Pages(t.Context(), filesIn(t, "../../examples"))
	if err != nil {
		t.Fatal(err)
	}
	if *rewrite {
		write(t, dir, want)
	}
	have := filesIn(t, dir)
	if a, b := slices.Sorted(maps.Keys(have)), slices.Sorted(maps.Keys(want)); !slices.Equal(a, b) {
		t.Fatalf("docs has %q, and %q is wanted; run: go test ./internal/provider -run TestDocs -rewrite", a, b)
	}
	for name := range want {
		if have[name] != want[name] {
			t.Errorf("docs/%s is not what the schema says; run: go test ./internal/provider -run TestDocs -rewrite", name)
		}
	}
}

func write(t *testing.T, dir string, pages map[string]string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for name, text := range pages {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// filesIn reads all files under a folder, by their paths in it.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		out[filepath.ToSlash(path)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestExamples holds that every example is a configuration that terraform takes, down to
// the provider's validators.
func TestExamples(t *testing.T) {
	url := planetOf(t)
	k := clientOf(t, url)
	if _, err := k.PutType(t.Context(), client.Type{Name: "shown"}); err != nil {
		t.Fatal(err)
	}
	// What the example of a lookup asks for.
	if _, err := k.PutLocation(t.Context(), "shown", "debian", client.Location{ID: "l", URL: "https://l.example/"}, client.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, text := range filesIn(t, "../../examples") {
		if !strings.HasSuffix(name, ".tf") || strings.HasPrefix(name, "provider/") {
			continue
		}
		if strings.HasPrefix(name, "data-sources/") {
			text = strings.ReplaceAll(text, `"mirror"`, `"shown"`)
		}
		t.Run(name, func(t *testing.T) { validates(t, configOf(url, text)) })
	}
}

// validates plans a configuration.
func validates(t *testing.T, config string) {
	play(t, nil, resource.TestStep{Config: config, PlanOnly: true, ExpectNonEmptyPlan: strings.Contains(config, "resource \"") || strings.Contains(config, "output \"")})
}
