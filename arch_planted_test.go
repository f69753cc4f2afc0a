package gazetteer_test

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// TestRulesBite plants an offence against each rule: a rule that accepts it holds nothing.
// An empty want says that the house accepts the file.
func TestRulesBite(t *testing.T) {
	for _, c := range []struct {
		name, path, text, want string
	}{
		{"vocabulary imports a core", "a.go", `import "gazetteer/ring"`, `a.go imports "ring"`},
		{"core imports a core", "ring/a.go", `import "gazetteer/mst"`, `imports "mst"`},
		{"sibling imports sibling", "region/geo/a.go", `import "gazetteer/region/control"`, `imports "region/control"`},
		{"face imports face", "api/rest/a.go", `import "gazetteer/api/client"`, `imports "api/client"`},
		{"parent imports child", "ring/a.go", `import "gazetteer/ring/memstore"`, `imports "ring/memstore"`},
		{"child imports parent", "ring/memstore/a.go", `import "gazetteer/ring"`, ""},
		{"agent joins control", "region/agent/a.go", `import "gazetteer/region/control"`, ""},
		{"high imports low", "cmd/gazetteer/a.go", `import "gazetteer/api/client"`, ""},
		{"a folder without a floor", "util/a.go", ``, "stands on no floor"},

		{"core imports net/http", "mst/a.go", `import "net/http"`, "import net/http"},
		{"core locks", "ring/a.go", `import "sync"`, "import sync"},
		{"core reads the clock", "cluster/a.go", `import "time"; var t = time.Now()`, "call time.Now"},
		{"core passes the clock on", "ring/a.go", `import "time"; var now = time.Now`, "call time.Now"},
		{"core draws global randomness", "ring/a.go", `import "math/rand/v2"; var n = rand.IntN(3)`, "call rand.IntN"},
		{"core starts a goroutine", "ring/a.go", `func f() { go f() }`, "start a goroutine"},
		{"core uses a channel", "ring/a.go", `func f(c chan int) {}`, "use a channel"},
		{"core counts in durations", "ring/a.go", `import "time"; const d = 3 * time.Second`, ""},
		{"core draws from a seed", "ring/a.go", `import "math/rand/v2"; var r *rand.Rand`, ""},
		{"store does I/O", "ring/badgerstore/a.go", `import "os"`, ""},

		{"second package comment", "ring/a.go", "// Package ring again.\npackage ring", "has a comment in each of"},
		{"second door", "api/rest/a.go", `import "github.com/dgraph-io/badger/v4/y"`, "let one of them be its door"},
		{"comparison with a bare library", "bench/a.go", `import "github.com/dgraph-io/badger/v4"`, ""},
		{"test kit in the product", "cluster/a.go", `import "gazetteer/ring/storetest"`, "is for tests"},
		{"testing in the product", "cluster/a.go", `import "testing"`, "is for tests"},
		{"kruskal in the product", "mst/a.go", `func kruskalTree() {}`, "no central computation"},
		{"union-find in the product", "mst/a.go", `type UnionFind struct{}`, "no central computation"},
		{"a primary is not Prim", "mst/a.go", `type primaryPrimes struct{}`, ""},
		{"init", "api/peer/a.go", `func init() {}`, "hides work"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := c.text
			if !strings.Contains(text, "package ") {
				text = "package p\n" + text
			}
			got := complaintsWith(t, c.path, text)
			hit := slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, c.want) })
			if c.want == "" && len(got) > 0 || c.want != "" && !hit {
				t.Errorf("complaints %q, want one with %q", got, c.want)
			}
		})
	}
}

// complaintsWith returns what all rules say of a small house with one more file.
func complaintsWith(t *testing.T, name, text string) []string {
	t.Helper()
	const comment = "// Package p is of the house.\npackage p\n"
	texts := map[string]string{path.Join(path.Dir(name), "doc.go"): comment}
	texts["ring/badgerstore/doc.go"] = comment + `import _ "github.com/dgraph-io/badger/v4"`
	texts[name] = text
	var h house
	for _, n := range slices.Sorted(maps.Keys(texts)) {
		h = append(h, mustParse(t, n, texts[n]))
	}
	var out []string
	for _, r := range rules {
		out = append(out, r.check(h)...)
	}
	return out
}

func mustParse(t *testing.T, name, text string) source {
	t.Helper()
	s, _, err := parseSource(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
