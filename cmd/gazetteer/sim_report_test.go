package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gazetteer/simulation/result"
)

func TestSimReport(t *testing.T) {
	parent := t.TempDir()
	run, out := filepath.Join(parent, "run"), filepath.Join(parent, "out")
	r := result.Run{Scenario: "paper", Mode: result.Virtual, Seed: 11}
	f, err := result.Create(run, r)
	if err == nil {
		err = f.Finish(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	code, said, bad := runLine(t, "sim report "+run+" --out "+out, "")
	page := filepath.Join(out, "index.html")
	if code != exitOK || said != page+"\n" {
		t.Fatalf("exit %d, %q, %s; want the page's path", code, said, bad)
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "paper") {
		t.Errorf("%v; or the page does not name its scenario", err)
	}
	if code, said, _ := runLine(t, "sim report -o json "+run+" --out "+out, ""); code != exitOK || !strings.Contains(said, `"page": "`+page) {
		t.Errorf("exit %d, %q; want JSON with the page's path", code, said)
	}
}

func TestSimReportExitCodes(t *testing.T) {
	for line, want := range map[string]int{
		"sim report":                exitUsage,
		"sim report no/such":        exitNotFound,
		"sim report " + t.TempDir(): exitError,
	} {
		if code, out, bad := runLine(t, line, ""); code != want || out != "" || bad == "" {
			t.Errorf("%s: exit %d with %q and %q, want exit %d and only an error", line, code, out, bad, want)
		}
	}
}
