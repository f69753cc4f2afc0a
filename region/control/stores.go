package control

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"

	"gazetteer"
)

// stores hold what raft must not forget.
type stores struct {
	log    raft.LogStore
	stable raft.StableStore
	snaps  raft.SnapshotStore
	close  func() error
}

const (
	raftFile      = "raft.db"
	snapshotDir   = "snapshots"
	keepSnapshots = 2
	logCache      = 512 // entries that followers mostly ask for
)

// openStores opens the files of a directory, and holds a lock on them until close. With
// an empty path they are in memory.
func openStores(d dir, log hclog.Logger) (*stores, error) {
	if d.path == "" {
		s := raft.NewInmemStore()
		return &stores{log: s, stable: s, snaps: raft.NewInmemSnapshotStore(), close: func() error { return nil }}, nil
	}
	bolt, err := raftboltdb.New(raftboltdb.Options{
		Path:        filepath.Join(d.path, raftFile),
		BoltOptions: &bbolt.Options{Timeout: time.Second},
	})
	if errors.Is(err, bbolt.ErrTimeout) {
		return nil, d.bad("another process uses this directory")
	}
	if err != nil {
		return nil, d.wrap(err, raftFile+" cannot be opened")
	}
	snaps, err := raft.NewFileSnapshotStoreWithLogger(d.path, keepSnapshots, log)
	if err != nil {
		return nil, d.wrap(errors.Join(err, bolt.Close()), snapshotDir)
	}
	return &stores{log: summed{bolt}, stable: bolt, snaps: snaps, close: bolt.Close}, nil
}

// check finds out whether raft can begin with what is there. Raft itself would take an
// older snapshot when the newest is damaged, and stop the process when the log then does
// not reach back to it; and it would believe a log with a flipped bit.
func (s *stores) check(d dir) error {
	first, err1 := s.log.FirstIndex()
	last, err2 := s.log.LastIndex()
	if err := errors.Join(err1, err2); err != nil {
		return d.wrap(err, raftFile)
	}
	for i := max(first, 1); i <= last; i++ {
		if err := s.log.GetLog(i, &raft.Log{}); err != nil {
			return d.damaged("entry %d of the log cannot be used: %v", i, err)
		}
	}
	return s.checkSnapshots(d, first, last)
}

func (s *stores) checkSnapshots(d dir, first, last uint64) error {
	list, err := s.snaps.List()
	if err != nil {
		return d.wrap(err, snapshotDir)
	}
	if len(list) == 0 {
		if first > 1 {
			return d.damaged("the log begins with entry %d and there is no snapshot of what was before", first)
		}
		return nil
	}
	newest := list[0].Index
	var bad error
	for _, meta := range list {
		if err := s.checkSnapshot(meta.ID); err != nil {
			bad = err
			continue
		}
		if meta.Index < newest && (first > meta.Index+1 || last < newest) {
			break
		}
		return nil
	}
	return d.damaged("no snapshot can be used with a log from %d to %d: %v", first, last, bad)
}

func (s *stores) checkSnapshot(id string) error {
	_, r, err := s.snaps.Open(id)
	if err != nil {
		return fmt.Errorf("snapshot %s: %w", id, err)
	}
	defer r.Close()
	data, err := readSnapshot(r)
	if err != nil {
		return fmt.Errorf("snapshot %s: %w", id, err)
	}
	return (&machine{}).restore(data)
}

// readSnapshot reads no more than a state can have.
func readSnapshot(r io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, maxSealBytes+1))
}

func (d dir) damaged(format string, args ...any) error {
	return &gazetteer.Error{
		Op: "control.Start", Kind: gazetteer.Conflict,
		Detail: d.path + ": " + fmt.Sprintf(format, args...) + ". The other members hold the plan: remove this one, move the directory away and join again. If there are no others, recover from " + planFile,
	}
}

// close also flushes; an error of it is the last that is heard of the files.
func (s *stores) shut() error {
	if err := s.close(); err != nil {
		return &gazetteer.Error{Op: "control.Close", Kind: gazetteer.Internal, Detail: raftFile, Err: err}
	}
	return nil
}
