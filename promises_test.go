package gazetteer_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPromisesHaveTests: every row of the promises names tests, and they exist.
func TestPromisesHaveTests(t *testing.T) {
	h, err := openHouse(".")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("PROMISES.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| under") || strings.HasPrefix(line, "| ---") {
			continue
		}
		rows++
		names := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(line, -1)
		if len(names) == 0 {
			t.Errorf("no test holds %q", line)
		}
		for _, name := range names {
			re := regexp.MustCompile("^" + name[1] + "$")
			if !slices.ContainsFunc(h, func(s source) bool { return s.isTest() && declares(s, re) }) {
				t.Errorf("there is no test %s", name[1])
			}
		}
	}
	if rows < 20 {
		t.Errorf("only %d rows found", rows)
	}
}
