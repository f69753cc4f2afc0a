package main

import (
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"gazetteer"
	"gazetteer/api/client"
	"gazetteer/api/rest"
	"gazetteer/api/rest/resttest"
	"gazetteer/cluster"
	"gazetteer/region"
)

// counting is a region that has been asked a little, and is asked no more.
type counting struct{ *resttest.Regional }

func (counting) Status() region.Status {
	return region.Status{Demand: []region.Demand{{Type: "msak", Reads: 3}, {Type: "ndt", Reads: 700, Writes: 5}}}
}

// serveOperator serves a region in memory until the end of a test, and returns its URL.
func serveOperator(o region.Operator, cleanup func(func())) (string, error) {
	h, err := rest.New(rest.Config{Regional: counting{resttest.New("ndt", "msak")}, Operator: o})
	if err != nil {
		return "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s := rest.Server("", h)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	cleanup(func() { s.Close(); <-done })
	return "http://" + l.Addr().String(), nil
}

// TestOperatorScripts runs testdata/operator. Each script has a planet of its own, a process
// that is part of none at $ALONE, and a region without a leader at $LEADERLESS.
func TestOperatorScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/operator",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			own, leaderless := resttest.NewOperator(), resttest.NewOperator()
			own.SetHTTP("n2", "127.0.0.1:1")
			leaderless.Down = &gazetteer.Error{Op: "test", Kind: gazetteer.Unavailable, Detail: "the region has no leader now"}
			for name, o := range map[string]region.Operator{"GAZETTEER_ADDR": own, "ALONE": nil, "LEADERLESS": leaderless} {
				addr, err := serveOperator(o, e.Defer)
				if err != nil {
					return err
				}
				e.Setenv(name, addr)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// TestAdmissionsNameFlagsThatThereAre: what is printed to be typed is understood.
func TestAdmissionsNameFlagsThatThereAre(t *testing.T) {
	addr, err := serveOperator(resttest.NewOperator(), t.Cleanup)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^  gazetteer (server .*)$`)
	for _, command := range []string{"region add r4", "member token", "member token --role replica --uses 3"} {
		m := line.FindStringSubmatch(mustRun(t, command+" --addr "+addr))
		if m == nil {
			t.Errorf("%s prints no command line", command)
			continue
		}
		checkCommandLine(t, m[1])
	}
}

// TestShellWords: what is printed to be typed is read by a shell as it was meant.
func TestShellWords(t *testing.T) {
	for word, want := range map[string]string{
		"gzj-abc_1.2": "gzj-abc_1.2", "[2001:db8::1]:7070": "'[2001:db8::1]:7070'", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$(rm)": "'$(rm)'", "a;b": "'a;b'", "~": "'~'",
	} {
		if got := shellWord(word); got != want {
			t.Errorf("%q is written %s, want %s", word, got, want)
		}
	}
}

// TestRates: by the server's own clock, and anew for one that has started again.
func TestRates(t *testing.T) {
	before := &counts{UptimeSeconds: 100, Demand: []typeDemand{{"a", 1000, 10}}}
	for name, c := range map[string]struct {
		after counts
		want  map[string]typeDemand
	}{
		"goes on":      {counts{UptimeSeconds: 104, Demand: []typeDemand{{"a", 1400, 12}, {"b", 4, 0}}}, map[string]typeDemand{"a": {"a", 100, 0.5}, "b": {"b", 1, 0}}},
		"began anew":   {counts{UptimeSeconds: 2, Demand: []typeDemand{{"a", 30, 0}}}, map[string]typeDemand{"a": {"a", 15, 0}}},
		"is not asked": {counts{UptimeSeconds: 104, Demand: []typeDemand{{"a", 1000, 10}}}, map[string]typeDemand{"a": {"a", 0, 0}}},
	} {
		got := c.after.since(before)
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		for k, want := range c.want {
			if got[k] != want {
				t.Errorf("%s: %v, want %v", name, got[k], want)
			}
		}
	}
}

// TestAdviceInFull: the figures, the formula with them, and the commands to follow it by,
// with idle replicas first.
func TestAdviceInFull(t *testing.T) {
	clusters := []client.Cluster{
		{Type: "default", Rings: []client.Ring{{Name: "ring-1", Members: []string{"a", "b", "c"}, Partitions: 136}, {Name: "ring-2", Members: []string{"d", "e"}, Partitions: 135}}, Moving: 4, Pending: 9},
		{Type: "ndt", Rings: []client.Ring{{Name: "ring-1", Members: []string{"a", "b", "c"}, Partitions: 271}}},
		{Type: "quiet", Rings: []client.Ring{{Name: "q-1", Members: []string{"f"}, Partitions: 100}, {Name: "q-2", Members: []string{"g"}, Partitions: 171}}},
	}
	members := []client.Member{
		{Node: "a", State: "live", Roles: []string{"replica"}, Rings: []string{"ring-1"}},
		{Node: "h", State: "live", Roles: []string{"replica"}}, {Node: "i", State: "live", Roles: []string{"cluster", "replica"}},
		{Node: "j", State: "dead", Roles: []string{"replica"}}, {Node: "k", State: "live", Roles: []string{"region"}},
	}
	s := &observed{took: 5 * time.Second, servers: []string{"a", "k"}, unreached: []string{"b"}, demand: map[string]typeDemand{
		"ndt": {"ndt", 3000, 60}, "msak": {"msak", 2000, 0}, "other": {"other", 500, 10}, "quiet": {"quiet", 1, 0},
	}}
	r := reckon(clusters, members, s, cluster.Capacity{Reads: 1000, Writes: 100})
	var out strings.Builder
	if err := (&app{console: console{out: &out}}).printAdvice(r); err != nil {
		t.Fatal(err)
	}
	const want = `counted for 5s at a, k
not counted, since there is no answer from it: b

CLUSTER  RINGS  MEMBERS  PARTITIONS  READS/S  WRITES/S  LOAD  FULLEST  ADVISED
default  2      2        271         2500.0   10.0      1.35  0.84     2
ndt      1      3        271         3000.0   60.0      1.60  1.60     2
quiet    2      1        271         1.0      0.0       0.00  0.00     1

default: 2500.0 / (2 x 1000) + 10.0 / 100 = 1.35
  it shares rings with ndt: what they carry adds up
  13 partitions are not yet where they are to go: ask again when they are

ndt: 3000.0 / (3 x 1000) + 60.0 / 100 = 1.60
  it shares rings with default: what they carry adds up
  replicas that are still needed, 1: gazetteer member token --role cluster --role replica --uses 1
  gazetteer ring add NAME --type ndt --member h --member i --member NODE

quiet: 1.0 / (1 x 1000) + 0.0 / 100 = 0.00
  1 would do for this demand; if it never is more: gazetteer ring remove NAME --type quiet
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// TestDotIsWellFormed reads what graphviz is given by the part of its grammar that is used:
// statements of quoted names, with attributes that are names or quoted.
func TestDotIsWellFormed(t *testing.T) {
	planet := &client.Topology{
		Epoch: "7.r2", WeightMS: 1.5,
		Regions: []client.Placed{{Name: `strange "name"\`, State: "live"}, {Name: "new\nline\x1b", State: "unreachable"}},
		Edges:   []client.Edge{{A: `strange "name"\`, B: "new\nline\x1b", CostMS: 1.5, Tree: true}, {A: "x", B: "y"}},
	}
	const (
		quoted    = `"(?:[^"\\\n]|\\["\\])*"`
		attribute = `\w+=(?:` + quoted + `|\w+)`
		list      = `(?: \[` + attribute + `(?:, ` + attribute + `)*\])?`
		statement = `  (?:` + attribute + `|node` + list + `|` + quoted + list + `|` + quoted + ` -- ` + quoted + list + `);\n`
	)
	whole := regexp.MustCompile(`^graph planet \{\n(?:` + statement + `)*\}\n$`)
	for _, all := range []bool{false, true} {
		text := dot(planet, all)
		if !whole.MatchString(text) || strings.Contains(text, "\x1b") {
			t.Errorf("this is not the DOT language:\n%s", text)
		}
		if strings.Contains(text, "dotted") != all {
			t.Errorf("all=%v:\n%s", all, text)
		}
	}
}
