package geo

import (
	"slices"
	"strings"

	"gazetteer"
)

// Filter is a conjunction of conditions on locations; the zero Filter holds for all.
// See [ParseFilter] for its language.
type Filter struct{ conditions []condition }

type operator string

const (
	has      operator = ""
	equal    operator = "="
	notEqual operator = "!="
)

// condition speaks of one property of a location.
type condition struct {
	key   string
	op    operator
	value string
}

// IsZero reports whether f holds for everything because it has no condition.
func (f Filter) IsZero() bool { return len(f.conditions) == 0 }

// Match reports whether every condition holds for l.
func (f Filter) Match(l *gazetteer.Location) bool { return f.failed(l) == nil }

// String returns the filter in the language of [ParseFilter].
func (f Filter) String() string {
	texts := make([]string, len(f.conditions))
	for i := range f.conditions {
		texts[i] = f.conditions[i].String()
	}
	return strings.Join(texts, ",")
}

// failed returns the first condition that does not hold for l, nil if all do.
func (f Filter) failed(l *gazetteer.Location) *condition {
	for i := range f.conditions {
		if c := &f.conditions[i]; !c.holds(l) {
			return c
		}
	}
	return nil
}

func (c *condition) holds(l *gazetteer.Location) bool {
	value, ok := property(l, c.key)
	switch c.op {
	case equal:
		return ok && value == c.value
	case notEqual:
		return !ok || value != c.value
	default:
		return ok
	}
}

func (c *condition) String() string {
	if c.op == has {
		return escape(c.key)
	}
	return escape(c.key) + string(c.op) + escape(c.value)
}

// property returns what a key names in a location, and whether the location has it.
func property(l *gazetteer.Location, key string) (string, bool) {
	switch key {
	case "id":
		return string(l.ID), true
	case "country":
		return l.Country, l.Country != ""
	}
	i, ok := slices.BinarySearchFunc(l.Labels, key, func(l gazetteer.Label, key string) int {
		return strings.Compare(l.Key, key)
	})
	if !ok {
		return "", false
	}
	return l.Labels[i].Value, true
}
