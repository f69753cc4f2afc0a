package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestWatchCommands: gazetteer watch prints what there is and what happens, and goes on
// from a cursor; resolve --watch prints another answer when the health of the first has
// changed. Both end in order with Ctrl-C.
func TestWatchCommands(t *testing.T) {
	_, url := startServer(t, "--data", filepath.Join(t.TempDir(), "data"))
	on := " --addr " + url
	mustRun(t, "types put shelf"+on)
	mustRun(t, "put shelf r1 near --url https://near.example/ --lat 1 --lon 1 --ttl 3s"+on)
	mustRun(t, "put shelf r1 far --url https://far.example/ --lat 60 --lon 60"+on)
	answer := startChild(t, "resolve", "shelf", "r1", "--lat", "1", "--lon", "1", "--limit", "1", "--watch", "--addr", url)
	answer.out.wait(t, `near +https://near|near .*https://near`)

	all := startChild(t, "watch", "shelf", "--addr", url)
	all.out.wait(t, `snapshot r1 near https://near\.example/`)
	cursor := all.out.wait(t, `bookmark (\S+)`)
	mustRun(t, "put shelf r2 one --url https://one.example/"+on)
	all.out.wait(t, `put r2 one https://one\.example/`)
	mustRun(t, "rm shelf r2"+on)
	all.out.wait(t, `delete r2 one`)
	if code := all.end(t, os.Interrupt); code != exitOK {
		t.Errorf("watch ends with %d", code)
	}
	again := startChild(t, "watch", "shelf", "--from", cursor, "-o", "json", "--addr", url)
	again.out.wait(t, `"event":"delete","id":"r2"`)
	if regexp.MustCompile(`reset|snapshot`).MatchString(again.out.String()) {
		t.Errorf("from its cursor it begins anew:\n%s", again.out.String())
	}
	answer.out.wait(t, `(?s)near.*\bfar .*https://far`)
	if code := answer.end(t, os.Interrupt); code != exitOK {
		t.Errorf("resolve --watch ends with %d", code)
	}
}
