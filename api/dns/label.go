package dns

import (
	"encoding/base32"
	"strings"
)

// An id is up to 255 bytes of any text, a label is at most 63 letters, digits and hyphens
// in either case. An id that is such a label in lower case stands for itself. Any other is
// written in base32hex (RFC 4648, section 7) in lower case without padding, cut into labels
// of at most 60 characters: the last one begins with "_b-", those before it with "_c-". So
// a name says the whole id, and nobody has to keep a table of hashes. What makes a name
// longer than 255 bytes has none.
const (
	lastPart   = "_b-"
	beforePart = "_c-"
	partMax    = 60
)

// labels returns an id as labels, such as "lhr", or "_c-….… _b-…" joined by dots.
func labels(id string) string {
	if isPlain(id) {
		return id
	}
	text := strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(id)))
	var b strings.Builder
	for len(text) > partMax {
		b.WriteString(beforePart + text[:partMax] + ".")
		text = text[partMax:]
	}
	return b.String() + lastPart + text
}

// isPlain reports whether an id is a label that means nothing else.
func isPlain(id string) bool {
	return isHostLabel(id) && id == strings.ToLower(id) && id != "any" && id != "second"
}

// takeID takes the id off the end of a list of labels; false if they do not end with one.
// Each id has one way to be written.
func takeID(ls []string) (id string, rest []string, ok bool) {
	if len(ls) == 0 {
		return "", nil, false
	}
	last := len(ls) - 1
	text, encoded := strings.CutPrefix(ls[last], lastPart)
	if !encoded {
		return ls[last], ls[:last], isPlain(ls[last])
	}
	for last > 0 && strings.HasPrefix(ls[last-1], beforePart) {
		last--
		text = ls[last][len(beforePart):] + text
	}
	b, err := base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(text))
	id = string(b)
	return id, ls[:last], err == nil && labels(id) == strings.Join(ls[last:], ".")
}
