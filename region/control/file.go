package control

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"gazetteer"
	"gazetteer/yamltree"
)

// maxFileBytes bounds a plan file: room for about two thousand nodes. The time that the
// YAML library takes for a mapping grows with the square of its keys, so a larger bound
// would let a strange file keep a process busy for minutes.
const maxFileBytes = 256 << 10

// Load reads the plan file at path. Its errors begin with the path and, where there is
// one, the line.
func Load(path string) (*Plan, error) {
	data, err := readFile(path)
	if err != nil {
		e := &gazetteer.Error{Op: "control.Load", Kind: gazetteer.NotFound, Detail: "plan file", Err: err}
		if !errors.Is(err, fs.ErrNotExist) {
			e.Kind = gazetteer.Invalid
		}
		return nil, e
	}
	p, err := Parse(data)
	if err != nil {
		return nil, &gazetteer.Error{Op: "control.Load", Kind: gazetteer.KindOf(err), Detail: path, Err: err}
	}
	return p, nil
}

// readFile reads at most one byte more than is allowed.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

// Parse reads a plan file: a description in YAML, see testdata/example.yaml. It is
// strict: a key that it does not know is an error. An error names the line; its kind is
// Invalid if the text cannot be read, Unprocessable if what it says does not fit.
func Parse(data []byte) (*Plan, error) {
	root, fault := yamltree.Parse(data, yamltree.Rules{What: "plan", MaxBytes: maxFileBytes})
	if fault != nil {
		return nil, unreadable(fault)
	}
	d := &decoder{yamltree.NewReader()}
	description := d.description(root)
	if len(d.Faults) > 0 {
		return nil, unreadable(d.Faults[0])
	}
	p, err := New(description)
	if err != nil {
		return nil, d.located(err)
	}
	return p, nil
}

// located adds to an error of [New] the line that its pointer leads to, or the nearest
// one above that is in the file.
func (d *decoder) located(err error) error {
	var e *gazetteer.Error
	if !errors.As(err, &e) {
		return err
	}
	return &gazetteer.Error{Op: "control.Parse", Kind: e.Kind, Pointer: e.Pointer, Detail: atLine(d.Line(e.Pointer), reason(e))}
}

// reason returns what an error says, without its place.
func reason(e *gazetteer.Error) string {
	var inner *gazetteer.Error
	if errors.As(e.Err, &inner) {
		return reason(inner)
	}
	return e.Detail
}

func atLine(line int, detail string) string { return fmt.Sprintf("line %d: %s", line, detail) }

func unreadable(f *yamltree.Fault) error {
	return &gazetteer.Error{Op: "control.Parse", Kind: gazetteer.Invalid, Pointer: f.Pointer, Detail: atLine(f.Line, f.Detail)}
}
