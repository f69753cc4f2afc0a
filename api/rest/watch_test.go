package rest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region"
	"gazetteer/region/watch"
)

const watchPartitions = 3

// watchable is a region whose changes a test makes up.
type watchable struct {
	region.Regional
	hub  *watch.Hub
	lost bool
	news chan *watch.Batch
}

func (w *watchable) Partitions() uint32 { return watchPartitions }

func (w *watchable) Watch(ctx context.Context, o *watch.Options, show func([]*watch.Entry) error) error {
	if _, err := w.Type(ctx, o.Type); err != nil {
		return err
	}
	return w.hub.Follow(ctx, o, show)
}

// stream holds one location, in partition 1, and brings what the test sends.
func (w *watchable) stream(ctx context.Context, q *watch.Query, take func(*watch.Batch) error) error {
	first := &watch.Batch{}
	for _, f := range q.From {
		if w.lost && len(f.Vector) > 0 {
			first.Lost = append(first.Lost, f.Index)
			continue
		}
		if f.Index == 1 && !f.Tail && len(f.Vector) == 0 {
			first.Updates = append(first.Updates, watchedPut(1, "http://one.example/"))
		}
		v := gazetteer.Vector{}
		if f.Index == 1 {
			v = gazetteer.Vector{{Origin: gazetteer.Origin{Store: 1, Incarnation: 1}, Seq: 1}}
		}
		first.Marks = append(first.Marks, watch.Mark{Index: f.Index, Vector: v})
	}
	if err := take(first); err != nil || q.Once {
		return err
	}
	for {
		select {
		case b := <-w.news:
			if err := take(b); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func watchedPut(seq uint64, url string) watch.Update {
	o := gazetteer.Origin{Store: 1, Incarnation: 1}
	return watch.Update{Index: 1, Update: gazetteer.Update{
		Element: gazetteer.Element{ID: "a", Location: "l"}, Position: gazetteer.Position{Origin: o, Seq: seq},
		Stamp: gazetteer.Stamp{Clock: gazetteer.Clock(seq), Origin: o}, Body: pb.AppendLocation(nil, &gazetteer.Location{URL: url, Weight: 1}),
	}}
}

func startWatchable(t *testing.T, more func(*Config)) (*harness, *watchable) {
	w := &watchable{news: make(chan *watch.Batch)}
	w.hub = watch.NewHub(w.stream, watchPartitions)
	x := start(t, func(c *Config) {
		w.Regional = c.Regional
		c.Regional = w
		if more != nil {
			more(c)
		}
	})
	t.Cleanup(w.hub.Close)
	return x, w
}

// opened is a stream that a test reads.
type opened struct {
	*http.Response
	in *bufio.Reader
}

func (x *harness) open(t *testing.T, path string, header ...string) *opened {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+x.addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Body.Close() })
	return &opened{r, bufio.NewReader(r.Body)}
}

// until reads lines up to one that holds a text, and returns all of them.
func (o *opened) until(t *testing.T, text string) string {
	t.Helper()
	var all strings.Builder
	for {
		line, err := o.in.ReadString('\n')
		all.WriteString(line)
		if err != nil {
			t.Fatalf("%v behind %s", err, all.String())
		}
		if strings.Contains(line, text) {
			return all.String()
		}
	}
}

// whole reads an answer that is no stream.
func (o *opened) whole(t *testing.T) string {
	t.Helper()
	b, err := io.ReadAll(o.in)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWatchAsEvents(t *testing.T) {
	x, w := startWatchable(t, nil)
	o := x.open(t, "/v1/watch?type=ndt")
	if kind := o.Header.Get("Content-Type"); o.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("%d %s", o.StatusCode, kind)
	}
	begin := o.until(t, "event: bookmark")
	if !strings.HasPrefix(begin, "retry: ") || !strings.Contains(begin, "event: snapshot\ndata: {\"id\":\"a\",\"location\":{\"id\":\"l\",\"url\":\"http://one.example/\"") {
		t.Errorf("%s", begin)
	}
	_, id, _ := strings.Cut(begin, "\nid: ")
	id, _, _ = strings.Cut(id, "\n")
	put := watchedPut(2, "http://two.example/")
	w.news <- &watch.Batch{Updates: []watch.Update{put}, Marks: []watch.Mark{{Index: 1, Vector: gazetteer.Vector{put.Position}}}}
	if got := o.until(t, "data: {\"id\""); !strings.Contains(got, "event: put\n") || !strings.Contains(got, "two.example") {
		t.Errorf("%s", got)
	}
	o.until(t, "event: bookmark")
	again := x.open(t, "/v1/watch?type=ndt", "Last-Event-ID", id)
	if got := again.until(t, "event: bookmark"); strings.Contains(got, "snapshot") {
		t.Errorf("after its bookmark %s", got)
	}
}

func TestWatchAsLines(t *testing.T) {
	x, w := startWatchable(t, nil)
	o := x.open(t, "/v1/watch?type=ndt&prefix=a", "Accept", "application/x-ndjson")
	begin := o.until(t, `"bookmark"`)
	if !strings.HasPrefix(begin, `{"event":"reset"}`+"\n"+`{"event":"snapshot","id":"a"`) || !strings.Contains(begin, `"cursor":"`) {
		t.Errorf("%s", begin)
	}
	gone := watchedPut(2, "")
	gone.Tombstone, gone.Body = true, nil
	w.news <- &watch.Batch{Updates: []watch.Update{gone}}
	if got := o.until(t, "delete"); !strings.Contains(got, `"location":{"id":"l"},"stamp":"`) {
		t.Errorf("%s", got)
	}
}

func TestWatchesThatAreRefused(t *testing.T) {
	x, w := startWatchable(t, func(c *Config) { c.Limits.WatchesPerAddress = 1 })
	begin := x.open(t, "/v1/watch?type=ndt", "Accept", "application/x-ndjson").until(t, "bookmark")
	_, cursor, _ := strings.Cut(begin, `"cursor":"`)
	cursor, _, _ = strings.Cut(cursor, `"`)
	for path, want := range map[string]string{
		"type=ndt":                               `"status":429`,
		"type=ndt&from=" + cursor[:12]:           `"status":400`,
		"type=ndt&from=x":                        `"status":400`,
		"type=ndt&prefix=b&from=" + cursor:       `"status":400`,
		"type=other&from=" + cursor:              `"status":400`,
		"type=..":                                `"status":400`,
		"":                                       `"status":400`,
		"type=ndt&filter=x":                      `"status":400`,
		"type=ndt&from=" + cursor + "&snapshot=": `"status":400`,
	} {
		if got := x.open(t, "/v1/watch?"+path).whole(t); !strings.Contains(got, want) {
			t.Errorf("%s: %s", path, got)
		}
	}
	y, w2 := startWatchable(t, nil)
	w2.lost, w.lost = true, true
	if got := y.open(t, "/v1/watch?type=ndt&from="+cursor).whole(t); !strings.Contains(got, `"status":410`) || !strings.Contains(got, "cursor_gone") {
		t.Errorf("%s", got)
	}
	if got := y.open(t, "/v1/watch?type=ndt&snapshot=1&from="+cursor).until(t, "bookmark"); !strings.Contains(got, "event: reset") || !strings.Contains(got, "event: snapshot") {
		t.Errorf("%s", got)
	}
	if got := y.open(t, "/v1/watch?type=nosuch").whole(t); !strings.Contains(got, `"status":404`) {
		t.Errorf("%s", got)
	}
}

// TestWatchesEndWithTheServer: cleanly, so a client knows that it has not missed a part.
func TestWatchesEndWithTheServer(t *testing.T) {
	x, _ := startWatchable(t, nil)
	o := x.open(t, "/v1/watch?type=ndt")
	o.until(t, "bookmark")
	x.handler.Drain()
	for {
		if _, err := o.in.ReadString('\n'); err != nil {
			if err.Error() != "EOF" {
				t.Errorf("it ends with %v", err)
			}
			return
		}
	}
}

// TestWatchOfAnAnswer: an event when the chosen location changes, and none otherwise.
func TestWatchOfAnAnswer(t *testing.T) {
	x, w := startWatchable(t, nil)
	put := func(url string) {
		t.Helper()
		c := region.Change{Key: gazetteer.Key{Type: "ndt", ID: "a"}, Op: region.PutResource, Locations: []gazetteer.Location{{ID: "l", URL: url, Weight: 1}}}
		if r := w.Write(t.Context(), []region.Change{c})[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
		select {
		case w.news <- &watch.Batch{Updates: []watch.Update{watchedPut(9, url)}}:
		case <-time.After(10 * time.Second):
			t.Fatal("nobody follows")
		}
	}
	w.Write(t.Context(), []region.Change{{Key: gazetteer.Key{Type: "ndt", ID: "a"}, Op: region.PutResource, Locations: []gazetteer.Location{{ID: "l", URL: "http://one.example/", Weight: 1}}}})
	o := x.open(t, "/v1/resolve/ndt/a?watch=1")
	if got := o.until(t, "data:"); !strings.Contains(got, "one.example") || !strings.Contains(got, "event: put") {
		t.Fatalf("%s", got)
	}
	put("http://one.example/")
	put("http://two.example/")
	if got := o.until(t, "data:"); !strings.Contains(got, "two.example") {
		t.Errorf("%s", got)
	}
	id := fmt.Sprintf("%x", (&answersOf{"l", "http://two.example/"}).digest())
	known := x.open(t, "/v1/resolve/ndt/a?watch=1", "Last-Event-ID", id)
	put("http://three.example/")
	if got := known.until(t, "data:"); strings.Contains(got, "two.example") || !strings.Contains(got, "three.example") {
		t.Errorf("who knew the choice was told %s", got)
	}
	if got := x.open(t, "/v1/resolve/ndt/a?watch=1&redirect=1").whole(t); !strings.Contains(got, `"status":400`) {
		t.Errorf("%s", got)
	}
}

type answersOf struct{ id, url string }

func (a *answersOf) digest() uint64 {
	return max(1, gazetteer.HashBytes([]byte(a.id+"\x00"+a.url+"\x00")))
}
