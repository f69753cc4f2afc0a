package main

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/simulation/aws"
	"gazetteer/simulation/processes"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// simOut keeps what a long run has measured.
var simOut = flag.String("sim-out", "", "folder in which the long run of processes leaves its result")

// smallScenario is three regions near one another, one of which has a ring of three: some
// seconds of load.
func smallScenario() *scenario.Scenario {
	s := &scenario.Scenario{
		Name: "small", Seed: 1, Duration: 4 * time.Second, Rest: time.Minute, Partitions: 16,
		Network: scenario.Network{RTT: map[scenario.Pair]time.Duration{
			{A: "a", B: "b"}: 10 * time.Millisecond, {A: "b", B: "c"}: 20 * time.Millisecond, {A: "a", B: "c"}: 60 * time.Millisecond,
		}},
		Tree:      scenario.Tree{Shape: scenario.MST},
		Types:     []scenario.Type{{Name: "shelf"}},
		Catalogue: scenario.Catalogue{Synthetic: []scenario.Synthetic{{Type: "shelf", IDs: 200, Locations: 2, Zipf: 1}}},
		Metrics:   scenario.Metrics{Period: time.Second},
	}
	for i, name := range []gazetteer.RegionID{"a", "b", "c"} {
		r := scenario.Region{Name: name, Point: gazetteer.Point{Lat: float64(10 * i), Lon: 5}, Servers: 1, ClusterServers: 1, Rings: []scenario.Ring{{Name: "only", Replicas: 1}}}
		s.Regions = append(s.Regions, r)
		s.Clients = append(s.Clients, scenario.Clients{Region: name, Type: "shelf", Reads: 0.9, Rate: []scenario.Step{{Rate: 20, Ramp: true}, {At: 2 * time.Second, Rate: 60}}})
	}
	return s
}

// runHere runs a scenario as processes, of which this test binary is the program.
func runHere(t *testing.T, s *scenario.Scenario, log processes.Log) *result.Run {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := processes.Run(t.Context(), processes.Config{
		Scenario: s, Command: []string{self, simNode}, Dir: dir, Log: log, Say: func(what string) { t.Log(what) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	return out
}

func mustHold(t *testing.T, out *result.Run) {
	t.Helper()
	for _, c := range out.Checks {
		t.Logf("%v %s: %s", c.OK, c.Name, c.Detail)
		if !c.OK {
			t.Errorf("%s: %s", c.Name, c.Detail)
		}
	}
}

// samples keeps what the collector says.
type samples struct {
	mu   sync.Mutex // guards all below
	all  []result.Sample
	told []string
}

func (s *samples) Sample(v result.Sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, v)
}

func (s *samples) Event(_ time.Duration, what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, what)
}

// TestScenarioAsProcesses: a region of a planet of processes is killed under load, and
// started again. Its clients go elsewhere, no answer is wrong, nothing is lost, and what
// clients and servers have counted is the same.
func TestScenarioAsProcesses(t *testing.T) {
	s := smallScenario()
	s.Faults = []scenario.Fault{{Kind: scenario.Crash, Node: "c/only-1", At: time.Second, For: time.Second}}
	var log samples
	out := runHere(t, s, &log)
	mustHold(t, out)
	if g := out.Generators; g.Reads == 0 || g.Writes == 0 {
		t.Errorf("clients asked nothing: %+v", g)
	}
	ways := map[string]bool{}
	for _, p := range out.Propagation {
		ways[string(p.From+p.To)] = true
		if p.P50MS < p.PathMS || p.PathMS == 0 {
			t.Errorf("from %s to %s an update took %v ms, and the way is %v", p.From, p.To, p.P50MS, p.PathMS)
		}
	}
	if len(ways) != 6 {
		t.Errorf("propagation of %d ways, want 6", len(ways))
	}
	kinds := []string{}
	for _, h := range out.Happenings {
		kinds = append(kinds, h.Kind)
	}
	if !slices.Contains(kinds, "crash") || !slices.Contains(kinds, "healed") {
		t.Errorf("what happened: %v", kinds)
	}
	if len(log.all) == 0 || len(log.told) < 2 {
		t.Errorf("%d samples and %q were written down", len(log.all), log.told)
	}
}

// TestInterruptedRunTellsWhatItDid, and leaves no process: also one that stands still.
func TestInterruptedRunTellsWhatItDid(t *testing.T) {
	s := smallScenario()
	s.Regions, s.Clients = s.Regions[:2], s.Clients[:2]
	s.Duration = time.Hour
	s.Faults = []scenario.Fault{{Kind: scenario.Pause, Node: "b/server-1", At: 500 * time.Millisecond}}
	dir := t.TempDir()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := processes.Run(ctx, processes.Config{Scenario: s, Command: []string{self, simNode}, Dir: dir, Say: func(what string) {
		if strings.Contains(what, "pause b/server-1") {
			time.AfterFunc(500*time.Millisecond, interrupt)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if out.Unfinished == "" || out.Generators.Reads == 0 {
		t.Errorf("unfinished: %q, %+v", out.Unfinished, out.Generators)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	if alive := childrenNamed(t, dir); len(alive) > 0 {
		t.Errorf("still running: %q", alive)
	}
}

// childrenNamed returns the command lines of processes that name a folder.
func childrenNamed(t *testing.T, dir string) (all []string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		text, _ := os.ReadFile(l) // it may have ended
		if strings.Contains(string(text), dir) {
			all = append(all, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return all
}

// TestSevenRegionsUnderLoad: the planet of 2012 as seven processes answers 5,000 requests a
// second for a minute, none of them wrong and none in vain.
func TestSevenRegionsUnderLoad(t *testing.T) {
	if !*long {
		t.Skip("a minute of all cores: -long")
	}
	out := runHere(t, sevenRegions(t, 750, time.Minute), nil)
	mustHold(t, out)
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if *simOut != "" {
		if err := os.WriteFile(filepath.Join(*simOut, result.RunFile), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rate := float64(out.Generators.Reads+out.Generators.Writes) / time.Minute.Seconds()
	t.Logf("%.0f requests a second", rate)
	if rate < 5000 {
		t.Errorf("%.0f requests a second, want 5000", rate)
	}
}

func sevenRegions(t *testing.T, each float64, d time.Duration) *scenario.Scenario {
	t.Helper()
	w, err := aws.Load()
	if err != nil {
		t.Fatal(err)
	}
	s := smallScenario()
	s.Name, s.Duration, s.Regions, s.Clients, s.Partitions = "seven", d, nil, nil, gazetteer.DefaultPartitions
	s.Network.RTT = map[scenario.Pair]time.Duration{}
	s.Catalogue.Synthetic[0] = scenario.Synthetic{Type: "shelf", IDs: 10_000, Locations: 3, Zipf: 1}
	for i, name := range aws.Seven() {
		at, _ := w.Region(name)
		s.Regions = append(s.Regions, scenario.Region{Name: name, Point: at.Point, Servers: 1, ClusterServers: 1, Rings: []scenario.Ring{{Name: "only", Replicas: 1}}})
		s.Clients = append(s.Clients, scenario.Clients{Region: name, Type: "shelf", Reads: 0.98, Rate: []scenario.Step{{Rate: each}}})
		for _, other := range aws.Seven()[:i] {
			s.Network.RTT[scenario.PairOf(name, other)] = w.RTT(name, other)
		}
	}
	return s
}
