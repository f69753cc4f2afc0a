package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// TestMSTOf32Regions: the real mesh gives the known tree and about the known number of
// messages, with and without losses.
func TestMSTOf32Regions(t *testing.T) {
	for _, args := range []string{"", "--seed 9", "--loss 0.1"} {
		line := "mst --graph ../../simulation/ghs/testdata/aws-32.json " + args
		code, out, bad := runLine(t, line, "")
		if code != exitOK {
			t.Fatalf("%s: exit %d, %s", line, code, bad)
		}
		var r struct {
			Tree             [][2]string
			Weight, Messages int
			ByKind           map[string]int `json:"by_kind"`
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, n := range r.ByKind {
			sum += n
		}
		if len(r.Tree) != 31 || r.Weight != 1_107_902 || r.Messages < 1420 || r.Messages > 1480 || sum != r.Messages {
			t.Errorf("%s: %d edges of weight %d, %d messages, %d by kind", line, len(r.Tree), r.Weight, r.Messages, sum)
		}
	}
}

// TestMSTExitCodes: a command line that is wrong is not a graph that is wrong.
func TestMSTExitCodes(t *testing.T) {
	for line, want := range map[string]int{
		"mst":                     exitUsage,
		"mst --graph - --loss 1":  exitUsage,
		"mst --graph - --seed x":  exitUsage,
		"mst --graph no/such.txt": exitError,
		"mst --graph -":           exitError,
	} {
		code, out, bad := runLine(t, line, `{"nodes": ["a"], "edges": [["a", "a", 1]]}`)
		if code != want || out != "" || bad == "" {
			t.Errorf("%s: exit %d with %q and %q, want exit %d and only an error", line, code, out, bad, want)
		}
	}
}

func runLine(t *testing.T, line, in string) (code int, out, bad string) {
	t.Helper()
	var o, e bytes.Buffer
	c := console{in: strings.NewReader(in), out: &o, err: &e, env: func(string) string { return "" }}
	code = run(t.Context(), c, strings.Fields(line))
	return code, o.String(), e.String()
}
