package aws

import (
	"testing"
	"time"

	"gazetteer"
)

func TestWorld(t *testing.T) {
	w, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Regions()) != 32 {
		t.Fatalf("%d regions, want 32", len(w.Regions()))
	}
	for _, a := range w.Regions() {
		if err := a.Point.Validate(); err != nil || a.Name.Validate() != nil || !gazetteer.IsCountry(a.Country) {
			t.Errorf("%+v: %v", a, err)
		}
		for _, b := range w.Regions() {
			if d := w.RTT(a.Name, b.Name); d != w.RTT(b.Name, a.Name) || (d == 0) != (a.Name == b.Name) {
				t.Errorf("%s to %s: %v, and back %v", a.Name, b.Name, d, w.RTT(b.Name, a.Name))
			}
		}
	}
	if d := w.RTT("eu-central-2", "eu-south-1"); d != 7108*time.Microsecond {
		t.Errorf("the nearest two are %v apart, want 7.108 ms", d)
	}
	for _, name := range Seven() {
		if _, ok := w.Region(name); !ok {
			t.Errorf("%s is not known", name)
		}
	}
	if _, ok := w.Region("mars-1"); ok || w.RTT("mars-1", "us-east-1") != 0 {
		t.Error("mars-1 is known")
	}
}
