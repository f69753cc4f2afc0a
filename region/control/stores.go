package control

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
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
	bolt, err := openBolt(d)
	if err != nil {
		return nil, err
	}
	snaps, err := raft.NewFileSnapshotStoreWithLogger(d.path, keepSnapshots, log)
	if err != nil {
		return nil, d.wrap(errors.Join(err, bolt.Close()), snapshotDir)
	}
	return &stores{log: summed{bolt}, stable: bolt, snaps: snaps, close: bolt.Close}, nil
}

var errInUse = errors.New("another process uses this directory")

func openBolt(d dir) (bolt *raftboltdb.BoltStore, err error) {
	err = d.watchOut(func() (err error) {
		bolt, err = raftboltdb.New(raftboltdb.Options{
			Path:        filepath.Join(d.path, raftFile),
			BoltOptions: &bbolt.Options{Timeout: time.Second},
		})
		return err
	})
	switch {
	case errors.Is(err, bbolt.ErrTimeout):
		return nil, &gazetteer.Error{Op: "control.Start", Kind: gazetteer.Conflict, Detail: d.path, Err: errInUse}
	case err != nil:
		return nil, d.damaged("%s cannot be opened: %v", raftFile, err)
	}
	return bolt, nil
}

// watchOut turns a fault in reading a file into an error: bbolt maps its file and trusts
// it, so what is damaged or cut short makes it panic, or read where there is nothing.
func (d dir) watchOut(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = d.damaged("%s cannot be read: %v", raftFile, p)
		}
	}()
	return do()
}

// check finds out whether raft can begin with what is there. Raft itself would take an
// older snapshot when the newest is damaged, and stop the process when the log then does
// not reach back to it; and it would believe a log with a flipped bit.
func (s *stores) check(d dir) error {
	return d.watchOut(func() error { return s.checkAll(d) })
}

func (s *stores) checkAll(d dir) error {
	list, err := s.snaps.List()
	if err != nil {
		return d.wrap(err, snapshotDir)
	}
	last, err := s.log.LastIndex()
	if err != nil {
		return d.wrap(err, raftFile)
	}
	if len(list) == 0 {
		return s.checkLog(d, 1, last)
	}
	var bad error
	for _, meta := range list {
		err := s.checkSnapshot(meta.ID)
		if err == nil {
			return s.checkLog(d, meta.Index+1, max(last, list[0].Index))
		}
		bad = errors.Join(bad, err)
	}
	return d.damaged("no snapshot can be used: %v", bad)
}

// checkLog checks that the log holds what follows a snapshot. What is older may be there
// or not.
func (s *stores) checkLog(d dir, from, last uint64) error {
	for i := from; i <= last; i++ {
		if err := s.log.GetLog(i, &raft.Log{}); err != nil {
			return d.damaged("entry %d of the log cannot be used: %v", i, err)
		}
	}
	return nil
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
	return (&machine{}).restoreAll(data)
}

// readSnapshot reads no more than a state can have.
func readSnapshot(r io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, maxSnapshotBytes+1))
}

func (d dir) damaged(format string, args ...any) error {
	return &gazetteer.Error{
		Op: "control.Start", Kind: gazetteer.Conflict,
		Detail: d.path + ": " + fmt.Sprintf(format, args...) + ". The other members hold the plan: remove this one, move the directory away and join again. If there are no others, recover from " + planFile,
	}
}

// shut gives up the lock. Its error is the last that is heard of the files.
func (s *stores) shut() error {
	if err := s.close(); err != nil {
		return &gazetteer.Error{Op: "control.Close", Kind: gazetteer.Internal, Detail: raftFile, Err: err}
	}
	return nil
}
