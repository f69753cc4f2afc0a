package client

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"gazetteer"
)

// house is a server behind a door.
type house struct {
	*httptest.Server
	asked  atomic.Int64
	answer atomic.Pointer[http.HandlerFunc] // nil: an empty list
}

func newHouse(t *testing.T, answer http.HandlerFunc) *house {
	h := &house{}
	h.set(answer)
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		h.asked.Add(1)
		if f := h.answer.Load(); f != nil {
			(*f)(w, q)
			return
		}
		fmt.Fprint(w, `{"types":[]}`)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *house) set(answer http.HandlerFunc) {
	h.answer.Store(nil)
	if answer != nil {
		h.answer.Store(&answer)
	}
}

func clientOf(t *testing.T, houses ...*house) *Client {
	t.Helper()
	c := Config{}
	for i, h := range houses {
		if i == 0 {
			c.Addr = h.URL
		} else {
			c.More = append(c.More, h.URL)
		}
	}
	k, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func says(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// TestReadsGoToTheNextAddress: of several addresses one that answers is enough, whatever
// is the matter with the others.
func TestReadsGoToTheNextAddress(t *testing.T) {
	broken := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, answer := range map[string]http.HandlerFunc{
		"dead": nil, "lost": broken, "503": says(503), "500": says(500), "502": says(502), "504": says(504),
		"silent": func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := newHouse(t, answer), newHouse(t, nil)
			if name == "dead" {
				first.Close()
			}
			k := clientOf(t, first, second)
			if _, err := k.Types(t.Context()); err != nil || second.asked.Load() != 1 {
				t.Errorf("%v, the second was asked %d times", err, second.asked.Load())
			}
		})
	}
}

// TestFinalAnswersAreFinal: what another server would have to say, too, is not asked there.
func TestFinalAnswersAreFinal(t *testing.T) {
	tooMany := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(429)
		fmt.Fprint(w, `{"code":"rate_limited","status":429}`)
	}
	for name, answer := range map[string]http.HandlerFunc{"404": says(404), "412": says(412), "501": says(501), "429": tooMany} {
		first, second := newHouse(t, answer), newHouse(t, nil)
		if _, err := clientOf(t, first, second).Types(t.Context()); err == nil || second.asked.Load() != 0 {
			t.Errorf("%s: %v, the second was asked %d times", name, err, second.asked.Load())
		}
	}
}

// TestWritesGoOnOnlyIfNobodyTookThem.
func TestWritesGoOnOnlyIfNobodyTookThem(t *testing.T) {
	first, second := newHouse(t, says(503)), newHouse(t, nil)
	drain := func() error { return clientOf(t, first, second).DrainRegion(t.Context(), "r") }
	if err := drain(); gazetteer.KindOf(err) != gazetteer.Unavailable || second.asked.Load() != 0 {
		t.Errorf("%v, the second was asked %d times", err, second.asked.Load())
	}
	first.Close()
	if err := drain(); err != nil || second.asked.Load() != 1 {
		t.Errorf("%v, the second was asked %d times", err, second.asked.Load())
	}
}

// TestADeadAddressIsPassedOver, and tried again after a while.
func TestADeadAddressIsPassedOver(t *testing.T) {
	first, second := newHouse(t, nil), newHouse(t, nil)
	k := clientOf(t, first, second)
	k.doors[0].failed(time.Now())
	for range 5 {
		if _, err := k.Types(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if first.asked.Load() != 0 || second.asked.Load() != 5 {
		t.Errorf("while it rests: %d and %d requests", first.asked.Load(), second.asked.Load())
	}
	k.doors[0].until.Store(time.Now().UnixNano())
	if _, err := k.Types(t.Context()); err != nil || first.asked.Load() != 1 {
		t.Errorf("%v, then: %d requests", err, first.asked.Load())
	}
}

func TestDoorsAreTriedInOrder(t *testing.T) {
	ds, now := doors{{}, {}, {}}, time.Now()
	ds[1].failed(now)
	tried := map[*door]bool{}
	var got []int
	var anew []bool
	for range 4 {
		d, again := ds.next(tried, now)
		tried[d] = true
		got, anew = append(got, slices.Index(ds, d)), append(anew, again)
	}
	if !slices.Equal(got, []int{0, 2, 1, 0}) || !slices.Equal(anew, []bool{false, false, false, true}) {
		t.Errorf("%v %v", got, anew)
	}
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 16} {
		d := &door{}
		for range i + 1 {
			d.failed(now)
		}
		if rest := time.Duration(d.until.Load() - now.UnixNano()); rest != want*time.Second {
			t.Errorf("after %d failures it rests %v", i+1, rest)
		}
	}
}

// TestAnEndedContextEndsAll: nobody is asked for who no longer waits.
func TestAnEndedContextEndsAll(t *testing.T) {
	first, second := newHouse(t, func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }), newHouse(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := clientOf(t, first, second).Types(ctx)
	if gazetteer.KindOf(err) != gazetteer.Deadline || second.asked.Load() != 0 {
		t.Errorf("%v, the second was asked %d times", err, second.asked.Load())
	}
}
