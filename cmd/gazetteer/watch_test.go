package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gazetteer/api/client"
)

// watchedIDs is how many resources a scribe writes.
const watchedIDs = 8

// scribe writes resources again and again, each time with the next number in their URL.
type scribe struct {
	last map[string]int // acknowledged, by id
	stop chan struct{}
	done chan error
}

// write begins to write into a type, until the end. What was not acknowledged is written
// again.
func write(ctx context.Context, k *client.Client, typ string) *scribe {
	s := &scribe{last: map[string]int{}, stop: make(chan struct{}), done: make(chan error, 1)}
	go func() {
		for n := 0; ; {
			err := s.put(ctx, k, typ, fmt.Sprint("r", n%watchedIDs), n/watchedIDs+1)
			if err == nil {
				n++
			}
			select {
			case <-s.stop:
				s.done <- err
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return s
}

func (s *scribe) put(ctx context.Context, k *client.Client, typ, id string, n int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l := client.Location{ID: "l", URL: fmt.Sprint("https://r.example/", n)}
	_, err := k.PutLocation(ctx, typ, id, l, client.WriteOptions{Ack: "local"})
	if err == nil {
		s.last[id] = n
	}
	return err
}

// end returns what stands of each resource.
func (s *scribe) end(t *testing.T) map[string]int {
	t.Helper()
	close(s.stop)
	if err := <-s.done; err != nil {
		t.Fatal(err)
	}
	return s.last
}

// witness watches what a scribe writes, and notes every gap.
type witness struct {
	mu     sync.Mutex // guards following
	last   map[string]int
	stamps map[string]string
	kinds  map[string]int // how often it was shown each
	cursor string
	wrong  []string
}

// witnessing watches until the test ends or the function it returns is called.
func witnessing(t *testing.T, k *client.Client, w *witness, q client.WatchQuery) (end func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	if w.last == nil {
		w.last, w.stamps = map[string]int{}, map[string]string{}
	}
	w.kinds = map[string]int{}
	go func() {
		defer close(done)
		for e, err := range k.Watch(ctx, q) {
			w.see(e, err, ctx.Err() != nil)
		}
	}()
	end = func() { cancel(); <-done }
	t.Cleanup(end)
	return end
}

func (w *witness) see(e client.Event, err error, ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		if !ended {
			w.wrong = append(w.wrong, err.Error())
		}
		return
	}
	w.kinds[e.Kind]++
	if e.Cursor != "" {
		w.cursor = e.Cursor
	}
	if e.Location == nil || e.Stamp <= w.stamps[e.ID] { // what came since the last bookmark may come again
		return
	}
	n, _ := strconv.Atoi(e.Location.URL[strings.LastIndexByte(e.Location.URL, '/')+1:])
	if before, known := w.last[e.ID]; known && e.Kind == "put" && !e.CatchUp && n > before+1 {
		w.wrong = append(w.wrong, fmt.Sprintf("%s: %d was shown live behind %d", e.ID, n, before))
	}
	w.stamps[e.ID], w.last[e.ID] = e.Stamp, n
	if e.Kind == "delete" {
		delete(w.last, e.ID)
	}
}

// await waits until something is so of what was shown.
func (w *witness) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	eventually(t, what, func() (bool, any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return is(), fmt.Sprint(w.last, w.kinds, w.wrong)
	})
}

// goesOn waits until more was written and shown.
func (w *witness) goesOn(t *testing.T, when string) {
	t.Helper()
	w.mu.Lock()
	before := w.last["r0"]
	w.mu.Unlock()
	w.await(t, when+": the watch goes on", func() bool { return w.last["r0"] >= before+3 })
}

// judge waits until all that stands was shown, and fails the test if there was a gap.
func (w *witness) judge(t *testing.T, stands map[string]int) {
	t.Helper()
	w.await(t, fmt.Sprint("all is shown: ", stands), func() bool { return maps.Equal(w.last, stands) })
	for _, wrong := range w.wrong {
		t.Error(wrong)
	}
}

// TestWatchesOutliveReplicas: whichever replica gives the stream, it is killed, and the
// watch goes on without a gap and without beginning anew.
func TestWatchesOutliveReplicas(t *testing.T) {
	r := startRegion(t)
	mustRun(t, "types put shelf --addr "+r.url)
	var w witness
	s := write(t.Context(), r.client, "shelf")
	witnessing(t, r.client, &w, client.WatchQuery{Type: "shelf"})
	w.goesOn(t, "at first")
	r.kill(t, "a")
	w.goesOn(t, "without a")
	r.start(t, "a")
	r.waitUntilServed(t, "r0")
	r.kill(t, "b")
	w.goesOn(t, "without b")
	w.judge(t, s.end(t))
	if w.kinds["reset"] != 1 { // with which its snapshot begins
		t.Errorf("it was shown %v", w.kinds)
	}
}

// TestWatchesGoOnInAnotherRegion: what a watch is shown in one region and then, from its
// cursor, in another one is everything, deletions as well.
func TestWatchesGoOnInAnotherRegion(t *testing.T) {
	demo := startChild(t, "demo", "--processes", "--http", "127.0.0.1:0", "--regions", writeWorld(t, `{"regions":[{"name":"a"},{"name":"b"}],"rtt_ms":[["a","b",2]]}`))
	demo.out.wait(t, "Ctrl-C ends it")
	faces := facesOf(t, clientOf(t, demo.out.wait(t, `answers at (http://[^;]+);`)))
	if len(faces) != 2 {
		t.Fatalf("%d regions answer, want 2", len(faces))
	}
	a, b := clientOf(t, faces[0]), clientOf(t, faces[1])
	if _, err := a.PutType(t.Context(), client.Type{Name: "shelf"}); err != nil {
		t.Fatal(err)
	}
	var w witness
	s := write(t.Context(), a, "shelf")
	end := witnessing(t, a, &w, client.WatchQuery{Type: "shelf"})
	w.goesOn(t, "in a")
	w.await(t, "a bookmark", func() bool { return w.kinds["bookmark"] > 1 })
	end()
	stands := s.end(t)
	if _, err := a.Delete(t.Context(), "shelf", "r1", client.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	delete(stands, "r1")

	witnessing(t, b, &w, client.WatchQuery{Type: "shelf", From: w.cursor})
	w.judge(t, stands)
	if w.kinds["reset"]+w.kinds["snapshot"] > 0 || w.kinds["delete"] == 0 {
		t.Errorf("in b it was shown %v", w.kinds)
	}
}

// TestWatchesOutlivePlans: while a ring is added, and the partitions move to it, a watch
// goes on without a gap.
func TestWatchesOutlivePlans(t *testing.T) {
	p := &processPlanet{dir: t.TempDir(), regions: []string{"r0"}, each: 2, t: t, nodes: map[string]*serverProcess{}}
	p.start(t, "r0-1", "--region", "r0", "--partitions", "16")
	p.extend(t, 0)
	k := p.nodes["r0-1"].client
	if _, err := k.PutType(t.Context(), client.Type{Name: "shelf"}); err != nil {
		t.Fatal(err)
	}
	var w witness
	s := write(t.Context(), k, "shelf")
	witnessing(t, k, &w, client.WatchQuery{Type: "shelf"})
	w.goesOn(t, "before")
	if err := k.AddRing(t.Context(), client.DefaultCluster, "more", []string{"r0-2"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both rings hold partitions, and nothing moves", func() (bool, any) {
		clusters, err := k.Rings(t.Context())
		if err != nil || len(clusters) == 0 {
			return false, err
		}
		c := clusters[0]
		return len(c.Rings) == 2 && c.Rings[0].Partitions > 0 && c.Rings[1].Partitions > 0 && c.Moving+c.Pending == 0, fmt.Sprint(clusters)
	})
	w.goesOn(t, "with two rings")
	w.judge(t, s.end(t))
}

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
