package jsontext

import (
	"fmt"
	"strconv"
	"strings"

	"gazetteer"
)

// pointerMax bounds the pointer of an error: keys are as long as their sender likes.
const pointerMax = 256

// Fail ends the walk with an error that points at the present value. Use it for what is
// well-formed and still refused.
func (r *Reader) Fail(format string, args ...any) {
	r.fail(gazetteer.Unprocessable, fmt.Sprintf(format, args...))
}

// Unknown ends the walk because the present key means nothing here.
func (r *Reader) Unknown() { r.Fail("is not a field known here; look at its spelling") }

// TooLarge ends the walk because the present value is over a limit.
func (r *Reader) TooLarge(format string, args ...any) {
	r.fail(gazetteer.TooLarge, fmt.Sprintf(format, args...))
}

func (r *Reader) duplicate() { r.Fail("stands twice in one object") }

func (r *Reader) fail(k gazetteer.Kind, detail string) {
	if r.err == nil {
		r.err = &gazetteer.Error{Op: "jsontext.Read", Kind: k, Pointer: r.Pointer(), Detail: detail}
	}
}

func (r *Reader) syntax(what string) {
	r.fail(gazetteer.Invalid, fmt.Sprintf("the JSON %s at byte %d%s", what, r.i, r.found()))
}

func (r *Reader) found() string {
	if r.i >= len(r.s) {
		return ", where it ends"
	}
	return fmt.Sprintf(" (found %q)", r.s[r.i:min(r.i+12, len(r.s))])
}

// wrong says that the present value is of another sort than the one wanted: malformed
// if it is no value at all.
func (r *Reader) wrong(want string) {
	switch c := r.peek(); {
	case c == '{' || c == '[' || c == '"' || c == '-' || ('0' <= c && c <= '9'):
		r.Fail("is not %s%s", want, r.found())
	case strings.HasPrefix(r.s[r.i:], "null"):
		r.Fail("is null where %s is wanted; leave the field out instead", want)
	case strings.HasPrefix(r.s[r.i:], "true"), strings.HasPrefix(r.s[r.i:], "false"):
		r.Fail("is not %s%s", want, r.found())
	default:
		r.syntax("lacks a value")
	}
}

// Pointer returns the JSON pointer of the present value; a long one is cut.
func (r *Reader) Pointer() string {
	var b []byte
	for i := range r.frames[:r.depth] {
		f := &r.frames[i]
		switch {
		case f.n == 0:
		case f.object:
			b = AppendToken(b, f.key)
		default:
			b = strconv.AppendInt(append(b, '/'), int64(f.n-1), 10)
		}
	}
	if len(b) > pointerMax {
		return strings.ToValidUTF8(string(b[:pointerMax]), "") + "…"
	}
	return string(b)
}

// AppendToken appends one reference token of a JSON pointer (RFC 6901, section 3).
func AppendToken(dst []byte, key string) []byte {
	dst = append(dst, '/')
	for i := range len(key) {
		switch c := key[i]; c {
		case '~':
			dst = append(dst, "~0"...)
		case '/':
			dst = append(dst, "~1"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
