package rest

import (
	"encoding/json"
	"slices"
	"strings"

	"gazetteer"
	"gazetteer/region"
)

// A patch is a merge patch (RFC 7396) of the resource document in which locations are
// an object by id, so that one of them can be named:
//
//	{"attributes":{"size":7,"old":null},"locations":{"fra":{"weight":2},"ams":null}}
//
// It is applied while it is read, to a record that is the patch's own.
type patch struct {
	reader
	record     *gazetteer.Record
	attributes bool // they were touched
	whole      bool // all locations were removed
	touched    []gazetteer.LocationID
}

func (p *patch) apply(text string) error {
	p.Reset(text)
	for ok := p.Object(); ok; {
		var key string
		if key, ok = p.Key(); ok {
			p.member(key)
		}
	}
	return p.End()
}

func (p *patch) member(key string) {
	switch key {
	case "type":
		p.same(string(p.record.Key.Type))
	case "id":
		p.same(string(p.record.Key.ID))
	case "version":
		_ = p.String()
	case "attributes":
		p.mergeAttributes()
	case "locations":
		p.mergeLocations()
	default:
		p.Unknown()
	}
}

func (p *patch) mergeAttributes() {
	p.attributes = true
	if p.Null() {
		p.record.Attributes = nil
		return
	}
	raw := p.object()
	if p.Err() == nil {
		p.record.Attributes = json.RawMessage(merge(string(p.record.Attributes), raw))
	}
}

func (p *patch) mergeLocations() {
	if p.Null() {
		p.whole, p.record.Locations = true, nil
		return
	}
	for ok := p.Object(); ok; {
		var id string
		if id, ok = p.Key(); ok {
			p.mergeLocation(gazetteer.LocationID(id))
		}
	}
}

func (p *patch) mergeLocation(id gazetteer.LocationID) {
	at, known := slices.BinarySearchFunc(p.record.Locations, id, func(l gazetteer.Location, id gazetteer.LocationID) int {
		return strings.Compare(string(l.ID), string(id))
	})
	gone := p.Null()
	if gone && !known {
		return
	}
	p.touched = append(p.touched, id)
	if gone {
		p.record.Locations = slices.Delete(p.record.Locations, at, at+1)
		return
	}
	l := gazetteer.Location{ID: id, Weight: 1}
	if known {
		l = p.record.Locations[at]
	}
	p.mergeFields(&l, known)
	switch {
	case p.Err() != nil:
	case known:
		p.record.Locations[at] = l
	case len(p.record.Locations) == gazetteer.MaxLocations:
		p.TooLarge("is one location more than the %d allowed", gazetteer.MaxLocations)
	default:
		p.record.Locations = slices.Insert(p.record.Locations, at, l)
	}
}

// mergeFields reads members over a location; null takes the field away.
func (p *patch) mergeFields(l *gazetteer.Location, known bool) {
	var has fields
	if known {
		has = hasURL
	}
	if l.Located {
		has |= hasLat | hasLon
	}
	if !p.Object() {
		return
	}
	for {
		key, ok := p.Key()
		if !ok {
			break
		}
		if bit, gone := p.mergeField(key, l); gone {
			has &^= bit
		} else {
			has |= bit
		}
	}
	p.complete(has, l)
}

func (p *patch) mergeField(key string, l *gazetteer.Location) (bit fields, gone bool) {
	if key == "labels" {
		p.mergeLabels(l)
		return hasLabels, false
	}
	if !p.Null() {
		return p.field(key, l), false
	}
	switch key {
	case "url":
		return hasURL, true
	case "lat":
		l.Point.Lat = 0
		return hasLat, true
	case "lon":
		l.Point.Lon = 0
		return hasLon, true
	case "country":
		l.Country = ""
	case "weight":
		l.Weight = 1
	case "id":
		p.Fail("is null, but a location has an id")
	default:
		p.Unknown()
	}
	return 0, true
}

func (p *patch) mergeLabels(l *gazetteer.Location) {
	if p.Null() {
		l.Labels = nil
		return
	}
	merged := slices.Clone(l.Labels)
	for ok := p.Object(); ok; {
		var key string
		if key, ok = p.Key(); ok {
			merged = p.mergeLabel(merged, key)
		}
	}
	l.Labels = merged
}

func (p *patch) mergeLabel(ls []gazetteer.Label, key string) []gazetteer.Label {
	at, known := slices.BinarySearchFunc(ls, gazetteer.Label{Key: key}, byKey)
	switch {
	case !p.Null():
		label := gazetteer.Label{Key: key, Value: p.String()}
		if known {
			ls[at] = label
			return ls
		}
		return slices.Insert(ls, at, label)
	case known:
		return slices.Delete(ls, at, at+1)
	}
	return ls
}

// changes returns what to write: as little as the patch touched, since what is not
// written cannot be in conflict with a writer elsewhere. Nothing for an empty patch.
func (p *patch) changes() []region.Change {
	k := p.record.Key
	switch {
	case !p.attributes && !p.whole && len(p.touched) == 0:
		return nil
	case !p.attributes && !p.whole && len(p.touched) == 1:
		return []region.Change{p.oneElement(k, p.touched[0])}
	}
	attributes := p.record.Attributes
	if string(attributes) == "{}" {
		attributes = nil
	}
	return []region.Change{{Key: k, Op: region.PutResource, Attributes: attributes, Locations: p.record.Locations}}
}

func (p *patch) oneElement(k gazetteer.Key, id gazetteer.LocationID) region.Change {
	for i := range p.record.Locations {
		if p.record.Locations[i].ID == id {
			return region.Change{Key: k, Op: region.PutLocation, Locations: p.record.Locations[i : i+1]}
		}
	}
	return region.Change{Key: k, Op: region.DeleteLocation, Location: id}
}
