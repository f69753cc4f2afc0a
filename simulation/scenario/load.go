package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gazetteer"
	"gazetteer/yamltree"
)

// maxFileBytes is room for the round trips of a hundred regions, pair by pair.
const maxFileBytes = 256 << 10

// Mistake is one thing that is wrong with a scenario file.
type Mistake struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Pointer string `json:"pointer,omitempty"` // JSON pointer to the value
	Detail  string `json:"detail"`            // what is wrong, and what to do
}

// String is FILE:LINE: POINTER: DETAIL, as compilers say it.
func (m Mistake) String() string {
	if m.Pointer == "" {
		return fmt.Sprintf("%s:%d: %s", m.File, m.Line, m.Detail)
	}
	return fmt.Sprintf("%s:%d: %s: %s", m.File, m.Line, m.Pointer, m.Detail)
}

// Mistakes are all that is wrong with a file, by line. As an error it has a line for each
// after the first, which counts them.
type Mistakes []Mistake

func (m Mistakes) Error() string {
	lines := []string{count(len(m), "mistake")}
	for _, one := range m {
		lines = append(lines, one.String())
	}
	return strings.Join(lines, "\n")
}

// Load reads the scenario file at path. An error of kind Invalid wraps [Mistakes] if the
// file could be opened.
func Load(path string) (*Scenario, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, unopened(path, err)
	}
	s, r := parse(path, data)
	if s.Catalogue.File != "" {
		s.Catalogue.File = beside(path, s.Catalogue.File)
		checkCatalogueFile(r, s.Catalogue.File)
	}
	return finish(path, s, r)
}

// Parse reads a scenario file of a name. It opens nothing: a catalogue file that the
// scenario names is not looked for, and its path stays as it is. Its errors are those of
// [Load].
func Parse(name string, data []byte) (*Scenario, error) {
	s, r := parse(name, data)
	return finish(name, s, r)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

func unopened(path string, err error) error {
	e := &gazetteer.Error{Op: "scenario.Load", Kind: gazetteer.Invalid, Detail: path + ": cannot be read", Err: err}
	if errors.Is(err, fs.ErrNotExist) {
		e.Kind, e.Detail = gazetteer.NotFound, "there is no such scenario file"
	}
	return e
}

// beside returns a path that is told from the folder of a file.
func beside(file, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

func checkCatalogueFile(r *yamltree.Reader, path string) {
	const at = "/catalogue/file"
	info, err := os.Stat(path)
	switch {
	case err != nil:
		r.Fail(r.Line(at), at, "the catalogue cannot be read: %v; its path is told from the folder of the scenario file", err)
	case info.IsDir():
		r.Fail(r.Line(at), at, "%s is a folder; name a file of resource documents, one a line", path)
	}
}

// parse returns what it could read, and a reader that knows what is wrong.
func parse(name string, data []byte) (*Scenario, *yamltree.Reader) {
	r := yamltree.NewReader()
	root, fault := yamltree.Parse(data, yamltree.Rules{What: "scenario", MaxBytes: maxFileBytes, Blocks: true})
	if fault != nil {
		r.Faults = append(r.Faults, fault)
		return &Scenario{}, r
	}
	d := &decoder{Reader: r, s: newScenario(name)}
	d.scenario(root)
	return d.s, r
}

func finish(file string, s *Scenario, r *yamltree.Reader) (*Scenario, error) {
	if len(r.Faults) == 0 {
		return s, nil
	}
	var all Mistakes
	for _, f := range r.Faults {
		all = append(all, Mistake{File: file, Line: f.Line, Pointer: f.Pointer, Detail: f.Detail})
	}
	slices.SortStableFunc(all, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
	return nil, &gazetteer.Error{Op: "scenario.Parse", Kind: gazetteer.Invalid, Err: all}
}

// count is "1 mistake" or "2 mistakes".
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
