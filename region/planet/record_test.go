package planet

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"gazetteer"
)

func sampleDescription() Description {
	return Description{
		Group: "0123", Place: &Place{Lat: 1.5, Lon: -2},
		Entries: []Entry{{Node: "x-1", Addr: "127.0.0.1:1", HTTP: "127.0.0.1:2"}},
		Stores:  []StoreID{1, 0xffffffffffffffff},
	}
}

// stored is a record as the directory holds it.
func stored(t *testing.T, name string, d *Description, s *Standing) *gazetteer.Record {
	t.Helper()
	r := &gazetteer.Record{Key: gazetteer.Key{Type: gazetteer.RegionsType, ID: gazetteer.ID(name)}}
	if d != nil {
		text, err := encode(*d)
		if err != nil {
			t.Fatal(err)
		}
		r.Attributes = text
	}
	if s != nil {
		r.Locations = []gazetteer.Location{s.location()}
	}
	return r
}

func TestRecordsComeBack(t *testing.T) {
	d := sampleDescription()
	for _, s := range []Standing{{State: Live}, {State: Draining}, {State: Removed},
		{State: Expected, Token: hashOf("x"), Until: time.Unix(1000, 0).UTC()}} {
		got, err := recordOf(stored(t, "x", &d, &s))
		if want := (Record{Name: "x", Description: d, Standing: s}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		l := s.location()
		if err := l.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatNobodySpokeOfIsLive(t *testing.T) {
	d := sampleDescription()
	if got, err := recordOf(stored(t, "x", &d, nil)); err != nil || got.Standing.State != Live {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDamagedRecordsAreRefused(t *testing.T) {
	d := sampleDescription()
	for name, spoil := range map[string]func(*gazetteer.Record){
		"an unknown key":   func(r *gazetteer.Record) { r.Attributes = json.RawMessage(`{"entires":[]}`) },
		"a store in words": func(r *gazetteer.Record) { r.Attributes = json.RawMessage(`{"stores":["12"]}`) },
		"no state":         func(r *gazetteer.Record) { r.Locations[0].Labels[0].Value = "asleep" },
		"no time": func(r *gazetteer.Record) {
			r.Locations[0].Labels = append(r.Locations[0].Labels, gazetteer.Label{Key: "until", Value: "soon"})
		},
	} {
		r := stored(t, "x", &d, &Standing{State: Live})
		spoil(r)
		if got, err := recordOf(r); err == nil || !strings.Contains(err.Error(), "_regions/x") {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestPeerValuesComeBack(t *testing.T) {
	r := Record{Name: "x", Description: sampleDescription(), Standing: Standing{State: Draining}}
	value, err := r.peer()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := peerOf("x", value); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := peerOf("x", []byte(`{"state":"live"} {}`)); err == nil {
		t.Error("two values are one")
	}
}

func TestTokensOpenOnceAndInTime(t *testing.T) {
	token, now := newToken(), time.Unix(1000, 0)
	s := Standing{State: Expected, Token: hashOf(token), Until: now.Add(time.Second)}
	for _, c := range []struct {
		name  string
		s     Standing
		token string
		at    time.Time
		want  bool
	}{
		{"right", s, token, now, true},
		{"another", s, newToken(), now, false},
		{"none", s, "", now, false},
		{"late", s, token, now.Add(time.Second), false},
		{"used", Standing{State: Live}, token, now, false},
		{"none where none is asked for", Standing{State: Expected}, "", time.Time{}, false},
	} {
		if got := c.s.opens(c.token, c.at); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func FuzzPeerOf(f *testing.F) {
	r := Record{Name: "x", Description: sampleDescription(), Standing: Standing{State: Live}}
	value, err := r.peer()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(value)
	f.Add([]byte(`{"stores":["zz"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := peerOf("x", data)
		if err != nil {
			return
		}
		again, err := r.peer()
		if err != nil {
			t.Fatal(err)
		}
		if s, err := peerOf("x", again); err != nil || !s.equal(&r.Description) {
			t.Errorf("%s came back as %s: %v", data, again, err)
		}
	})
}
