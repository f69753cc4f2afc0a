package badgerstore

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"sync/atomic"

	"gazetteer"
)

// floor is a file with the number of the last save that was acknowledged. It is written
// after the save is durable and before it is acknowledged, so the database never holds
// fewer; one that does has lost something. It is not synced with each save: what a crash
// of the process leaves is exact, what a loss of power leaves may be a second old, and
// only makes the test less strict.
//
// Two slots are written in turn, so that a write cut off spoils one of them only.
type floor struct {
	file     *os.File
	database uint64
	saves    atomic.Uint64
	synced   uint64
}

const (
	slotBytes  = 24   // database, saves, checksum
	slotStride = 4096 // each on its own page
)

// readFloor returns the floor of a database, 0 if none is known.
func readFloor(dir string, database uint64) uint64 {
	b, err := os.ReadFile(filepath.Join(dir, floorFile))
	if err != nil {
		return 0
	}
	var saves uint64
	for _, at := range []int{0, slotStride} {
		if of, n, ok := parseSlot(b, at); ok && of == database {
			saves = max(saves, n)
		}
	}
	return saves
}

func parseSlot(b []byte, at int) (database, saves uint64, ok bool) {
	if len(b) < at+slotBytes {
		return 0, 0, false
	}
	b = b[at:]
	sum := binary.BigEndian.Uint64(b[16:])
	return binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), sum == gazetteer.HashBytes(b[:16])
}

// openFloor opens the floor of a database that has so many saves.
func openFloor(dir string, database, saves uint64) (*floor, error) {
	file, err := os.OpenFile(filepath.Join(dir, floorFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	f := &floor{file: file, database: database}
	f.saves.Store(saves)
	for slot := range uint64(2) {
		if err := f.writeSlot(slot, saves); err != nil {
			file.Close()
			return nil, err
		}
	}
	if err := file.Sync(); err != nil {
		file.Close()
		return nil, err
	}
	f.synced = saves
	return f, nil
}

// write says that a save was acknowledged.
func (f *floor) write(saves uint64) error {
	f.saves.Store(saves)
	return f.writeSlot(saves%2, saves)
}

func (f *floor) writeSlot(slot, saves uint64) error {
	var b [slotBytes]byte
	binary.BigEndian.PutUint64(b[:], f.database)
	binary.BigEndian.PutUint64(b[8:], saves)
	binary.BigEndian.PutUint64(b[16:], gazetteer.HashBytes(b[:16]))
	_, err := f.file.WriteAt(b[:], int64(slot)*slotStride)
	return err
}

// sync makes the floor durable if it moved. One goroutine at a time calls it.
func (f *floor) sync() error {
	saves := f.saves.Load()
	if saves == f.synced {
		return nil
	}
	f.synced = saves
	return f.file.Sync()
}

func (f *floor) close() error {
	err := f.sync()
	if e := f.file.Close(); err == nil {
		err = e
	}
	return err
}
