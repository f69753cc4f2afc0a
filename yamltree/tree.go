// Package yamltree reads YAML files that people write: as a tree of texts, lists and
// mappings in which everything knows its line, and strictly.
//
// Everything else that YAML can do (anchors, aliases, tags, merge keys, several
// documents) is refused, so a file says what it seems to say and is never larger than it
// looks. [Parse] makes a [Tree] of a file; a [Reader] takes values out of it and collects
// what is wrong, each with its line.
package yamltree

import "fmt"

// Tree is one value of a file.
type Tree struct {
	Kind   Kind
	Line   int
	Text   string
	Items  []*Tree // of a list
	Fields []Field // of a mapping, in the order of the file
}

// Field is a key of a mapping with its value.
type Field struct {
	Key   string
	Line  int
	Value *Tree
}

// Kind is what a value is. It reads as a part of a sentence.
type Kind string

// The kinds.
const (
	Nothing Kind = "nothing"
	Text    Kind = "a text"
	List    Kind = "a list"
	Mapping Kind = "a mapping"
)

// Rules says what a file may be.
type Rules struct {
	What     string // the word for it in errors, as in "plan"
	MaxBytes int    // the time of the YAML library grows with the square of a mapping's keys
	Blocks   bool   // texts of several lines (| and >) are allowed
}

// Fault is one thing that is wrong with a file.
type Fault struct {
	Line    int
	Pointer string // JSON pointer (RFC 6901) to the value; empty if the text is no YAML
	Detail  string // what is wrong, and what to do
}

func (f *Fault) Error() string {
	if f.Pointer == "" {
		return fmt.Sprintf("line %d: %s", f.Line, f.Detail)
	}
	return fmt.Sprintf("%s: line %d: %s", f.Pointer, f.Line, f.Detail)
}

func unreadable(line int, format string, args ...any) *Fault {
	return &Fault{Line: line, Detail: fmt.Sprintf(format, args...)}
}
