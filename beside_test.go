package gazetteer_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"gazetteer"
)

func TestElementBesideALocationIsReadBack(t *testing.T) {
	for _, want := range []gazetteer.Beside{
		{Aspect: gazetteer.Leased, Location: gazetteer.LocationID("fra").Hash(), Region: "eu-central"},
		{Aspect: gazetteer.Checked, Location: ^uint64(0), Region: gazetteer.RegionID(strings.Repeat("r", 63))},
		{Aspect: gazetteer.Checked},
	} {
		id := want.Element()
		if got, ok := id.Beside(); !ok || got != want || !id.IsBeside() {
			t.Errorf("%q is read as %+v (%v), want %+v", id, got, ok, want)
		}
		if utf8.ValidString(string(id)) || id.Validate() == nil {
			t.Errorf("a publisher could name %q", id)
		}
		if len(id) > gazetteer.MaxIDBytes {
			t.Errorf("%q has %d bytes", id, len(id))
		}
	}
}

func TestWhatIsNotBesideALocation(t *testing.T) {
	for _, id := range []gazetteer.LocationID{"", "fra", "l12345678eu", "\xffl1234567", "\xffx12345678eu"} {
		if b, ok := id.Beside(); ok {
			t.Errorf("%q is read as %+v", id, b)
		}
	}
	if !gazetteer.LocationID("\xffx12345678eu").IsBeside() {
		t.Error("an aspect of a newer version counts as a location")
	}
}
