package result

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gazetteer"
)

// Version is that of run.json: a reader of another one does not guess.
const Version = 1

// document is run.json.
type document struct {
	Version int `json:"version"`
	*Run
}

// Read returns the outcome that stands in a run's folder. Its errors say which file is
// not as it should be, and in which line.
func Read(dir string) (r Run, err error) {
	path := filepath.Join(dir, RunFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return r, unreadable(path, err)
	}
	d := document{Run: &r}
	if err := json.Unmarshal(text, &d); err != nil {
		return r, unreadable(path, inLine(text, err))
	}
	if d.Version != Version {
		return r, unreadable(path, fmt.Errorf("its version is %d, and only %d is read here", d.Version, Version))
	}
	return r, nil
}

// inLine adds the line of an error of package json, if it has a place.
func inLine(text []byte, err error) error {
	var at int64
	var syntax *json.SyntaxError
	var value *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &value):
		at = value.Offset
	default:
		return err
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(text[:min(int(at), len(text))], []byte("\n")), err)
}

func unreadable(path string, err error) error {
	return &gazetteer.Error{Op: "result.Read", Kind: gazetteer.Invalid, Pointer: path, Err: fmt.Errorf("this is not the result of a run: %w", err)}
}
