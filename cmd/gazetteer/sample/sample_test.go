package sample

import (
	"bufio"
	"encoding/json"
	"testing"

	"gazetteer"
)

// TestCatalogueIsWhole counts what SOURCE.md promises and validates every line.
func TestCatalogueIsWhole(t *testing.T) {
	c := count(t)
	if c.types != Types || c.resources != Resources || c.locations+c.regrouped != Locations {
		t.Errorf("%+v, want what the constants say", c)
	}
	if c.resources != 637+12 || c.locations != 4485 || c.regrouped != 4485 {
		t.Errorf("%+v, want 637 resources and 12 regrouped ones, 4485 locations each", c)
	}
	if c.last != LastType+"/"+LastID {
		t.Errorf("the last resource is %s", c.last)
	}
}

type contents struct {
	types, resources, locations, regrouped int
	last                                   string
}

func count(t *testing.T) (c contents) {
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
		c.last = d.Type + "/" + d.ID
		c.resources++
		if d.Type == "service" {
			c.regrouped += len(d.Locations)
		} else {
			c.locations += len(d.Locations)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	c.types = len(seen)
	return c
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
