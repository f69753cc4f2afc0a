package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fenced returns the lines of a document's code blocks.
func fenced(text string) (lines []string) {
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			inside = !inside
		} else if inside {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestReadmeDemo runs the README's first command and then the lines that it prints: each
// is answered with what the demo says of it.
func TestReadmeDemo(t *testing.T) {
	const command = "go run ./cmd/gazetteer demo"
	var args []string
	for _, line := range fenced(readme(t)) {
		if line == command {
			args = strings.Fields(strings.TrimPrefix(command, "go run ./cmd/gazetteer"))
		}
	}
	if args == nil {
		t.Fatalf("the README does not have the line %q", command)
	}
	demo := startChild(t, append(args, "--http", "127.0.0.1:0")...)
	demo.out.wait(t, "Ctrl-C ends it")
	printed := regexp.MustCompile(`(?m)^ *curl -s '(http://\S+)'\n *# best: (\S+) in ([A-Z]{2}), (\S+) km away$`).FindAllStringSubmatch(demo.out.String(), -1)
	if len(printed) != 3 {
		t.Fatalf("%d curl lines with an answer, want 3:\n%s", len(printed), demo.out.String())
	}
	for i, want := range []struct{ country, site, method string }{
		{"GB", "lhr", "stated-ip"}, {"AU", "syd", "stated-point"}, {"GB", "lhr", "stated-ip"},
	} {
		a := fetch(t, printed[i][1])
		if len(a.Locations) == 0 || a.Locations[0].Country != want.country || !strings.Contains(a.Locations[0].ID, "-"+want.site) || a.Client.Method != want.method {
			t.Errorf("%s: %+v, want one of %s in %s", printed[i][1], a, want.site, want.country)
		}
		if best := a.Locations[0]; best.Country != printed[i][3] || kilometres(best.DistanceKM) != printed[i][4] {
			t.Errorf("%s: best is %s, the demo printed %v", printed[i][1], best.ID, printed[i][2:])
		}
	}
	if e := fetch(t, printed[2][1]).Explain; e == nil || len(e.Hops) < 3 || len(e.Candidates) != 9 {
		t.Errorf("the explanation is %+v, want all hops and 9 candidates", e)
	}
	if code := demo.end(t, os.Interrupt); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// fetch does what curl does.
func fetch(t *testing.T, url string) (a client.Answer) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s, %v", url, r.Status, text, err)
	}
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestReadmeTestCommand: the second command is the one that .ci/run runs.
func TestReadmeTestCommand(t *testing.T) {
	ci, err := os.ReadFile("../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	const command = "go test ./..."
	for name, text := range map[string]string{"README.md": strings.Join(fenced(readme(t)), "\n"), ".ci/run": string(ci)} {
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(command) + `$`).MatchString(text) {
			t.Errorf("%s does not have the line %q", name, command)
		}
	}
}

// TestReadmeKnowsTheCommands checks every command line and every flag that the README
// names against the program.
func TestReadmeKnowsTheCommands(t *testing.T) {
	lines := regexp.MustCompile("`gazetteer ([^`]+)`").FindAllStringSubmatch(readme(t), -1)
	for _, line := range fenced(readme(t)) {
		if rest, ok := strings.CutPrefix(line, "gazetteer "); ok {
			lines = append(lines, []string{line, rest})
		}
	}
	if len(lines) < 10 {
		t.Fatalf("only %d command lines found", len(lines))
	}
	for _, line := range lines {
		checkCommandLine(t, line[1])
	}
}

func checkCommandLine(t *testing.T, line string) {
	t.Helper()
	a := &app{console: console{env: func(string) string { return "" }, out: io.Discard, err: io.Discard}, output: formatTable}
	root := a.root()
	root.InitDefaultCompletionCmd("complete")
	words := strings.Fields(line)
	c, args, err := root.Find(words)
	if err != nil || c == root {
		t.Errorf("gazetteer %s: no such command: %v", line, err)
		return
	}
	if c.Name() == "completion" {
		return
	}
	if err := c.ParseFlags(args); err != nil {
		t.Errorf("gazetteer %s: %v", line, err)
	}
	checkRow(t, c, line)
}

// checkRow checks the flags that the rest of a table row names.
func checkRow(t *testing.T, c *cobra.Command, line string) {
	t.Helper()
	for row := range strings.Lines(readme(t)) {
		if !strings.HasPrefix(row, "| `gazetteer "+line) {
			continue
		}
		for _, flag := range regexp.MustCompile("--([a-z-]+)").FindAllStringSubmatch(row, -1) {
			if c.Flag(flag[1]) == nil {
				t.Errorf("README: gazetteer %s has no flag --%s", c.Name(), flag[1])
			}
		}
	}
}
