package pb

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"gazetteer"

	"google.golang.org/protobuf/proto"
)

func sampleLocations() []gazetteer.Location {
	return []gazetteer.Location{
		{URL: "https://mirror.example/debian/", Weight: 1},
		{URL: "https://zero.example/", Located: true, Weight: 0},
		{URL: "https://fra.example/", Point: gazetteer.Point{Lat: 50.11, Lon: 8.68}, Located: true, Country: "DE", Weight: 2.5,
			Labels: []gazetteer.Label{{Key: "empty"}, {Key: "machine", Value: "mlab1"}, {Key: "site", Value: "fra01"}}},
		{URL: strings.Repeat("x", 300), Weight: 1, Labels: []gazetteer.Label{{Key: strings.Repeat("k", 200), Value: strings.Repeat("v", 200)}}},
		{Weight: 1},
	}
}

func TestLocationSurvivesItsBody(t *testing.T) {
	for _, want := range sampleLocations() {
		got := gazetteer.Location{ID: "kept"}
		if err := DecodeLocation(AppendLocation(nil, &want), &got); err != nil {
			t.Fatal(err)
		}
		want.ID = "kept"
		if !equalLocations(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestLocationBodyIsWhatTheSchemaSays(t *testing.T) {
	for _, l := range sampleLocations() {
		body := AppendLocation(nil, &l)
		var strict Location
		if err := proto.Unmarshal(body, &strict); err != nil {
			t.Fatal(err)
		}
		if got := fromGenerated(&strict); !equalLocations(got, l) {
			t.Errorf("the schema reads %+v, want %+v", got, l)
		}
		if canonical, err := strict.MarshalVT(); err != nil || !bytes.Equal(canonical, body) {
			t.Errorf("the schema writes %x, we write %x (%v)", canonical, body, err)
		}
	}
}

func TestUnknownPlaceIsNeverNullIsland(t *testing.T) {
	onlyLat := appendDouble(nil, locationLat, 12)
	l := gazetteer.Location{Point: gazetteer.Point{Lat: 1, Lon: 2}, Located: true}
	if err := DecodeLocation(onlyLat, &l); err != nil {
		t.Fatal(err)
	}
	if l.Located || l.Point != (gazetteer.Point{}) {
		t.Errorf("one coordinate alone places a location: %+v", l)
	}
	if err := DecodeLocation(appendDouble(onlyLat, locationLon, 0), &l); err != nil || !l.Located {
		t.Errorf("longitude 0 was taken for none: %+v, %v", l, err)
	}
}

func TestDecodeLocationResetsWhatWasThere(t *testing.T) {
	l := sampleLocations()[2]
	l.ID = "a"
	if err := DecodeLocation(nil, &l); err != nil {
		t.Fatal(err)
	}
	if want := (gazetteer.Location{ID: "a", Weight: 1}); !equalLocations(l, want) {
		t.Errorf("got %+v, want %+v", l, want)
	}
}

func TestDecodeLocationRefusesWhatCannotBe(t *testing.T) {
	whole := AppendLocation(nil, &sampleLocations()[2])
	bodies := map[string][]byte{
		"truncated":           whole[:len(whole)-1],
		"url as a number":     {locationURL << 3, 1},
		"latitude as text":    {locationLat<<3 | 2, 0},
		"label as a number":   {locationLabels << 3, 1},
		"label cut":           {locationLabels<<3 | 2, 2, labelKey<<3 | 2, 5},
		"end of no group":     {1<<3 | 4},
		"field number 0":      {0, 0},
		"latitude 91":         appendDouble(appendDouble(nil, locationLat, 91), locationLon, 0),
		"longitude not known": appendDouble(appendDouble(nil, locationLat, 1), locationLon, math.NaN()),
		"weight below zero":   appendDouble(nil, locationWeight, -1),
		"weight not a number": appendDouble(nil, locationWeight, math.NaN()),
		"weight infinite":     appendDouble(nil, locationWeight, math.Inf(1)),
	}
	for name, body := range bodies {
		var l gazetteer.Location
		if err := DecodeLocation(body, &l); gazetteer.KindOf(err) != gazetteer.Internal || err == nil {
			t.Errorf("%s: err = %v", name, err)
		}
	}
}

func TestUnknownFieldsArePassedOver(t *testing.T) {
	want := sampleLocations()[2]
	body := []byte{15<<3 | 2, 3, 'n', 'e', 'w', 14<<3 | 3, 13 << 3, 7, 14<<3 | 4} // bytes, then a group
	body = AppendLocation(body, &want)
	body = append(body, 12<<3|5, 1, 2, 3, 4)
	var got gazetteer.Location
	if err := DecodeLocation(body, &got); err != nil || !equalLocations(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDecodeLocationAllocatesNothing(t *testing.T) {
	body := AppendLocation(nil, &sampleLocations()[2])
	var l gazetteer.Location
	n := testing.AllocsPerRun(100, func() {
		if err := DecodeLocation(body, &l); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAttributesSurviveTheirBody(t *testing.T) {
	for _, want := range []json.RawMessage{nil, json.RawMessage(`{}`), json.RawMessage(`{"title":"CRAN"}`)} {
		body := AppendAttributes([]byte{}, want)
		got, err := DecodeAttributes(body)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
		var strict Attributes
		if err := proto.Unmarshal(body, &strict); err != nil || !bytes.Equal(strict.Json, want) {
			t.Errorf("the schema reads %s, %v, want %s", strict.Json, err, want)
		}
	}
	if _, err := DecodeAttributes([]byte{attributesJSON<<3 | 2, 9}); err == nil {
		t.Error("a truncated body was taken")
	}
}

func FuzzDecodeLocation(f *testing.F) {
	for _, l := range sampleLocations() {
		f.Add(AppendLocation(nil, &l))
	}
	f.Add([]byte{14<<3 | 3, 13 << 3, 7, 14<<3 | 4})
	f.Fuzz(func(t *testing.T, body []byte) {
		var l gazetteer.Location
		if err := DecodeLocation(body, &l); err != nil {
			return
		}
		var generated Location
		if err := generated.UnmarshalVT(body); err != nil {
			t.Fatalf("the generated decoder refuses it: %v", err)
		}
		want := fromGenerated(&generated)
		if !equalLocations(l, want) {
			t.Fatalf("got %+v, the generated decoder %+v", l, want)
		}
		var again gazetteer.Location
		if err := DecodeLocation(AppendLocation(nil, &l), &again); err != nil || !equalLocations(again, l) {
			t.Fatalf("written and read again: %+v, %v, was %+v", again, err, l)
		}
	})
}

func FuzzDecodeAttributes(f *testing.F) {
	f.Add(AppendAttributes(nil, json.RawMessage(`{"a":1}`)))
	f.Add([]byte{1<<3 | 2, 9})
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := DecodeAttributes(body)
		if err != nil {
			return
		}
		var generated Attributes
		if err := generated.UnmarshalVT(body); err != nil || !bytes.Equal(got, generated.Json) {
			t.Fatalf("got %q, the generated decoder %q, %v", got, generated.Json, err)
		}
	})
}

func BenchmarkDecodeLocation(b *testing.B) {
	body := AppendLocation(nil, &sampleLocations()[2])
	var l gazetteer.Location
	b.ReportAllocs()
	for b.Loop() {
		if err := DecodeLocation(body, &l); err != nil {
			b.Fatal(err)
		}
	}
}

// fromGenerated reads the schema's message as DecodeLocation should.
func fromGenerated(m *Location) gazetteer.Location {
	l := gazetteer.Location{URL: m.Url, Country: m.Country, Weight: 1}
	if m.Lat != nil && m.Lon != nil {
		l.Point, l.Located = gazetteer.Point{Lat: *m.Lat, Lon: *m.Lon}, true
	}
	if m.Weight != nil {
		l.Weight = *m.Weight
	}
	for _, label := range m.Labels {
		l.Labels = append(l.Labels, gazetteer.Label{Key: label.Key, Value: label.Value})
	}
	return l
}

func equalLocations(a, b gazetteer.Location) bool {
	same := slices.Equal(a.Labels, b.Labels)
	a.Labels, b.Labels = nil, nil
	return same && a.ID == b.ID && a.URL == b.URL && a.Point == b.Point && a.Located == b.Located &&
		a.Country == b.Country && a.Weight == b.Weight
}
