package demand

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/region"
)

func counted(uptime time.Duration, maps, ndt uint64) Counts {
	return Counts{Uptime: uptime, Types: []Count{{"maps", maps}, {"ndt", ndt}}}
}

func TestRatesAreByTheServersOwnClock(t *testing.T) {
	m := meter{map[gazetteer.NodeID]*heard{}}
	rate := func() string {
		is := func(t gazetteer.Type) func(gazetteer.Type) bool {
			return func(u gazetteer.Type) bool { return t == u }
		}
		return fmt.Sprint(m.rate(is("maps")), " ", m.rate(is("ndt")))
	}
	for _, step := range []struct {
		name  string
		node  gazetteer.NodeID
		says  Counts
		known bool
		want  string
	}{
		{"heard once", "a", counted(100*time.Second, 1000, 500), false, "0 0"},
		{"heard twice", "a", counted(110*time.Second, 1200, 505), false, "20 0.5"},
		{"another, once", "b", counted(time.Second, 7, 7), false, "20 0.5"},
		{"another, twice", "b", counted(2*time.Second, 37, 7), true, "50 0.5"},
		{"the same again", "b", counted(2*time.Second, 37, 7), true, "50 0.5"},
		{"long unheard", "a", counted(210*time.Second, 1200, 605), true, "30 1"},
		{"began anew", "b", counted(time.Second, 4, 2), true, "4 3"},
		{"counts fewer than it did", "b", counted(3*time.Second, 0, 4), true, "0 2"},
	} {
		m.hear(step.node, step.says)
		if known, got := m.keep([]gazetteer.NodeID{"a", "b"}), rate(); known != step.known || got != step.want {
			t.Errorf("%s: got %s, known %v; want %s, %v", step.name, got, known, step.want, step.known)
		}
	}
	if !m.keep([]gazetteer.NodeID{"a"}) || rate() != "0 1" {
		t.Errorf("without b: %s", rate())
	}
	if m.keep([]gazetteer.NodeID{"a", "b"}) {
		t.Error("b came back and is known at once")
	}
}

type fixed []region.Demand

func (f fixed) Demand() []region.Demand { return f }

func TestServeTellsCountsAndRefusesAllElse(t *testing.T) {
	w := &Watch{Config: Config{Server: fixed{{Type: "_regions", Reads: 9}, {Type: "maps", Reads: 3, Writes: 4}}}, began: time.Now()}
	body, err := w.Serve(t.Context(), []byte(`{"v":1}`))
	if err != nil || !strings.HasSuffix(string(body), `"types":[{"type":"maps","requests":7}]}`) {
		t.Errorf("got %s, %v", body, err)
	}
	for text, want := range map[string]gazetteer.Kind{
		``: gazetteer.Invalid, `null`: gazetteer.Unsupported, `{}`: gazetteer.Unsupported, `{"v":2}`: gazetteer.Unsupported,
		`{"v":1,"x":1}`: gazetteer.Invalid, `{"v":1}{}`: gazetteer.Invalid, `{"v":"1"}`: gazetteer.Invalid, "\x00": gazetteer.Invalid,
	} {
		if body, err := w.Serve(t.Context(), []byte(text)); gazetteer.KindOf(err) != want || body != nil {
			t.Errorf("%q: got %s, %v, want %v", text, body, err, want)
		}
	}
}

func FuzzServe(f *testing.F) {
	w := &Watch{Config: Config{Server: fixed(nil)}, began: time.Now()}
	f.Add([]byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if answer, err := w.Serve(t.Context(), body); (answer == nil) == (err == nil) {
			t.Errorf("%q: %q, %v", body, answer, err)
		}
	})
}
