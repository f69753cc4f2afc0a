package virtual

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// parse reads a scenario of two regions, with more lines.
func parse(t *testing.T, more string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Parse("small.yaml", []byte(`
regions: [us-east-1, eu-west-1]
duration: 30s
rest: 10s
catalogue: {synthetic: [{type: mirror, ids: 50}]}
metrics: {period: 10s}
`+more))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	load  = "clients: [{rate: 20, reads: 0.8}]\n"
	crash = "faults:\n  - {at: 5s, crash: us-east-1/r1-1, for: 3s}\n  - {at: 9s, crash: us-east-1/r1-2, for: 3s}\n  - {at: 14s, crash: eu-west-1/server-1, for: 3s}\n  - {at: 19s, crash: us-east-1/cluster-1, for: 3s}\n"
)

func names(checks []result.Check) (out []string) {
	for _, c := range checks {
		out = append(out, c.Name)
	}
	return out
}

func TestOneSeedGivesEqualFiles(t *testing.T) {
	s := parse(t, load+crash)
	files := func(seed uint64) (out [3][]byte) {
		dir := t.TempDir()
		r, err := runWith(t.Context(), s, Options{Seed: seed, Dir: dir}, makeFake(nil))
		if err != nil || r.Unfinished != "" || len(r.Failed()) > 0 {
			t.Fatalf("%v, unfinished %q, failed %v", err, r.Unfinished, r.Failed())
		}
		for i, name := range []string{result.RunFile, result.SeriesFile, result.EventsFile} {
			if out[i], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := result.Read(dir); err != nil || !reflect.DeepEqual(got.Generators, r.Generators) {
			t.Errorf("read %+v, %v", got.Generators, err)
		}
		return out
	}
	first, again, other := files(1), files(1), files(2)
	for i := range first {
		if !bytes.Equal(first[i], again[i]) {
			t.Errorf("file %d of two runs of one seed differs", i)
		}
	}
	if bytes.Equal(first[2], other[2]) {
		t.Error("two seeds decide the same")
	}
	for _, want := range []string{"3.000000 load begins\n", "8s us-east-1/r1-1 ends", "22.000000 crash us-east-1/cluster-1", "25.000000 healed us-east-1/cluster-1", " digest "} {
		if !strings.Contains(string(first[2]), want) {
			t.Errorf("the log of decisions lacks %q", want)
		}
	}
}

func TestChecksFail(t *testing.T) {
	for _, c := range []struct {
		check, yaml string
		change      func(*fake)
	}{
		{"no_wrong_answers", load + crash, func(p *fake) { p.liesAfter = "us-east-1/r1-2" }},
		{"max_errors", load + "faults: [{at: 1s, region_down: us-east-1, for: 20s}, {at: 1s, region_down: eu-west-1, for: 20s}]\nchecks: {max_errors: 0.01}\n", nil},
		{"max_p99", load + "checks: {max_p99: 1ms}\n", nil},
		{"equal_at_rest", load, func(p *fake) { p.restless = true }},
		{"max_rebuilds", load + "checks: {max_rebuilds: 1}\n", nil},
	} {
		r, err := runWith(t.Context(), parse(t, c.yaml), Options{Seed: 1}, makeFake(c.change))
		if err != nil || !slices.Equal(names(r.Failed()), []string{c.check}) {
			t.Errorf("failed %v, %v; want %s", r.Failed(), err, c.check)
		}
		without := parse(t, load)
		if r, err := runWith(t.Context(), without, Options{Seed: 1}, makeFake(nil)); err != nil || len(r.Failed()) > 0 {
			t.Errorf("without what is wrong %v failed, %v", r.Failed(), err)
		}
	}
}

func TestInterruptedRunLeavesWhatItDid(t *testing.T) {
	dir := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	o := Options{Seed: 1, Dir: dir, Progress: func(load time.Duration) {
		if load > 12*time.Second {
			stop()
		}
	}}
	if _, err := runWith(ctx, parse(t, load), o, makeFake(nil)); err != nil {
		t.Fatal(err)
	}
	r, err := result.Read(dir)
	if err != nil || r.Unfinished != errInterrupted.Error() || r.Generators.Reads < 100 || len(r.Failed()) > 0 {
		t.Errorf("left %+v, %v", r, err)
	}
	series, err := result.ReadSeries(dir)
	if err != nil {
		t.Fatal(err)
	}
	var requests int64
	for _, s := range series {
		if s.Tier == result.TierClient && s.Metric == result.MetricRequests {
			requests += int64(s.Value)
		}
	}
	if all := r.Generators.Reads + r.Generators.Writes; requests < all-20 || requests > all {
		t.Errorf("the series have %d requests, the generators %d", requests, all)
	}
}

func TestBrokenPromiseEndsTheRun(t *testing.T) {
	r, err := runWith(t.Context(), parse(t, load), Options{Seed: 1}, makeFake(func(p *fake) { p.breaks = 10 * time.Second }))
	if err != nil || r.Unfinished != "replicas are not mirrors" {
		t.Errorf("unfinished %q, %v", r.Unfinished, err)
	}
}

func TestShrinkFindsTheFaultThatMatters(t *testing.T) {
	s := parse(t, load+crash)
	k := &shrinking{ctx: t.Context(), scenario: s, o: Options{Seed: 1}, check: "no_wrong_answers", make: makeFake(func(p *fake) { p.liesAfter = "us-east-1/r1-2" })}
	least, runs := k.all()
	if !slices.Equal(least.Faults, []int{1}) || len(least.Clients) != 1 || least.Until < 9*time.Second || least.Until > 16*time.Second {
		t.Errorf("the least is%s, want fault 1 alone and one fleet of clients", least.Flags())
	}
	if runs > 60 {
		t.Errorf("it took %d runs", runs)
	}
	r, err := runWith(t.Context(), s, Options{Seed: 1, Cut: least}, makeFake(func(p *fake) { p.liesAfter = "us-east-1/r1-2" }))
	if err != nil || !slices.Equal(names(r.Failed()), []string{"no_wrong_answers"}) {
		t.Errorf("the least does not fail the same: %v, %v", r.Failed(), err)
	}
}

func TestFlagsAreReadBack(t *testing.T) {
	c := Cut{Until: 90 * time.Second, Faults: []int{0, 12}, Clients: []int{}}
	if got, want := c.Flags(), " --until 1m30s --keep-faults 0,12 --keep-clients none"; got != want {
		t.Errorf("flags %q, want %q", got, want)
	}
	for text, want := range map[string][]int{"": nil, "none": {}, "0,12": {0, 12}} {
		if got, err := ParsePlaces(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q reads as %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"x", "1,", "-1", "1;2"} {
		if _, err := ParsePlaces(text); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

func TestSeedsRunEach(t *testing.T) {
	seeds := []uint64{5, 6, 7, 8, 9, 10}
	var ran atomic.Int64
	one := func(_ context.Context, seed uint64) (result.Run, error) {
		ran.Add(1)
		return result.Run{Seed: seed}, nil
	}
	var told []uint64
	Seeds(t.Context(), seeds, 3, one, func(o Outcome) bool {
		told = append(told, o.Run.Seed)
		return true
	})
	slices.Sort(told)
	if !slices.Equal(told, seeds) || ran.Load() != 6 {
		t.Errorf("told of %v after %d runs", told, ran.Load())
	}
	told = nil
	Seeds(t.Context(), seeds, 1, one, func(o Outcome) bool {
		told = append(told, o.Seed)
		return false
	})
	if len(told) > 2 {
		t.Errorf("after the first that was enough, %v ran", told)
	}
}

func TestCatalogues(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.ndjson")
	text := `{"type":"ndt","id":"b","locations":[{},{}]}` + "\n\n" + `{"type":"ndt","id":"a"}`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c := scenario.Catalogue{File: path, Synthetic: []scenario.Synthetic{{Type: "mirror", IDs: 2, Locations: 3, Zipf: 1}}}
	s, err := readStock(&c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if k := s.of("ndt"); !slices.Equal(k.locations, []int{2, 0}) || k.IDs[0] != "b" {
		t.Errorf("file: %+v", k)
	}
	if k := s.of("mirror"); !slices.Equal(k.locations, []int{3, 3}) || k.IDs[1] != "r1" || k.Zipf != 1 {
		t.Errorf("synthetic: %+v", k)
	}
	if err := os.WriteFile(path, []byte(text+"\n{\"type\":1}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readStock(&c, nil); err == nil || !strings.Contains(err.Error(), "line 4") {
		t.Errorf("a broken line gives %v", err)
	}
	if _, err := readStock(&scenario.Catalogue{Bundled: true}, nil); err == nil {
		t.Error("a bundled catalogue that is not there was read")
	}
}
