package geo

import (
	"encoding/csv"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gazetteer"
)

func TestCentresAreSortedValidAndComplete(t *testing.T) {
	// ISO 3166-1 has 249 codes; XK is the one beside them.
	if len(centres) != 250 {
		t.Errorf("%d centres, want 250", len(centres))
	}
	if !slices.IsSortedFunc(centres[:], func(a, b centre) int { return strings.Compare(a.country, b.country) }) {
		t.Error("centres are not sorted")
	}
	for i, c := range centres {
		if !gazetteer.IsCountry(c.country) || c.point.Validate() != nil || c.point == (gazetteer.Point{}) {
			t.Errorf("bad row %+v", c)
		}
		if i > 0 && c.country == centres[i-1].country {
			t.Errorf("%s twice", c.country)
		}
	}
	for _, code := range []string{"", "A", "de", "DEU", "ZZ", "AN", "UK"} {
		if c := centreOf(code); c != nil {
			t.Errorf("%q has centre %v", code, c.point)
		}
	}
}

// Known places of a country are not further from its centre than its size explains.
func TestCentresAreNearKnownPlacesOfTheirCountries(t *testing.T) {
	far := map[string]float64{"US": 6000 /* Hawaii */, "AU": 3300, "BR": 2500, "CA": 3000, "CN": 2100, "CL": 1000, "ID": 1600, "IN": 1500,
		"NO": 1000, "ZA": 1000, "SE": 900, "AR": 900, "MZ": 1300, "MX": 800}
	places := 0
	check := func(source, country string, p gazetteer.Point) {
		places++
		c := centreOf(country)
		if c == nil {
			t.Errorf("%s: %s has no centre", source, country)
			return
		}
		limit := max(700, far[country])
		if d := DistanceKM(p, c.point); d > limit {
			t.Errorf("%s: %v is %.0f km from the centre of %s, want at most %.0f", source, p, d, country, limit)
		}
	}
	for _, r := range readCSV(t, "testdata/aws-regions.csv") {
		check(r["region"], r["country_iso"], pointOf(t, r))
	}
	for _, r := range readCSV(t, "testdata/mlab-metros.csv") {
		check(r["metro"], r["country"], pointOf(t, r))
	}
	// The far records of the GeoIP test data are real places of their countries, too.
	for _, e := range readLookups(t) {
		if e.Latitude != nil && e.Country != nil {
			check(e.IP, *e.Country, gazetteer.Point{Lat: *e.Latitude, Lon: *e.Longitude})
		}
	}
	if places < 250 {
		t.Errorf("only %d places checked", places)
	}
}

// readCSV reads rows as maps from the header's names.
func readCSV(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			m[name] = row[i]
		}
		out = append(out, m)
	}
	return out
}

func pointOf(t *testing.T, row map[string]string) gazetteer.Point {
	t.Helper()
	lat, err := strconv.ParseFloat(row["latitude"], 64)
	if err != nil {
		t.Fatal(err)
	}
	lon, err := strconv.ParseFloat(row["longitude"], 64)
	if err != nil {
		t.Fatal(err)
	}
	return gazetteer.Point{Lat: lat, Lon: lon}
}
