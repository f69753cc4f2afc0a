package jsontext

import (
	"unicode/utf8"

	"gazetteer"
)

// Reader walks one JSON text. The first error ends the walk: from then on every method
// returns a zero value, so callers check [Reader.Err] once, at the end.
//
// Strings that hold no escapes are parts of the text, not copies.
type Reader struct {
	s      string
	i      int
	err    *gazetteer.Error
	depth  int
	spaces int // bytes of white space passed so far
	frames [MaxDepth]frame
	keys   []string // of all open objects, innermost last
}

// frame is one open array or object.
type frame struct {
	key    string // the present member
	n      int    // elements or members begun
	base   int    // where its keys start in Reader.keys
	object bool
	seen   map[string]struct{} // the same keys once they are many
}

// Reset starts a walk over s.
func (r *Reader) Reset(s string) {
	clear(r.keys[:cap(r.keys)]) // they would keep the last text in memory
	r.s, r.i, r.err, r.depth, r.spaces, r.keys = s, 0, nil, 0, 0, r.keys[:0]
	if !utf8.ValidString(s) {
		r.i = invalidAt(s)
		r.syntax("holds invalid UTF-8")
	}
}

func invalidAt(s string) int {
	for i, c := range s {
		if c == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return len(s)
}

// Err returns the first error, nil if there was none.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// End checks that nothing but white space follows the value and returns the first
// error.
func (r *Reader) End() error {
	if r.peek(); r.err == nil && r.i < len(r.s) {
		r.syntax("has something after its end")
	}
	return r.Err()
}

// Object enters an object. It is followed by calls of [Reader.Key] until that is false.
func (r *Reader) Object() bool { return r.open('{', "an object") }

// Array enters an array. It is followed by calls of [Reader.Next] until that is false.
func (r *Reader) Array() bool { return r.open('[', "an array") }

func (r *Reader) open(c byte, want string) bool {
	if r.peek() != c || r.err != nil {
		r.wrong(want)
		return false
	}
	if r.depth == MaxDepth {
		r.syntax("nests deeper than 32 levels")
		return false
	}
	r.i++
	r.frames[r.depth] = frame{base: len(r.keys), object: c == '{'}
	r.depth++
	return true
}

// Next goes to the next element of the innermost array. At its end, or after an error,
// it leaves the array and is false.
func (r *Reader) Next() bool {
	f, ok := r.advance(']')
	if ok {
		f.n++
	}
	return ok
}

// Key goes to the next member of the innermost object and returns its key. At its end,
// or after an error, it leaves the object and is false.
func (r *Reader) Key() (string, bool) {
	f, ok := r.advance('}')
	if !ok {
		return "", false
	}
	if r.peek() != '"' {
		r.syntax("lacks a key in quotes")
		return "", false
	}
	key := r.quoted()
	f.n++
	f.key = key
	if r.err == nil && r.peek() != ':' {
		r.syntax("lacks a colon after a key")
	}
	if r.err != nil {
		return "", false
	}
	r.i++
	r.remember(f, key)
	return key, r.err == nil
}

// advance passes the comma before a further element, or the closing bracket.
func (r *Reader) advance(closing byte) (*frame, bool) {
	if r.err != nil {
		return nil, false
	}
	f := &r.frames[r.depth-1]
	c := r.peek()
	switch {
	case c == closing:
		r.i++
		r.close(f)
		return nil, false
	case f.n == 0:
	case c == ',':
		r.i++
		if r.peek() == closing {
			r.syntax("has a comma before a closing bracket")
			return nil, false
		}
	default:
		r.syntax("lacks a comma or a closing bracket")
		return nil, false
	}
	return f, true
}

func (r *Reader) close(f *frame) {
	r.keys = r.keys[:f.base]
	f.seen = nil
	r.depth--
}

// few is how many keys of an object are compared one by one; a map is dearer below it.
const few = 24

// remember refuses a key that the object has already.
func (r *Reader) remember(f *frame, key string) {
	if f.seen == nil && len(r.keys)-f.base < few {
		for _, k := range r.keys[f.base:] {
			if k == key {
				r.duplicate()
				return
			}
		}
		r.keys = append(r.keys, key)
		return
	}
	if f.seen == nil {
		f.seen = make(map[string]struct{}, 2*few)
		for _, k := range r.keys[f.base:] {
			f.seen[k] = struct{}{}
		}
	}
	if _, twice := f.seen[key]; twice {
		r.duplicate()
		return
	}
	f.seen[key] = struct{}{}
}

// peek passes white space and returns the byte that follows, 0 at the end.
func (r *Reader) peek() byte {
	for r.i < len(r.s) {
		c := r.s[r.i]
		if c > ' ' || (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
			return c
		}
		r.i++
		r.spaces++
	}
	return 0
}
