package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"gazetteer"
	"gazetteer/api/client"
)

// lineMax bounds a line of a catalogue: no server takes a longer document.
const lineMax = 2 * gazetteer.MaxRecordBytes

// eachRun cuts a catalogue where the type of its documents changes, and gives each run of
// lines of one type to f, one after the other. It ends at the first error. Lines in
// errors are counted from the start of the catalogue.
func eachRun(catalogue io.Reader, f func(typ string, lines io.Reader) error) error {
	in := bufio.NewScanner(catalogue)
	in.Buffer(make([]byte, 64<<10), lineMax)
	r := &runs{f: f}
	for in.Scan() {
		if err := r.take(in.Bytes()); err != nil {
			return err
		}
	}
	if err := r.end(); err != nil || in.Err() == nil {
		return err
	}
	r.line++
	return r.refused(in.Err())
}

// runs is one catalogue on its way.
type runs struct {
	f    func(string, io.Reader) error
	line int64 // that was read last, from 1
	from int64 // how many lines came before the run

	typ  string
	out  *io.PipeWriter // into the run; nil between runs
	done chan error     // f's
}

// take hands a line to the run of its type.
func (r *runs) take(line []byte) error {
	r.line++
	if len(bytes.TrimSpace(line)) == 0 && r.out == nil {
		return nil
	}
	typ, err := typeOf(line, r.typ)
	if err != nil {
		return errors.Join(r.end(), r.refused(err))
	}
	if r.out == nil || typ != r.typ {
		if err := r.end(); err != nil {
			return err
		}
		r.begin(typ)
	}
	if _, err := r.out.Write(append(line[:len(line):len(line)], '\n')); err != nil {
		return r.end() // f ended before its lines did, and knows why
	}
	return nil
}

// typeOf reads the type out of a document; an empty line belongs to the run it stands
// in. What else is wrong with a document the server says.
func typeOf(line []byte, current string) (string, error) {
	if len(bytes.TrimSpace(line)) == 0 {
		return current, nil
	}
	var d struct{ Type string }
	if err := json.Unmarshal(line, &d); err != nil {
		return "", err
	}
	if d.Type == "" {
		return "", errors.New("the document names no type; say --type")
	}
	return d.Type, nil
}

func (r *runs) begin(typ string) {
	lines, out := io.Pipe()
	r.typ, r.out, r.from, r.done = typ, out, r.line-1, make(chan error, 1)
	go func() {
		err := r.f(typ, lines)
		lines.CloseWithError(io.ErrClosedPipe) // nobody reads any more
		r.done <- err
	}()
}

// end closes the run that is under way and returns its error.
func (r *runs) end() error {
	if r.out == nil {
		return nil
	}
	r.out.Close()
	r.out = nil
	err := <-r.done
	var at *client.ImportError
	if errors.As(err, &at) {
		return fmt.Errorf("%s: %w", r.typ, &client.ImportError{Line: at.Line + r.from, Acknowledged: at.Acknowledged + r.from, Err: at.Err})
	}
	return err
}

// refused is the error of a line that no server has seen.
func (r *runs) refused(err error) error {
	return &gazetteer.Error{Op: "gazetteer.import", Kind: gazetteer.Invalid, Pointer: fmt.Sprintf("line %d", r.line), Err: err}
}
