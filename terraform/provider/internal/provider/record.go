package provider

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"gazetteer/api/client"
)

type recordModel struct {
	Type       string                   `tfsdk:"type"`
	ID         string                   `tfsdk:"id"`
	Attributes *string                  `tfsdk:"attributes"`
	Locations  map[string]locationModel `tfsdk:"locations"`
	Ack        *string                  `tfsdk:"ack"`
	Version    types.String             `tfsdk:"version"`
}

type locationModel struct {
	URL     string            `tfsdk:"url"`
	Lat     *float64          `tfsdk:"lat"`
	Lon     *float64          `tfsdk:"lon"`
	Country *string           `tfsdk:"country"`
	Weight  float64           `tfsdk:"weight"`
	Labels  map[string]string `tfsdk:"labels"`
}

// document is the record as it is written, its locations in the order of their ids.
func (m *recordModel) document() client.Document {
	d := client.Document{Type: m.Type, ID: m.ID, Locations: []client.Location{}}
	if m.Attributes != nil {
		d.Attributes = json.RawMessage(*m.Attributes)
	}
	for _, id := range m.ids() {
		l := m.Locations[id]
		d.Locations = append(d.Locations, client.Location{ID: id, URL: l.URL, Lat: l.Lat, Lon: l.Lon, Country: orZero(l.Country), Weight: &l.Weight, Labels: l.Labels})
	}
	return d
}

func (m *recordModel) ids() []string { return slices.Sorted(maps.Keys(m.Locations)) }

// take makes the model what was read. Attributes that mean the same stay as they are
// written.
func (m *recordModel) take(d *client.Document) {
	m.Version = types.StringValue(d.Version)
	text := string(d.Attributes)
	if text == "{}" { // how none are told
		text = ""
	}
	if m.Attributes == nil || !sameJSON(*m.Attributes, text) {
		m.Attributes = unlessZero(text)
	}
	m.Locations = nil
	for _, l := range d.Locations {
		if m.Locations == nil {
			m.Locations = map[string]locationModel{}
		}
		m.Locations[l.ID] = locationOf(&l)
	}
}

func locationOf(l *client.Location) locationModel {
	m := locationModel{URL: l.URL, Lat: l.Lat, Lon: l.Lon, Country: unlessZero(l.Country), Weight: 1}
	if l.Weight != nil {
		m.Weight = *l.Weight
	}
	if len(l.Labels) > 0 {
		m.Labels = l.Labels
	}
	return m
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// pointed finds the argument: the body has a list of locations, the arguments a map.
func (m *recordModel) pointed(pointer string) (path.Path, bool) {
	p, ok := asWritten("")(pointer)
	steps := stepsOf(pointer)
	if !ok || steps[1] != "locations" || len(steps) < 3 {
		return p, ok
	}
	i, err := strconv.Atoi(steps[2])
	if err != nil || i >= len(m.Locations) {
		return path.Root("locations"), true
	}
	p = path.Root("locations").AtMapKey(m.ids()[i])
	for n, s := range steps[3:] {
		if n > 0 {
			return p, true // labels: the key is named in the detail
		}
		p = p.AtName(s)
	}
	return p, true
}
