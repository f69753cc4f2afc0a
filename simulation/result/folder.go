package result

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"gazetteer"
)

// The files of a run's folder.
const (
	RunFile    = "run.json"
	SeriesFile = "series.csv"
	EventsFile = "events.log"
)

// reserveBytes are kept on the disk while a run goes on, so that there is room for saying
// how far it came when the disk is full.
const (
	reserveFile  = ".reserve"
	reserveBytes = 1 << 20
)

// Sample is one value of one of the collector's metrics: of the period that ended then.
type Sample struct {
	At     time.Duration // since the start of the load
	Region gazetteer.RegionID
	Tier   string
	Server string // or balancer; empty for the tier
	Metric string
	Value  float64
}

// Folder is where a run writes down what it does, while it does it. Whatever stops the
// run, there is a run.json that says how it ended. It is for one goroutine.
type Folder struct {
	dir    string
	events *file
	series *file
}

// Create makes a folder for a run and writes down what it is. Files of an earlier run in
// it are replaced. Until [Folder.Finish], run.json says that the run was ended by force.
func Create(dir string, r Run) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, failed(dir, err)
	}
	r.Unfinished = "the process was ended by force"
	if err := replace(dir, &r); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, reserveFile), make([]byte, reserveBytes), 0o644); err != nil {
		return nil, failed(dir, err)
	}
	f := &Folder{dir: dir}
	return f, f.open()
}

func (f *Folder) open() (err error) {
	if f.events, err = openFile(f.dir, EventsFile); err != nil {
		return err
	}
	if f.series, err = openFile(f.dir, SeriesFile); err != nil {
		f.events.Close()
		return err
	}
	_, err = io.WriteString(f.series, seriesHeader)
	return err
}

// Event appends one decision. A full disk is told by [Folder.Err] and by Finish.
func (f *Folder) Event(at time.Duration, what string) {
	b := strconv.AppendFloat(f.events.AvailableBuffer(), at.Seconds(), 'f', 6, 64)
	b = append(append(append(b, ' '), what...), '\n')
	f.events.Write(b) // the writer keeps its first error
}

// WriteEvents appends lines that are decisions already, each with its time.
func (f *Folder) WriteEvents(lines []byte) (int, error) { return f.events.Write(lines) }

const seriesHeader = "time_s,region,tier,server,metric,value\n"

// Sample appends one sample.
func (f *Folder) Sample(s Sample) {
	b := strconv.AppendFloat(f.series.AvailableBuffer(), s.At.Seconds(), 'f', -1, 64)
	for _, field := range [...]string{string(s.Region), s.Tier, s.Server, s.Metric} {
		b = append(append(b, ','), field...) // names are labels: nothing to quote
	}
	b = strconv.AppendFloat(append(b, ','), s.Value, 'g', -1, 64)
	f.series.Write(append(b, '\n'))
}

// Err returns why what happens can no longer be written down, nil if it can.
func (f *Folder) Err() error { return errors.Join(f.events.err(), f.series.err()) }

// Finish writes the outcome. What could not be written is named in Unfinished, and
// returned.
func (f *Folder) Finish(r Run) error {
	err := errors.Join(f.events.Close(), f.series.Close())
	if err != nil && r.Unfinished == "" {
		r.Unfinished = err.Error()
	}
	os.Remove(filepath.Join(f.dir, reserveFile)) // it is there for what follows
	return errors.Join(err, replace(f.dir, &r))
}

// replace writes run.json so that a reader finds the old one or the new one, whole.
func replace(dir string, r *Run) error {
	text, err := json.MarshalIndent(document{Version, r}, "", "  ")
	if err != nil {
		return failed(filepath.Join(dir, RunFile), err)
	}
	path := filepath.Join(dir, RunFile)
	if err := writeSynced(path+".new", append(text, '\n')); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return failed(path, err)
	}
	return nil
}

func writeSynced(path string, text []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return failed(path, err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(path)
		return failed(path, err)
	}
	return nil
}

// file is one that grows while the run goes on.
type file struct {
	*bufio.Writer
	f *os.File
}

func openFile(dir, name string) (*file, error) {
	path := filepath.Join(dir, name)
	f, err := os.Create(path)
	if err != nil {
		return nil, failed(path, err)
	}
	return &file{bufio.NewWriterSize(f, 64<<10), f}, nil
}

// err returns the first error of all writes.
func (f *file) err() error {
	if _, err := f.Write(nil); err != nil {
		return failed(f.f.Name(), err)
	}
	return nil
}

func (f *file) Close() error {
	if err := errors.Join(f.Flush(), f.f.Close()); err != nil {
		return failed(f.f.Name(), err)
	}
	return nil
}

func failed(path string, err error) error {
	kind := gazetteer.Internal
	if errors.Is(err, syscall.ENOSPC) {
		kind = gazetteer.Full
	}
	return &gazetteer.Error{Op: "result", Kind: kind, Pointer: path, Detail: "this file cannot be written", Err: err}
}
