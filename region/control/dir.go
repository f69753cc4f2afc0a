package control

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gazetteer"
)

// dir is where a process keeps what it must not forget: who it is, and the plan it used
// last. An empty path keeps nothing.
type dir struct{ path string }

const (
	identityFile = "identity.json"
	planFile     = "plan"
	identityForm = 1
)

// identity says which member of which group a directory is.
type identity struct {
	Format int                `json:"format"`
	Region gazetteer.RegionID `json:"region,omitempty"` // unknown until it has joined
	Node   gazetteer.NodeID   `json:"node"`
	Server string             `json:"server"`          // see Member.Server
	Group  string             `json:"group,omitempty"` // raft talks to the same group only
	Stage  stage              `json:"stage"`
}

// stage says how far the life of a directory has come. It is written before what it
// allows is done, so a crash at any point is followed by the same step again.
type stage string

const (
	asking   stage = "asking"   // about to ask for admission, or has and heard nothing
	founding stage = "founding" // begins its group with the plan in the file
	joined   stage = "joined"   // was let in; raft may have nothing yet
	settled  stage = "settled"  // raft's files hold what it has promised to others
)

func (d dir) make() error {
	if d.path == "" {
		return nil
	}
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return d.wrap(err, "the directory cannot be made")
	}
	return nil
}

// identity returns the zero identity if there is none.
func (d dir) identity() (id identity, err error) {
	data, err := d.read(identityFile)
	if err != nil || data == nil {
		return identity{}, err
	}
	if err := decodeStrict(data, &id); err != nil {
		return identity{}, d.bad("%s cannot be read (%v): restore it, or move the directory away and join again", identityFile, err)
	}
	if id.Format != identityForm {
		return identity{}, d.bad("its format is %d, this program knows %d", id.Format, identityForm)
	}
	return id, nil
}

func (d dir) saveIdentity(id identity) error {
	data, err := json.Marshal(id)
	if err != nil {
		return d.wrap(err, "identity")
	}
	return d.write(identityFile, append(data, '\n'))
}

// plan returns the plan used last; nil if there is none.
func (d dir) plan() (*agreed, error) {
	data, err := d.read(planFile)
	if err != nil || data == nil {
		return nil, err
	}
	return unseal(data)
}

func (d dir) savePlan(s *state) error {
	if d.path == "" {
		return nil
	}
	data, err := s.seal(false)
	if err != nil {
		return err
	}
	return d.write(planFile, data)
}

func (d dir) read(name string) ([]byte, error) {
	if d.path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(filepath.Join(d.path, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, d.wrap(err, name)
	}
	return data, nil
}

// write replaces a file as a whole: after a crash there is the old one or the new one.
func (d dir) write(name string, data []byte) error {
	if d.path == "" {
		return nil
	}
	if old, err := os.ReadFile(filepath.Join(d.path, name)); err == nil && bytes.Equal(old, data) {
		return nil
	}
	f, err := os.CreateTemp(d.path, name+".*")
	if err != nil {
		return d.wrap(err, name)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return d.wrap(err, name)
	}
	if err := os.Rename(f.Name(), filepath.Join(d.path, name)); err != nil {
		return d.wrap(err, name)
	}
	return d.sync()
}

// sync makes a rename durable.
func (d dir) sync() error {
	f, err := os.Open(d.path)
	if err != nil {
		return d.wrap(err, "sync")
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return d.wrap(err, "sync")
	}
	return nil
}

// inOrder does one thing after the other until one fails.
func inOrder(steps ...func() error) error {
	for _, do := range steps {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

func (d dir) bad(format string, args ...any) error {
	return &gazetteer.Error{Op: "control.Start", Kind: gazetteer.Conflict, Detail: d.path + ": " + fmt.Sprintf(format, args...)}
}

func (d dir) wrap(err error, what string) error {
	return &gazetteer.Error{Op: "control.Start", Kind: gazetteer.Internal, Detail: d.path + ": " + what, Err: err}
}

// newServer names a data directory for good.
func newServer(n gazetteer.NodeID) string { return string(n) + "/" + randomHex() }

func randomHex() string {
	b := make([]byte, 8)
	rand.Read(b)
	return hex.EncodeToString(b)
}
