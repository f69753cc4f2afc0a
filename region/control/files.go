package control

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"gazetteer"
)

// memFiles are forgotten with the process.
type memFiles map[string][]byte

func (m memFiles) read(name string) ([]byte, error)     { return m[name], nil }
func (m memFiles) write(name string, data []byte) error { m[name] = data; return nil }

// diskFiles are the files of one directory.
type diskFiles string

func (d diskFiles) read(name string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(string(d), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, d.wrap(name, err)
	}
	return data, nil
}

// write replaces a file: after a crash there is the old one or the new one.
func (d diskFiles) write(name string, data []byte) error {
	if old, err := d.read(name); err == nil && bytes.Equal(old, data) {
		return nil
	}
	f, err := os.CreateTemp(string(d), name+".*")
	if err != nil {
		return d.wrap(name, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return d.wrap(name, err)
	}
	if err := os.Rename(f.Name(), filepath.Join(string(d), name)); err != nil {
		return d.wrap(name, err)
	}
	return d.sync()
}

// sync makes a rename durable.
func (d diskFiles) sync() error {
	f, err := os.Open(string(d))
	if err != nil {
		return d.wrap("", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return d.wrap("", err)
	}
	return nil
}

func (d diskFiles) wrap(name string, err error) error {
	return &gazetteer.Error{Op: "control.Save", Kind: gazetteer.Internal, Detail: filepath.Join(string(d), name), Err: err}
}
