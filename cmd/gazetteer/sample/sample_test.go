package sample

import (
	"bufio"
	"encoding/json"
	"testing"

	"gazetteer"
)

// TestCatalogueIsWhole counts what SOURCE.md promises and validates every line.
func TestCatalogueIsWhole(t *testing.T) {
	types, resources, locations, regrouped := count(t)
	if types != 13 || resources != 637+12 || locations != 4485 || regrouped != 4485 {
		t.Errorf("%d types, %d resources, %d locations and %d regrouped by service; want 13, 649, 4485, 4485",
			types, resources, locations, regrouped)
	}
}

func count(t *testing.T) (types, resources, locations, regrouped int) {
	r, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, gazetteer.MaxRecordBytes)
	for lines.Scan() {
		d := parseLine(t, lines.Bytes())
		seen[d.Type] = true
		resources++
		if d.Type == "service" {
			regrouped += len(d.Locations)
		} else {
			locations += len(d.Locations)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return len(seen), resources, locations, regrouped
}

func parseLine(t *testing.T, line []byte) document {
	var d document
	if err := json.Unmarshal(line, &d); err != nil {
		t.Fatal(err)
	}
	if err := gazetteer.Type(d.Type).Validate(); err != nil {
		t.Error(err)
	}
	ids := map[string]bool{}
	for _, l := range d.Locations {
		v := gazetteer.Location{ID: gazetteer.LocationID(l.ID), URL: l.URL, Point: gazetteer.Point{Lat: l.Lat, Lon: l.Lon}, Located: true, Country: l.Country, Weight: l.Weight}
		if err := v.Validate(); err != nil || ids[l.ID] {
			t.Errorf("%s/%s/%s: %v, seen before: %v", d.Type, d.ID, l.ID, err, ids[l.ID])
		}
		ids[l.ID] = true
	}
	return d
}
