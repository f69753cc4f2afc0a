package gazetteer

import (
	"fmt"
	"math"
	"net/url"
	"unicode/utf8"
)

// Validate checks that t can be named by a user: a DNS label of lower-case letters,
// digits and hyphens that starts with a letter, at most 63 bytes. The names "any" and
// "second" are reserved, names with "_" are internal.
func (t Type) Validate() error { return validateLabel("type", string(t)) }

// Internal reports whether t is one of the types the service keeps for itself.
func (t Type) Internal() bool { return t == TypesType || t == RegionsType }

// Validate checks that r is a DNS label. Regions and types share one name space.
func (r RegionID) Validate() error { return validateLabel("region", string(r)) }

// Validate checks the length and the encoding of an id.
func (id ID) Validate() error { return validateName("id", string(id)) }

// Validate checks the length and the encoding of a location id.
func (id LocationID) Validate() error { return validateName("location id", string(id)) }

// Validate checks the fields of a location. Errors point at the field by its JSON name.
func (l *Location) Validate() error {
	if err := l.ID.Validate(); err != nil {
		return err
	}
	if err := validateURL(l.URL); err != nil {
		return err
	}
	if l.Located {
		if err := l.Point.Validate(); err != nil {
			return err
		}
	}
	if l.Country != "" && !IsCountry(l.Country) {
		return invalid("/country", "%q is not an ISO 3166-1 alpha-2 code of two upper-case letters", l.Country)
	}
	if math.IsNaN(l.Weight) || l.Weight < 0 || l.Weight > 1e6 {
		return invalid("/weight", "%v is not between 0 and 1000000", l.Weight)
	}
	return nil
}

// Validate checks the range of the coordinates.
func (p Point) Validate() error {
	if !(p.Lat >= -90 && p.Lat <= 90) {
		return invalid("/lat", "%v is not between -90 and 90", p.Lat)
	}
	if !(p.Lon >= -180 && p.Lon <= 180) {
		return invalid("/lon", "%v is not between -180 and 180", p.Lon)
	}
	return nil
}

// IsCountry reports whether s looks like an ISO 3166-1 alpha-2 code.
func IsCountry(s string) bool {
	return len(s) == 2 && 'A' <= s[0] && s[0] <= 'Z' && 'A' <= s[1] && s[1] <= 'Z'
}

func validateLabel(what, s string) error {
	if s == "" || len(s) > 63 {
		return invalid("", "%s %.80q has %d bytes, want 1 to 63", what, s, len(s))
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || (c != '-' && (c < '0' || c > '9'))) {
			return invalid("", "%s %q is not a DNS label: lower-case letters, digits and hyphens, a letter first", what, s)
		}
	}
	if s[len(s)-1] == '-' {
		return invalid("", "%s %q ends with a hyphen", what, s)
	}
	if s == "any" || s == "second" {
		return invalid("", "%s name %q is reserved", what, s)
	}
	return nil
}

func validateName(what, s string) error {
	if s == "" || len(s) > MaxIDBytes {
		return invalid("", "%s has %d bytes, want 1 to %d", what, len(s), MaxIDBytes)
	}
	if !utf8.ValidString(s) {
		return invalid("", "%s %q is not valid UTF-8", what, s)
	}
	return nil
}

func validateURL(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return invalid("/url", "%.200q is not a URL", s)
	}
	if u.Scheme == "" || (u.Host == "" && u.Opaque == "" && u.Path == "") {
		return invalid("/url", "%.200q is not an absolute URL such as https://host/path", s)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return invalid("/url", "%.200q holds a space or control character; percent-encode it", s)
		}
	}
	return nil
}

func invalid(pointer, format string, args ...any) error {
	return &Error{Op: "gazetteer.Validate", Kind: Unprocessable, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
}
