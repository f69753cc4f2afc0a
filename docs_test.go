package gazetteer_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocumentedCommands holds every "go test" line of the documents and of .ci/run
// against the tests: its folders, the tests that -run, -fuzz and -bench name, and its
// flags exist.
func TestDocumentedCommands(t *testing.T) {
	h, err := openHouse(".")
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, file := range documents(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range regexp.MustCompile("go test [^`#\"\n]*").FindAllString(string(text), -1) {
			commands++
			for _, complaint := range complaintsOf(h, readCommand(c)) {
				t.Errorf("%s: %q: %s", file, strings.TrimSpace(c), complaint)
			}
		}
	}
	if commands < 10 {
		t.Errorf("only %d commands found", commands)
	}
}

func documents(t *testing.T) []string {
	t.Helper()
	files := []string{".ci/run"}
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(p, ".md") {
			files = append(files, filepath.ToSlash(p))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// A command is what "go test" is asked for.
type command struct {
	folders []string // "..." and patterns that end with it stand for all below
	names   []string // patterns of -run, -fuzz and -bench
	flags   []string // of the test binary
}

// ofGo are the flags of "go test" itself that documents use, and whether a value follows.
var ofGo = map[string]bool{
	"run": true, "fuzz": true, "bench": true, "fuzztime": true, "benchtime": true, "count": true, "timeout": true,
	"v": false, "race": false, "short": false, "args": false, "help": false,
}

func readCommand(line string) (c command) {
	words := strings.Fields(line)[2:]
	for i := 0; i < len(words); i++ {
		name, isFlag := strings.CutPrefix(words[i], "-")
		name, _, _ = strings.Cut(name, "=")
		takes, known := ofGo[name]
		switch {
		case strings.HasPrefix(words[i], "./"):
			c.folders = append(c.folders, strings.TrimPrefix(words[i], "./"))
		case isFlag && !known:
			c.flags = append(c.flags, name)
		case takes && i+1 < len(words):
			i++
			if name == "run" || name == "fuzz" || name == "bench" {
				c.names = append(c.names, strings.Trim(words[i], "'"))
			}
		}
	}
	return c
}

func complaintsOf(h house, c command) (complaints []string) {
	var tests []source
	for _, folder := range c.folders {
		found := slices.DeleteFunc(slices.Clone(h), func(s source) bool { return !s.isTest() || !within(s.folder, folder) })
		if len(found) == 0 {
			complaints = append(complaints, "there are no tests in "+folder)
		}
		tests = append(tests, found...)
	}
	for _, pattern := range c.names {
		re, err := regexp.Compile(pattern)
		if pattern != "xxx" && (err != nil || !slices.ContainsFunc(tests, func(s source) bool { return declares(s, re) })) {
			complaints = append(complaints, "no test is named "+pattern)
		}
	}
	for _, name := range c.flags {
		if !slices.ContainsFunc(tests, func(s source) bool { return definesFlag(s, name) }) {
			complaints = append(complaints, "there is no flag -"+name)
		}
	}
	return complaints
}

func within(folder, pattern string) bool {
	if above, all := strings.CutSuffix(pattern, "..."); all {
		return strings.HasPrefix(folder+"/", above)
	}
	return folder == path.Clean(pattern)
}

// declares reports whether a file has a test, fuzz test or benchmark that go test finds
// by a pattern. A benchmark's pattern is held against its whole name, too.
func declares(s source, pattern *regexp.Regexp) bool {
	return slices.ContainsFunc(textOf(s, `(?m)^func ((?:Test|Fuzz|Benchmark)\w*)\(`), pattern.MatchString)
}

func definesFlag(s source, name string) bool {
	return slices.Contains(textOf(s, `\bflag\.\w+\("([\w-]+)"`), name)
}

// textOf returns the first group of all matches in a file's text.
func textOf(s source, pattern string) (all []string) {
	text, err := os.ReadFile(filepath.FromSlash(s.path()))
	if err != nil {
		return nil
	}
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		all = append(all, m[1])
	}
	return all
}

func TestDocumentedCommandsThatAreWrong(t *testing.T) {
	h, err := openHouse(".")
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"go test ./nowhere":                          "there are no tests in nowhere",
		"go test ./ring -run TestNothingLikeThis":    "no test is named TestNothingLikeThis",
		"go test ./ring -fuzz FuzzNothing -v":        "no test is named FuzzNothing",
		"go test ./ring -run TestMutants -mutations": "there is no flag -mutations",
	} {
		if got := complaintsOf(h, readCommand(line)); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
