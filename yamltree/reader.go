package yamltree

import (
	"fmt"
	"strconv"
	"strings"
)

// Reader takes values out of a tree. It goes on after a fault, so that a file's faults
// come to light at once; a value that is at fault is read as its zero.
type Reader struct {
	Faults []*Fault       // in the order in which they were found
	lines  map[string]int // of every pointer that was read
}

// NewReader returns a reader that has read nothing.
func NewReader() *Reader { return &Reader{lines: map[string]int{}} }

// Key is a key that a mapping may have, and what reads its value.
type Key struct {
	name string
	read func(t *Tree, at string)
}

// Known is a key with what reads its value; at is the pointer to it.
func Known(name string, read func(t *Tree, at string)) Key { return Key{name, read} }

// Mapping reads the fields of t that are known, and complains of others.
func (r *Reader) Mapping(t *Tree, at string, keys ...Key) {
	for _, f := range r.Fields(t, at) {
		if k := find(keys, f.Key); k != nil {
			k.read(f.Value, at+"/"+f.Key)
		} else {
			r.Fail(f.Line, at+"/"+Escape(f.Key), "unknown key %q; known here: %s%s", f.Key, strings.Join(names(keys), ", "), meant(f.Key, names(keys)))
		}
	}
}

// meant is a half-sentence that names the known key that is most like one that is not.
func meant(key string, known []string) string {
	if near := Nearest(key, known); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}

// Fields returns the fields of a mapping, each key once.
func (r *Reader) Fields(t *Tree, at string) []Field {
	if !r.Want(t, at, Mapping) {
		return nil
	}
	seen := map[string]int{}
	for _, f := range t.Fields {
		if line, ok := seen[f.Key]; ok {
			r.Fail(f.Line, at+"/"+Escape(f.Key), "the key %q stands on line %d already", f.Key, line)
		}
		seen[f.Key] = f.Line
		r.lines[at+"/"+Escape(f.Key)] = f.Line
	}
	return t.Fields
}

// Items returns the entries of a list.
func (r *Reader) Items(t *Tree, at string) []*Tree {
	if !r.Want(t, at, List) {
		return nil
	}
	return t.Items
}

// Text reads a text that is not empty.
func (r *Reader) Text(t *Tree, at string) string {
	if r.Want(t, at, Text) && t.Text == "" {
		r.Fail(t.Line, at, "the text is empty")
	}
	return t.Text
}

// Number reads a whole number from least to most.
func (r *Reader) Number(t *Tree, at string, least, most uint64) uint64 {
	if !r.Want(t, at, Text) {
		return 0
	}
	n, err := strconv.ParseUint(t.Text, 10, 64)
	if err != nil || n < least || n > most {
		r.Fail(t.Line, at, "%q is not a whole number from %d to %d", t.Text, least, most)
		return 0
	}
	return n
}

// Want notes where a value stands, and complains if it is not of a kind.
func (r *Reader) Want(t *Tree, at string, k Kind) bool {
	r.Note(t, at)
	if t.Kind != k {
		r.Fail(t.Line, at, "want %s, found %s", k, t.Kind)
	}
	return t.Kind == k
}

// Note remembers on which line a value stands.
func (r *Reader) Note(t *Tree, at string) {
	if _, ok := r.lines[at]; !ok { // the line of its key is the better one
		r.lines[at] = t.Line
	}
}

// Fail adds a fault.
func (r *Reader) Fail(line int, at, format string, args ...any) {
	r.Faults = append(r.Faults, &Fault{Line: line, Pointer: at, Detail: fmt.Sprintf(format, args...)})
}

// Line returns the line to which a pointer leads, or the nearest one above it that was
// read; 1 if none was.
func (r *Reader) Line(at string) int {
	for {
		if line, ok := r.lines[at]; ok {
			return line
		}
		slash := strings.LastIndexByte(at, '/')
		if slash < 0 {
			return 1
		}
		at = at[:slash]
	}
}

// Each reads the entries of a list.
func Each[T any](r *Reader, t *Tree, at string, read func(*Tree, string) T) []T {
	var out []T
	for i, item := range r.Items(t, at) {
		out = append(out, read(item, fmt.Sprintf("%s/%d", at, i)))
	}
	return out
}

// Texts reads a list of texts.
func Texts[S ~string](r *Reader, t *Tree, at string) []S {
	return Each(r, t, at, func(t *Tree, at string) S { return S(r.Text(t, at)) })
}

// Escape makes a key a part of a JSON pointer (RFC 6901).
func Escape(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

func find(keys []Key, name string) *Key {
	for i := range keys {
		if keys[i].name == name {
			return &keys[i]
		}
	}
	return nil
}

func names(keys []Key) []string {
	var out []string
	for _, k := range keys {
		out = append(out, k.name)
	}
	return out
}
