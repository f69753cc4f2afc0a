package ec2

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/simulation/result"
)

// State is how far a run is. It is written after every step, so that whoever comes later
// goes on from there, or takes down what there is.
type State struct {
	Run      string               `json:"run"`
	Scenario string               `json:"scenario"`
	Seed     uint64               `json:"seed"`
	Regions  []gazetteer.RegionID `json:"regions"`
	Done     []string             `json:"done"` // names of steps
	Bucket   string               `json:"bucket"`

	Peers    []string            `json:"peers,omitempty"` // public addresses of all servers
	Start    time.Time           `json:"start"`           // of the load; zero before it is known
	Acts     []string            `json:"acts,omitempty"`  // faults that were begun or healed
	Taken    map[string][]string `json:"taken,omitempty"` // instances out of a target group
	Happened []result.Happening  `json:"happened,omitempty"`
	Unlike   []string            `json:"unlike,omitempty"`
	Down     bool                `json:"down"` // nothing is left of it
}

const stateFile = "state.json"

func (s *State) has(step string) bool { return slices.Contains(s.Done, step) }

// LoadState reads the state of a run, with an error of kind NotFound if there is none.
func LoadState(dir string) (*State, error) {
	path := filepath.Join(dir, stateFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &gazetteer.Error{Op: "ec2.LoadState", Kind: gazetteer.NotFound, Pointer: path, Detail: "there is no run of this name here; --state says where runs are kept"}
	}
	if err != nil {
		return nil, &gazetteer.Error{Op: "ec2.LoadState", Kind: gazetteer.Internal, Pointer: path, Err: err}
	}
	var s State
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, &gazetteer.Error{Op: "ec2.LoadState", Kind: gazetteer.Invalid, Pointer: path, Detail: "this is not the state of a run", Err: err}
	}
	return &s, nil
}

// save replaces the file so that a reader finds the old state or the new one, whole.
func (s *State) save(dir string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, stateFile)
	if err := writeSynced(path+".new", append(text, '\n')); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func writeSynced(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
