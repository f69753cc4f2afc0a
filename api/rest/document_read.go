package rest

import (
	"encoding/json"
	"slices"
	"strings"

	"gazetteer"
	"gazetteer/api/rest/jsontext"
	"gazetteer/region"
)

// A reader makes changes of documents in one pass over their text. It says what is
// malformed, unknown or of the wrong sort; ranges, URLs and sizes are judged by the
// region, for every face alike.
//
// What it makes points into the text and into slices that it fills but never writes
// again: a reader may serve for one batch of changes after the other, each lives on its
// own.
type reader struct {
	jsontext.Reader
	locations []gazetteer.Location
	labels    []gazetteer.Label
}

// document reads a resource document into c, which holds the type and, unless any will
// do, the id that the document must not contradict.
func (r *reader) document(text string, c *region.Change) error {
	r.Reset(text)
	c.Op = region.PutResource
	for ok := r.Object(); ok; {
		var key string
		if key, ok = r.Key(); ok {
			r.member(key, c)
		}
	}
	if err := r.End(); err != nil {
		return err
	}
	if c.Key.ID == "" {
		return refused(gazetteer.Unprocessable, "/id", "is missing: every line names its resource")
	}
	return nil
}

func (r *reader) member(key string, c *region.Change) {
	switch key {
	case "type":
		r.same(string(c.Key.Type))
	case "id":
		r.resourceID(&c.Key)
	case "attributes":
		c.Attributes = r.attributes()
	case "locations":
		c.Locations = r.list()
	case "version":
		_ = r.String() // what GET said: a precondition is If-Match
	case "health":
		r.Raw() // what GET showed: nobody publishes that
	default:
		r.Unknown()
	}
}

// same reads a string that must be what the path says.
func (r *reader) same(want string) {
	if got := r.String(); got != want {
		r.Fail("is %.80q, but the path says %.80q", got, want)
	}
}

func (r *reader) resourceID(k *gazetteer.Key) {
	if k.ID != "" {
		r.same(string(k.ID))
		return
	}
	if k.ID = gazetteer.ID(r.String()); k.ID == "" {
		r.Fail("is empty")
	}
}

// attributes returns nil for an empty object.
func (r *reader) attributes() json.RawMessage {
	raw := r.object()
	if raw == "{}" || raw == "" {
		return nil
	}
	return json.RawMessage(raw)
}

// object reads any object whole.
func (r *reader) object() string {
	raw := r.Raw()
	if r.Err() == nil && raw[0] != '{' {
		r.Fail("is not an object")
	}
	return raw
}

// list reads an array of locations.
func (r *reader) list() []gazetteer.Location {
	from := len(r.locations)
	for ok := r.Array(); ok && r.Next(); {
		if len(r.locations)-from == gazetteer.MaxLocations {
			r.TooLarge("is one location more than the %d allowed", gazetteer.MaxLocations)
			break
		}
		r.locations = append(r.locations, gazetteer.Location{Weight: 1})
		r.location(&r.locations[len(r.locations)-1])
	}
	return slices.Clip(r.locations[from:])
}

// oneLocation reads the document of one location into c, which holds its id.
func (r *reader) oneLocation(text string, id gazetteer.LocationID, c *region.Change) error {
	r.Reset(text)
	c.Op = region.PutLocation
	l := gazetteer.Location{Weight: 1, ID: id}
	r.location(&l)
	c.Locations = []gazetteer.Location{l}
	return r.End()
}

// fields is which fields of a location a text names.
type fields uint8

const (
	hasID fields = 1 << iota
	hasURL
	hasLat
	hasLon
	hasCountry
	hasWeight
	hasLabels
)

// location reads a location over what l holds. An id that l has must not be
// contradicted.
func (r *reader) location(l *gazetteer.Location) {
	if !r.Object() {
		return
	}
	var found fields
	for {
		key, ok := r.Key()
		if !ok {
			break
		}
		found |= r.field(key, l)
	}
	r.complete(found, l)
}

func (r *reader) field(key string, l *gazetteer.Location) fields {
	switch key {
	case "id":
		r.locationID(l)
		return hasID
	case "url":
		l.URL = r.String()
		return hasURL
	case "lat":
		l.Point.Lat = r.Number()
		return hasLat
	case "lon":
		l.Point.Lon = r.Number()
		return hasLon
	case "country":
		l.Country = r.String()
		return hasCountry
	case "weight":
		l.Weight = r.Number()
		return hasWeight
	case "labels":
		l.Labels = r.labelled()
		return hasLabels
	case "health":
		r.Raw() // what GET showed
		return 0
	}
	r.Unknown()
	return 0
}

func (r *reader) locationID(l *gazetteer.Location) {
	if l.ID != "" {
		r.same(string(l.ID))
		return
	}
	l.ID = gazetteer.LocationID(r.String())
}

// complete refuses a location that lacks what every location has, and half a point.
func (r *reader) complete(found fields, l *gazetteer.Location) {
	switch {
	case r.Err() != nil:
	case l.ID == "":
		r.Fail("lacks an id")
	case found&hasURL == 0:
		r.Fail("lacks a url")
	case found&hasLat != 0 && found&hasLon == 0:
		r.Fail("has lat but no lon; give both or neither")
	case found&hasLon != 0 && found&hasLat == 0:
		r.Fail("has lon but no lat; give both or neither")
	}
	l.Located = found&hasLat != 0
}

// labelled reads an object of strings.
func (r *reader) labelled() []gazetteer.Label {
	from := len(r.labels)
	for ok := r.Object(); ok; {
		var key string
		if key, ok = r.Key(); ok {
			r.labels = append(r.labels, gazetteer.Label{Key: key, Value: r.String()})
		}
	}
	ls := slices.Clip(r.labels[from:])
	if !slices.IsSortedFunc(ls, byKey) {
		slices.SortFunc(ls, byKey)
	}
	if len(ls) == 0 {
		return nil
	}
	return ls
}

func byKey(a, b gazetteer.Label) int { return strings.Compare(a.Key, b.Key) }

// letGo begins new slices once the present ones hold many locations: what earlier
// changes point into is freed with them.
func (r *reader) letGo(many int) {
	if len(r.locations) >= many {
		r.locations = make([]gazetteer.Location, 0, cap(r.locations))
	}
	if len(r.labels) >= many {
		r.labels = make([]gazetteer.Label, 0, cap(r.labels))
	}
}
