package client

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gazetteer"
)

// streaming is a server whose connections are scripts: each sends its lines and ends.
func streaming(t *testing.T, asked *[]string, scripts ...string) *httptest.Server {
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := r.Header.Get("Accept"); a != "application/x-ndjson" {
			t.Errorf("asked for %q", a)
		}
		*asked = append(*asked, r.URL.RawQuery+" after "+r.Header.Get("Last-Event-ID"))
		if n == len(scripts) {
			<-r.Context().Done()
			return
		}
		script := scripts[n]
		n++
		if script == "" {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"code":"unavailable","status":503}`)
			return
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		fmt.Fprint(w, script)
		if strings.HasSuffix(script, "breaks") {
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// TestWatchGoesOn: at the same address when that has ended the stream, at another when it
// stops, after half a line that a broken connection has left; always from the last bookmark.
func TestWatchGoesOn(t *testing.T) {
	var first, second []string
	a := streaming(t, &first,
		`{"event":"snapshot","id":"a","location":{"id":"l","url":"u"},"stamp":"1"}`+"\n"+`{"event":"bookmark","cursor":"c1"}`+"\n\n",
		`{"event":"put","id":"b","attributes":{},"stamp":"2"}`+"\n"+`{"event":"bookmark","cursor":"c2"}`+"\n"+`{"event":breaks`, "")
	b := streaming(t, &second, `{"event":"delete","id":"a","location":{"id":"l"},"stamp":"3"}`+"\n")
	c, err := New(Config{Addr: a.URL, More: []string{b.URL}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var got []string
	for e, err := range c.Watch(ctx, WatchQuery{Type: "m", Prefix: "p"}) {
		if err != nil {
			t.Fatalf("%v after %v", err, got)
		}
		got = append(got, e.Kind+e.ID+e.Cursor)
		if e.Kind == "delete" {
			break
		}
	}
	if want := "snapshota bookmarkc1 putb bookmarkc2 deletea"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
	if !strings.HasSuffix(first[1], "after c1") || !strings.HasSuffix(second[0], "after c2") || !strings.Contains(second[0], "snapshot=1") || strings.Contains(first[0], "snapshot") {
		t.Errorf("asked %q, then %q", first, second)
	}
}

// TestWatchEndsAtWhatStays: a refusal is told, and the caller's own end.
func TestWatchEndsAtWhatStays(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusGone)
		fmt.Fprint(w, `{"code":"cursor_gone","status":410}`)
	}))
	defer s.Close()
	c, err := New(Config{Addr: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	n := 0
	for _, err := range c.Watch(t.Context(), WatchQuery{Type: "m", From: "old"}) {
		n++
		if gazetteer.KindOf(err) != gazetteer.Conflict {
			t.Errorf("%v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d errors", n)
	}
}

// TestAWatchOfNobodyEnds: who watches where nobody is learns that.
func TestAWatchOfNobodyEnds(t *testing.T) {
	nobody := httptest.NewServer(nil)
	nobody.Close()
	c, err := New(Config{Addr: nobody.URL})
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range c.Watch(t.Context(), WatchQuery{Type: "ndt"}) {
		if gazetteer.KindOf(err) != gazetteer.Unavailable {
			t.Errorf("%+v, %v", e, err)
		}
	}
}
