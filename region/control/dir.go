package control

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"gazetteer"
)

// dir is where a process keeps what it must not forget: who it is, and the plan it used
// last.
type dir struct {
	path string // "" if nothing outlives the process
	files
}

// files are read and replaced as a whole.
type files interface {
	// read returns nil if there is no such file.
	read(name string) ([]byte, error)
	write(name string, data []byte) error
}

func openDir(path string) dir {
	if path == "" {
		return dir{files: memFiles{}}
	}
	return dir{path: path, files: diskFiles(path)}
}

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
	data, err := s.seal(false)
	if err != nil {
		return err
	}
	return d.write(planFile, data)
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
