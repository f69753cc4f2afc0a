package geo

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"gazetteer"
)

// Limits of a filter's text.
const (
	maxFilterBytes      = 4096
	maxFilterConditions = 32
)

// special are the bytes that mean something in a filter unless a backslash stands
// before them.
const special = `,=!\`

// ParseFilter reads a filter:
//
//	filter    = "" | condition { "," condition }     all conditions must hold
//	condition = key                                  the location has it
//	          | key "=" value                        it has it, with this value
//	          | key "!=" value                       it has not, or with another value
//	key       = "id" | "country" | the key of a label
//
// A backslash before a comma, "=", "!" or backslash takes away its meaning. Nothing is
// trimmed: spaces count. A country is two letters, in either case; a label named "id"
// or "country" cannot be asked for. An error has kind Invalid and names the byte, from
// 0, at which the text cannot be read.
func ParseFilter(text string) (Filter, error) {
	if len(text) > maxFilterBytes {
		return Filter{}, badFilter(maxFilterBytes, "longer than %d bytes", maxFilterBytes)
	}
	if !utf8.ValidString(text) {
		return Filter{}, badFilter(invalidAt(text), "not valid UTF-8")
	}
	if text == "" {
		return Filter{}, nil
	}
	return (&parser{text: text}).filter()
}

// parser reads text from at on.
type parser struct {
	text string
	at   int
}

func (p *parser) filter() (Filter, error) {
	var f Filter
	for {
		if len(f.conditions) == maxFilterConditions {
			return Filter{}, badFilter(p.at, "more than %d conditions", maxFilterConditions)
		}
		c, err := p.condition()
		if err != nil {
			return Filter{}, err
		}
		f.conditions = append(f.conditions, c)
		if !p.take(",") {
			return f, nil
		}
	}
}

func (p *parser) condition() (condition, error) {
	start := p.at
	key, err := p.word()
	if err != nil {
		return condition{}, err
	}
	if key == "" {
		return condition{}, badFilter(start, "want a key: id, country or the key of a label")
	}
	c := condition{key: key, op: p.operator()}
	if c.op != has {
		start = p.at
		if c.value, err = p.word(); err != nil {
			return condition{}, err
		}
	}
	if p.at < len(p.text) && p.text[p.at] != ',' {
		return condition{}, badFilter(p.at, `%q is out of place: put a backslash before it or end the condition with a comma`, p.text[p.at])
	}
	return c, c.checkValue(start)
}

func (p *parser) operator() operator {
	switch {
	case p.take("!="):
		return notEqual
	case p.take("="):
		return equal
	default:
		return has
	}
}

// word reads up to the next special byte and undoes the escapes.
func (p *parser) word() (string, error) {
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c == '\\' {
			p.at++
			if p.at == len(p.text) || strings.IndexByte(special, p.text[p.at]) < 0 {
				return "", badFilter(p.at, `a backslash stands only before one of %s`, special)
			}
			c = p.text[p.at]
		} else if strings.IndexByte(special, c) >= 0 {
			break
		}
		b.WriteByte(c)
		p.at++
	}
	return b.String(), nil
}

func (p *parser) take(s string) bool {
	if !strings.HasPrefix(p.text[p.at:], s) {
		return false
	}
	p.at += len(s)
	return true
}

// checkValue refuses a country that no location can have, and brings the others into
// the form that locations have.
func (c *condition) checkValue(at int) error {
	if c.key != "country" || c.op == has {
		return nil
	}
	c.value = strings.ToUpper(c.value)
	if !gazetteer.IsCountry(c.value) {
		return badFilter(at, "%.80q is not an ISO 3166-1 alpha-2 country code of two letters", c.value)
	}
	return nil
}

func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(special, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func invalidAt(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return len(s)
}

func badFilter(at int, format string, args ...any) error {
	return &gazetteer.Error{Op: "geo.ParseFilter", Kind: gazetteer.Invalid, Pointer: "filter",
		Detail: fmt.Sprintf("byte %d: ", at) + fmt.Sprintf(format, args...)}
}
