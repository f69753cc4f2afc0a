package gazetteer_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gazetteer"
)

func TestTheHigherStampWinsWhateverTheOrder(t *testing.T) {
	a, b := gazetteer.Origin{Store: 1}, gazetteer.Origin{Store: 2}
	rising := []gazetteer.Stamp{
		{Epoch: 0, Clock: 1, Origin: a},
		{Epoch: 0, Clock: 1, Origin: b},
		{Epoch: 0, Clock: 2, Origin: a},
		{Epoch: 1, Clock: 0, Origin: a}, // an epoch of a mastership is above every clock
	}
	for i, s := range rising {
		for j, u := range rising {
			if got, want := s.Compare(u) < 0, i < j; got != want {
				t.Errorf("%v < %v is %v", s, u, got)
			}
		}
	}
}

func TestClockCounterCarriesIntoTheMilliseconds(t *testing.T) {
	c := gazetteer.ClockAt(1000) + 0xffff
	if c.UnixMilli() != 1000 || (c+1).UnixMilli() != 1001 {
		t.Errorf("%x is in %d, the next in %d", c, c.UnixMilli(), (c + 1).UnixMilli())
	}
}

// The values are part of the data: a change moves ids to other partitions. xxHash64 of
// nothing is published as ef46db3751d8e999, which is 171 modulo 271.
func TestPartitionOfIsFixed(t *testing.T) {
	for id, want := range map[gazetteer.ID]uint32{"": 171, "akl": 53, "naïve/..": 20} {
		if got := gazetteer.PartitionOf(gazetteer.Key{Type: "ndt", ID: id}, 271).Index; got != want {
			t.Errorf("partition of %q is %d, was %d", id, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for _, bad := range []string{"", "A", "1a", "a_b", "a-", "-a", "any", "second", "_types", strings.Repeat("a", 64), "é"} {
		if gazetteer.Type(bad).Validate() == nil || gazetteer.RegionID(bad).Validate() == nil {
			t.Errorf("%q passed as a label", bad)
		}
	}
	for _, good := range []string{"a", "ndt", "us-east-1", strings.Repeat("a", 63)} {
		if err := gazetteer.Type(good).Validate(); err != nil {
			t.Error(err)
		}
	}
	for _, good := range []string{"/", "..", "a b", "🗺", strings.Repeat("x", 255), "\x00"} {
		if err := gazetteer.ID(good).Validate(); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", strings.Repeat("x", 256), "\xff"} {
		if gazetteer.ID(bad).Validate() == nil || gazetteer.LocationID(bad).Validate() == nil {
			t.Errorf("%q passed as an id", bad)
		}
	}
}

func TestLocationsPointAtWhatIsWrong(t *testing.T) {
	good := gazetteer.Location{ID: "a", URL: "https://h/p", Point: gazetteer.Point{Lat: -90, Lon: 180}, Located: true, Country: "NZ", Weight: 1}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for pointer, break_ := range map[string]func(*gazetteer.Location){
		"/url":     func(l *gazetteer.Location) { l.URL = "not a url" },
		"/lat":     func(l *gazetteer.Location) { l.Point.Lat = 90.5 },
		"/lon":     func(l *gazetteer.Location) { l.Point.Lon = -181 },
		"/country": func(l *gazetteer.Location) { l.Country = "nz" },
		"/weight":  func(l *gazetteer.Location) { l.Weight = -1 },
	} {
		l := good
		break_(&l)
		var e *gazetteer.Error
		if err := l.Validate(); !errors.As(err, &e) || e.Pointer != pointer || e.Kind != gazetteer.Unprocessable {
			t.Errorf("%s: %v", pointer, err)
		}
	}
}

func TestErrorsSayWhereWhatAndWhich(t *testing.T) {
	cause := errors.New("disk on fire")
	err := fmt.Errorf("wrapped: %w", &gazetteer.Error{
		Op: "cluster.Place", Kind: gazetteer.Unavailable, Key: gazetteer.Key{Type: "ndt", ID: "akl"}, Detail: "no ring", Err: cause,
	})
	if got, want := err.Error(), "wrapped: cluster.Place ndt/akl: no ring: disk on fire"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if gazetteer.KindOf(err) != gazetteer.Unavailable || !errors.Is(err, cause) {
		t.Error("the kind or the cause is lost")
	}
	if gazetteer.KindOf(cause) != gazetteer.Internal {
		t.Error("a foreign error is not ours to judge")
	}
}

func TestEveryKindHasAName(t *testing.T) {
	var names []string
	for k := gazetteer.Internal; k <= gazetteer.Denied; k++ {
		if slices.Contains(names, k.String()) || strings.HasPrefix(k.String(), "kind ") {
			t.Errorf("kind %d is called %q", k, k)
		}
		names = append(names, k.String())
	}
}
