package scenarios

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"gazetteer/simulation/scenario"
)

// The README names every scenario, and its example is one.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Names() {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("the README does not name %s", name)
		}
	}
	examples := regexp.MustCompile("(?s)```yaml\n(regions:.*?)```").FindAllSubmatch(text, -1)
	if len(examples) != 1 {
		t.Fatalf("%d examples", len(examples))
	}
	if _, err := scenario.Parse("README.md", examples[0][1]); err != nil {
		t.Error(err)
	}
}
