package virtual

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gazetteer/simulation/result"
)

// The same with the product's own cores.
func TestPlanetOfCores(t *testing.T) {
	s := parse(t, load+crash+"checks: {max_errors: 0.05}\neach_region: {replicas: 2}\npartitions: 5\n")
	files := func() (out [2][]byte) {
		dir := t.TempDir()
		r, err := Run(t.Context(), s, Options{Seed: 3, Dir: dir})
		if err != nil || r.Unfinished != "" || len(r.Failed()) > 0 {
			t.Fatalf("%v, unfinished %q, failed %v", err, r.Unfinished, r.Failed())
		}
		if r.Generators.Reads < 800 || r.Generators.Writes < 200 || len(r.Trees) == 0 || r.Messages.Updates == 0 {
			t.Errorf("the run did little: %+v, %d trees, %+v", r.Generators, len(r.Trees), r.Messages)
		}
		for i, name := range []string{result.EventsFile, result.RunFile} {
			if out[i], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	first, again := files(), files()
	for i := range first {
		if !bytes.Equal(first[i], again[i]) {
			t.Errorf("file %d of two runs of one seed differs", i)
		}
	}
}

// Nothing breaks: nobody gets an error, also not who reads at another replica what he has
// just written.
func TestNoErrorsWithoutFaults(t *testing.T) {
	s := parse(t, "clients: [{rate: 100, reads: 0.5}]\nchecks: {max_errors: 0}\npartitions: 5\n")
	r, err := Run(t.Context(), s, Options{Seed: 4})
	if err != nil || len(r.Failed()) > 0 || len(r.Generators.Errors) > 0 {
		t.Errorf("%v, failed %v, errors %v", err, r.Failed(), r.Generators.Errors)
	}
}

// A run that is ended before its time, in the middle of what is under way, has not lost
// anything: what only its end can show is not judged.
func TestInterruptedRunJudgesNoEnd(t *testing.T) {
	s := parse(t, load+crash+"partitions: 5\nchecks: {max_rebuilds: 5}\n")
	ctx, stop := context.WithCancel(t.Context())
	r, err := Run(ctx, s, Options{Seed: 3, Progress: func(load time.Duration) {
		if load > 11*time.Second {
			stop()
		}
	}})
	if err != nil || r.Unfinished == "" || len(r.Failed()) > 0 {
		t.Fatalf("%v, unfinished %q, failed %v", err, r.Unfinished, r.Failed())
	}
	unjudged := map[string]bool{}
	for _, c := range r.Checks {
		unjudged[c.Name] = c.NotJudged
	}
	for _, name := range []string{"no acknowledged write lost", "mirrors equal", "equal_at_rest", "every_request_ends"} {
		if !unjudged[name] {
			t.Errorf("%s was judged", name)
		}
	}
	if unjudged["prefix"] || unjudged["no_wrong_answers"] {
		t.Errorf("what is held at every step was not judged: %v", r.Checks)
	}
}
