package jsontext

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// String reads a string.
func (r *Reader) String() string {
	if r.err != nil {
		return ""
	}
	if r.peek() != '"' {
		r.wrong("a string")
		return ""
	}
	return r.quoted()
}

// quoted reads the string whose opening quote is next.
func (r *Reader) quoted() string {
	start := r.i + 1
	end := plainEnd(r.s, start)
	if end < len(r.s) && r.s[end] == '"' {
		r.i = end + 1
		return r.s[start:end]
	}
	return r.escaped(start, end)
}

// escaped reads on from the first byte that is not plain.
func (r *Reader) escaped(start, end int) string {
	var b []byte
	for {
		b = append(b, r.s[start:end]...)
		r.i = end
		switch {
		case end == len(r.s):
			r.syntax("ends within a string")
			return ""
		case r.s[end] == '"':
			r.i++
			return string(b)
		case r.s[end] != '\\':
			r.syntax("holds a bare control character in a string")
			return ""
		}
		c, ok := r.escape()
		if !ok {
			return ""
		}
		b = utf8.AppendRune(b, c)
		start = r.i
		end = plainEnd(r.s, start)
	}
}

// escape reads one escape sequence, a pair of surrogates as one.
func (r *Reader) escape() (rune, bool) {
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if r.i+1 >= len(r.s) {
		r.syntax("ends within a string")
		return 0, false
	}
	if k := strings.IndexByte(from, r.s[r.i+1]); k >= 0 {
		r.i += 2
		return rune(to[k]), true
	}
	c, ok := r.hex(r.i)
	if !ok {
		r.syntax("has an unknown escape")
		return 0, false
	}
	if !utf16.IsSurrogate(c) {
		r.i += 6
		return c, true
	}
	low, _ := r.hex(r.i + 6)
	pair := utf16.DecodeRune(c, low)
	if pair == utf8.RuneError {
		r.syntax("has half of a surrogate pair")
		return 0, false
	}
	r.i += 12
	return pair, true
}

// hex reads \uXXXX at i.
func (r *Reader) hex(i int) (rune, bool) {
	if i+6 > len(r.s) || r.s[i] != '\\' || r.s[i+1] != 'u' {
		return 0, false
	}
	var v rune
	for _, c := range []byte(r.s[i+2 : i+6]) {
		switch {
		case '0' <= c && c <= '9':
			v = v<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			v = v<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

// Bool reads true or false.
func (r *Reader) Bool() bool {
	if r.err != nil {
		return false
	}
	switch r.peek() {
	case 't':
		return r.word("true")
	case 'f':
		r.word("false")
	default:
		r.wrong("true or false")
	}
	return false
}

// Null reports whether the present value is null, and passes it if so.
func (r *Reader) Null() bool {
	return r.err == nil && r.peek() == 'n' && r.word("null")
}

func (r *Reader) word(w string) bool {
	if !strings.HasPrefix(r.s[r.i:], w) {
		r.syntax("lacks a value")
		return false
	}
	r.i += len(w)
	return true
}

// Number reads a number.
func (r *Reader) Number() float64 {
	if r.err != nil {
		return 0
	}
	if c := r.peek(); c != '-' && (c < '0' || c > '9') {
		r.wrong("a number")
		return 0
	}
	text, d := r.number()
	switch {
	case r.err != nil:
		return 0
	case d.exact():
		return d.value()
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) {
		r.Fail("%.40s is beyond the range of a number", text)
	}
	return v
}

// decimal is a number as it was written: digits times ten to the power.
type decimal struct {
	digits   uint64
	count    int // of digits after the first that is not 0
	power    int
	negative bool
}

// exact reports whether value needs no rounding but that of one division: both
// numbers are whole and below 2^53 (Clinger 1990).
func (d *decimal) exact() bool { return d.count <= 15 && d.power <= 0 && d.power >= -22 }

func (d *decimal) value() float64 {
	v := float64(d.digits)
	if d.power < 0 {
		v /= math.Pow10(-d.power)
	}
	if d.negative {
		return -v
	}
	return v
}

// number checks the grammar of a number and passes it.
func (r *Reader) number() (string, decimal) {
	start := r.i
	var d decimal
	if r.s[r.i] == '-' {
		d.negative = true
		r.i++
	}
	first := r.i
	n := r.digits(&d)
	if n == 0 || (n > 1 && r.s[first] == '0') {
		r.i = first
		r.syntax("has a number that does not begin as numbers do")
		return "", d
	}
	if r.at('.') {
		r.i++
		fraction := r.digits(&d)
		d.power -= fraction
		if fraction == 0 {
			r.syntax("has a number that lacks digits after its point")
			return "", d
		}
	}
	if r.at('e') || r.at('E') {
		r.exponent(&d)
	}
	return r.s[start:r.i], d
}

func (r *Reader) exponent(d *decimal) {
	d.power = math.MaxInt32 // whatever it says: strconv reads it
	r.i++
	if r.at('+') || r.at('-') {
		r.i++
	}
	var ignored decimal
	if r.digits(&ignored) == 0 {
		r.syntax("has a number that lacks digits in its exponent")
	}
}

// digits passes digits and returns how many. Beyond 15 their value is not kept.
func (r *Reader) digits(d *decimal) int {
	start := r.i
	for r.i < len(r.s) {
		c := r.s[r.i] - '0'
		if c > 9 {
			break
		}
		if d.count > 0 || c > 0 {
			d.count++
			if d.count <= 15 {
				d.digits = d.digits*10 + uint64(c)
			}
		}
		r.i++
	}
	return r.i - start
}

func (r *Reader) at(c byte) bool { return r.i < len(r.s) && r.s[r.i] == c }
