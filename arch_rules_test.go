package gazetteer_test

import (
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// A rule of the house returns one complaint for each offence: what is wrong, where, and
// what to do.
type rule struct {
	name  string
	check func(house) []string
}

var rules = []rule{
	{"imports point down", importsPointDown},
	{"cores are pure", coresArePure},
	{"one package comment", onePackageComment},
	{"one door per module", oneDoorPerModule},
	{"no test code in the product", noTestCodeInProduct},
	{"no central tree", noCentralTree},
	{"no init functions", noInit},
}

// floors are the top folders, lowest first: a package imports what stands on a lower
// floor than its own.
var floors = [][]string{
	{""},
	{"pb", "yamltree", "internal"},
	{"ring", "mst"},
	{"cluster"},
	{"region"},
	{"api", "terraform"},
	{"simulation"},
	{"cmd", "bench"},
}

// joins are the imports inside one top folder beyond "a child imports its parent".
var joins = map[string][]string{
	"region":        {"region/geo", "region/health", "region/watch"},                   // a regional server ranks, knows how types are checked, and merges what changes
	"region/planet": {"region/control"},                                                // follows the plan, and has it changed
	"region/agent":  {"region/geo", "region/control", "region/health", "region/watch"}, // composes the parts of one process
	"region/demand": {"region/control"},                                                // has the plan changed
	"api/rest":      {"api/rest/jsontext", "api/rest/problem"},
	"api/router":    {"api/rest/problem"},                      // what it refuses reads like a regional server's answer
	"api/client":    {"api/rest/jsontext", "api/rest/problem"}, // what the server writes the client reads
	"cmd/gazetteer": {"cmd/gazetteer/sample"},                  // the demo loads it

	// Simulation: the file, what happens, what it leaves behind, what is drawn of it.
	"simulation/ghs":       {"simulation/agenda"},
	"simulation/scenario":  {"simulation/aws"},
	"simulation/scenarios": {"simulation/scenario"},
	"simulation/world":     {"simulation/agenda", "simulation/aws", "simulation/scenario", "simulation/result"},
	"simulation/fleet":     {"simulation/agenda", "simulation/scenario", "simulation/result"},
	"simulation/virtual":   {"simulation/agenda", "simulation/scenario", "simulation/world", "simulation/fleet", "simulation/result"},
	"simulation/processes": {"simulation/scenario", "simulation/fleet", "simulation/result", "simulation/aws"},
	"simulation/report":    {"simulation/result"},

	// The experiment on EC2, a module of its own; it keeps the house's rules.
	"simulation/ec2":                   {"simulation/aws", "simulation/scenario", "simulation/processes", "simulation/fleet", "simulation/result"},
	"simulation/ec2/fake":              {"simulation/processes", "simulation/fleet", "simulation/result", "simulation/scenario"},
	"simulation/ec2/cmd/gazetteer-ec2": {"cmd/gazetteer/sample"},

	"simulation/whatif": {"simulation/ghs", "simulation/aws", "simulation/scenario", "simulation/result"},
}

// doubles may import a module that has its door elsewhere: the benchmark compares the
// product with bare libraries.
var doubles = []string{"bench"}

// outsiders of a core's folder do its I/O, or are no core: they implement or test what
// the core declares.
var outsiders = []string{"ring/memstore", "ring/badgerstore", "ring/storetest"}

const module = "gazetteer"

// local returns the folder of an import of this module.
func local(imported string) (folder string, ok bool) {
	if imported == module {
		return "", true
	}
	return strings.CutPrefix(imported, module+"/")
}

// topOf returns a folder's top. The commands of a nested module stand where commands do.
func topOf(folder string) string {
	if strings.Contains(folder, "/cmd/") {
		return "cmd"
	}
	top, _, _ := strings.Cut(folder, "/")
	return top
}

func floorOf(folder string) int {
	return slices.IndexFunc(floors, func(f []string) bool { return slices.Contains(f, topOf(folder)) })
}

func importsPointDown(h house) (complaints []string) {
	for _, s := range h.product() {
		if floorOf(s.folder) < 0 {
			complaints = append(complaints, fmt.Sprintf("%s: folder %q stands on no floor; name it in floors", s.path(), topOf(s.folder)))
			continue
		}
		for _, i := range s.imports() {
			if to, ok := local(i); ok && !mayImport(s.folder, to) {
				complaints = append(complaints, fmt.Sprintf("%s imports %q, which does not stand below it; declare the interface you need and let a higher floor join the two", s.path(), to))
			}
		}
	}
	return complaints
}

func mayImport(from, to string) bool {
	if topOf(from) != topOf(to) {
		return floorOf(to) < floorOf(from)
	}
	return strings.HasPrefix(from, to+"/") || slices.Contains(joins[from], to)
}

// banned are packages that a core does not import, with all below them.
var banned = []string{"net", "os", "sync", "context", "log", "math/rand", "syscall", "io/fs"}

// clockReaders are the functions of package time that read or await the clock.
var clockReaders = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}

// seeded are what a core may use of math/rand/v2: the rest draws from a global source.
var seeded = []string{"Rand", "New", "Source", "PCG", "NewPCG", "ChaCha8", "NewChaCha8"}

func coresArePure(h house) (complaints []string) {
	for _, s := range h.product() {
		if !isCore(s.folder) {
			continue
		}
		for _, what := range append(bannedImports(s), impureSyntax(s)...) {
			complaints = append(complaints, fmt.Sprintf("%s: a core must not %s; take it as a message and return the effect in Ready", s.path(), what))
		}
	}
	return complaints
}

func isCore(folder string) bool {
	return slices.Contains([]string{"ring", "mst", "cluster"}, topOf(folder)) && !slices.Contains(outsiders, folder)
}

func bannedImports(s source) (whats []string) {
	for _, i := range s.imports() {
		for _, b := range banned {
			below := strings.HasPrefix(i, b+"/") && i != "math/rand/v2"
			if i == b || below {
				whats = append(whats, "import "+i)
			}
		}
	}
	return whats
}

func impureSyntax(s source) (whats []string) {
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			whats = append(whats, "start a goroutine")
		case *ast.ChanType:
			whats = append(whats, "use a channel")
		case *ast.SelectorExpr:
			if what := impureSelector(n); what != "" {
				whats = append(whats, what)
			}
		}
		return true
	})
	return whats
}

func impureSelector(n *ast.SelectorExpr) string {
	pkg, ok := n.X.(*ast.Ident)
	switch {
	case !ok:
		return ""
	case pkg.Name == "time" && slices.Contains(clockReaders, n.Sel.Name):
		return "call time." + n.Sel.Name
	case pkg.Name == "rand" && !slices.Contains(seeded, n.Sel.Name):
		return "call rand." + n.Sel.Name + ", which draws from a global source"
	}
	return ""
}

func onePackageComment(h house) (complaints []string) {
	comments := map[string][]string{}
	for _, s := range h.product() {
		found := comments[s.folder]
		if s.syntax.Doc != nil {
			found = append(found, s.name)
		}
		comments[s.folder] = found
	}
	for _, folder := range slices.Sorted(maps.Keys(comments)) {
		switch files := comments[folder]; {
		case len(files) == 0:
			complaints = append(complaints, fmt.Sprintf("package %q has no comment; say in one file what it is for", folder))
		case len(files) > 1:
			complaints = append(complaints, fmt.Sprintf("package %q has a comment in each of %v; keep one", folder, files))
		}
	}
	return complaints
}

func oneDoorPerModule(h house) (complaints []string) {
	doors := map[string]map[string]bool{}
	for _, s := range h.product() {
		for _, i := range s.imports() {
			m := moduleOf(i)
			if m == "" || slices.Contains(doubles, topOf(s.folder)) || isTestKit(s.folder) {
				continue
			}
			if doors[m] == nil {
				doors[m] = map[string]bool{}
			}
			doors[m][s.folder] = true
		}
	}
	for _, m := range slices.Sorted(maps.Keys(doors)) {
		if folders := slices.Sorted(maps.Keys(doors[m])); len(folders) > 1 {
			complaints = append(complaints, fmt.Sprintf("%s is imported by %q; let one of them be its door and give the others what they need of it", m, folders))
		}
	}
	return complaints
}

// moduleOf returns the third-party module of an import, "" for the standard library and
// this module. Two paths of one repository are one module.
func moduleOf(imported string) string {
	parts := strings.Split(imported, "/")
	switch {
	case !strings.Contains(parts[0], "."):
		return ""
	case parts[0] == "github.com" || parts[0] == "golang.org":
		return strings.Join(parts[:min(3, len(parts))], "/")
	}
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// isTestKit reports whether a package exists for tests only, like net/http/httptest.
func isTestKit(folder string) bool {
	return strings.HasSuffix(folder, "test")
}

// testOnly are packages that only test code imports.
var testOnly = []string{"testing", "github.com/rogpeppe/go-internal", "go.uber.org/goleak", "pgregory.net/rapid"}

func noTestCodeInProduct(h house) (complaints []string) {
	for _, s := range h.product() {
		if isTestKit(s.folder) {
			continue
		}
		for _, i := range s.imports() {
			folder, ours := local(i)
			if (ours && isTestKit(folder)) || isTestOnly(i) {
				complaints = append(complaints, fmt.Sprintf("%s imports %s, which is for tests; move the code to a _test.go file", s.path(), i))
			}
		}
	}
	return complaints
}

func isTestOnly(imported string) bool {
	return slices.ContainsFunc(testOnly, func(p string) bool {
		return imported == p || strings.HasPrefix(imported, p+"/")
	})
}

// central are words of the algorithms that see the whole graph. The product builds its
// tree without one; tests use them as the oracle.
var central = []string{"kruskal", "prim", "unionfind", "disjointset"}

func noCentralTree(h house) (complaints []string) {
	for _, s := range h.product() {
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && namesCentral(id.Name) {
				complaints = append(complaints, fmt.Sprintf("%s: %s: no central computation of the tree outside tests", s.path(), id.Name))
			}
			return true
		})
	}
	return complaints
}

// namesCentral compares whole words of an identifier: "prim" is not in "primary".
func namesCentral(identifier string) bool {
	words := wordsOf(identifier)
	for i, w := range words {
		pair := w
		if i+1 < len(words) {
			pair += words[i+1]
		}
		if slices.Contains(central, w) || slices.Contains(central, pair) {
			return true
		}
	}
	return false
}

func wordsOf(identifier string) []string {
	var b strings.Builder
	for _, r := range identifier {
		if unicode.IsUpper(r) || r == '_' {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.FieldsFunc(b.String(), func(r rune) bool { return r == ' ' || r == '_' })
}

func noInit(h house) (complaints []string) {
	for _, s := range h {
		if ast.IsGenerated(s.syntax) {
			continue
		}
		for _, d := range s.syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				complaints = append(complaints, s.path()+": func init hides work from its caller; make it a constructor")
			}
		}
	}
	return complaints
}
