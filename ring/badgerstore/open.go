package badgerstore

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gazetteer"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// Report tells what Open found.
type Report struct {
	// Fresh: the directory held nothing.
	Fresh bool
	// Clean: the last process closed the store.
	Clean bool
	// Damage says why the database that was there was not believed; it lies at Aside
	// (if there was one), and the store is empty: every partition is to be filled by
	// its ring.
	Damage string
	Aside  string
	// Verified: Open read and verified everything stored. Otherwise the scrub does,
	// while the store is in use.
	Verified bool
}

// maxOpening is how many processes may come to their end while they open a database
// before it is blamed for it.
const maxOpening = 3

// errNothing says that there is no store yet.
var errNothing = errors.New("no store")

// Open opens the store in a directory, or makes one. Errors have kind Conflict when the
// directory is in use, belongs to another node or planet, or was written by a newer
// version; with policy Refuse they have [ErrCorrupt] in their tree when it cannot be
// believed.
func Open(c Config) (*Store, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(c.Dir)
	if err != nil {
		return nil, err
	}
	s, err := open(c)
	if err != nil {
		lock.Close()
		return nil, err
	}
	s.lock = lock
	s.start()
	return s, nil
}

func open(c Config) (*Store, error) {
	s, err := openExisting(c)
	var d *damage
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, errNothing):
		return create(c, Report{Fresh: true})
	case !errors.As(err, &d):
		return nil, err
	case c.OnDamage == Refuse:
		return nil, storeError("badgerstore.Open", fmt.Sprintf(
			"%s cannot be believed, and there is no mirror to fill it from; put a copy of it back, or empty it to begin anew", c.Dir), d)
	}
	aside, err := putAside(c.Dir)
	if err != nil {
		return nil, storeError("badgerstore.Open", "a damaged database cannot be put aside", err)
	}
	return create(c, Report{Damage: d.reason, Aside: aside})
}

func newStore(c Config) *Store {
	s := &Store{
		config: c, cache: newCache(c.CacheBytes), gate: newGate(), logger: &logger{},
		partitions: map[gazetteer.Partition]*partition{},
	}
	s.stamps.open = map[uint64]int{}
	s.batch = newBatch(s)
	return s
}

// openExisting opens what is there. It returns errNothing if there is nothing, and
// damage if that cannot be believed.
func openExisting(c Config) (*Store, error) {
	id, err := examine(&c)
	if err != nil {
		return nil, err
	}
	s := newStore(c)
	s.report.Clean = id.Clean
	wasClean, saves := id.Clean, id.Saves
	if id.Node != "" {
		id.Clean, id.Opening = false, id.Opening+1
		if err := id.write(c.Dir); err != nil {
			return nil, err
		}
	}
	if err := s.openDatabase(); err != nil {
		return nil, err
	}
	if err := s.believe(&id, wasClean, saves); err != nil {
		return nil, errors.Join(asDamage(err), s.abandon())
	}
	return s, nil
}

// examine looks at the directory without changing it. The identity is empty if the file
// is gone or damaged: then the database itself tells whose it is.
func examine(c *Config) (identity, error) {
	id, err := readIdentity(c.Dir)
	there := exists(filepath.Join(c.Dir, databaseDir, badger.ManifestFilename)) || hasFiles(filepath.Join(c.Dir, databaseDir))
	switch {
	case err == nil:
		err = id.check(c)
	case absent(err) && !there && !exists(filepath.Join(c.Dir, floorFile)):
		return id, errNothing
	case there && (absent(err) || errors.Is(err, ErrCorrupt)):
		id, err = identity{}, nil
	}
	switch {
	case err != nil && !absent(err):
		return id, err
	case id.Founding:
		return id, errNothing
	case id.Suspect != "":
		return id, damaged("%s", id.Suspect)
	case !there:
		return id, damaged("the directory was emptied: there was a database in it")
	case id.Opening >= maxOpening:
		return id, damaged("the last %d processes ended while they opened the database", id.Opening)
	}
	return id, checkTables(filepath.Join(c.Dir, databaseDir))
}

// openDatabase opens Badger. See DESIGN.md for the choice of options.
func (s *Store) openDatabase() error {
	dir := filepath.Join(s.config.Dir, databaseDir)
	if err := sweep(dir); err != nil {
		return storeError("badgerstore.Open", "the database directory cannot be cleared up", err)
	}
	o := badger.DefaultOptions(dir)
	o.Logger = s.logger
	o.SyncWrites = true
	o.DetectConflicts = false // one writer
	o.MetricsEnabled = false
	o.NumVersionsToKeep = 1
	o.Compression, o.BlockCacheSize = options.None, 0
	o.MemTableSize, o.NumMemtables = s.config.MemTableBytes, 2
	o.NumLevelZeroTables, o.NumLevelZeroTablesStall = 10, 24
	o.BaseLevelSize, o.BaseTableSize = 10*s.config.MemTableBytes, max(1<<20, s.config.MemTableBytes/6)
	o.NumCompactors, o.NumGoroutines = 2, 1
	o.ValueThreshold = min(1<<20, s.config.MemTableBytes*15/100)
	o.ValueLogFileSize = 1 << 20
	db, err := badger.OpenManaged(o)
	if err != nil {
		return openError(err)
	}
	s.db = db
	s.ts = db.MaxVersion()
	s.stamps.last.Store(s.ts)
	return nil
}

// believe checks that the open database is the one that was left, and whole.
func (s *Store) believe(id *identity, wasClean bool, saves uint64) error {
	if err := s.finishLarge(); err != nil {
		return err
	}
	if err := s.load(); err != nil {
		return err
	}
	theirs := identity{Format: formatVersion, Node: s.root.node, Partitions: s.root.count}
	if err := theirs.check(&s.config); err != nil {
		return err
	}
	if id.Database != "" && id.Database != databaseName(s.root.database) {
		return damaged("the database is %s, the file %s belongs to %s", databaseName(s.root.database), identityFile, id.Database)
	}
	if !wasClean {
		saves = readFloor(s.config.Dir, s.root.database)
	}
	if s.root.saves < saves {
		return damaged("the database holds %d saves, but %d were acknowledged", s.root.saves, saves)
	}
	if err := s.verifyAtOpen(wasClean); err != nil {
		return err
	}
	return s.settle()
}

// verifyAtOpen reads everything after an unclean end, if it is not too much.
func (s *Store) verifyAtOpen(wasClean bool) error {
	if wasClean || s.onDisk() > s.config.ScrubAtOpen {
		return nil
	}
	s.report.Verified = true
	return s.verify(nil)
}

// onDisk returns how many bytes the tables take.
func (s *Store) onDisk() int64 {
	var sum int64
	for _, t := range s.db.Tables() {
		sum += int64(t.OnDiskSize)
	}
	return sum
}

// settle writes the files beside a database that is believed.
func (s *Store) settle() error {
	var err error
	if s.floor, err = openFloor(s.config.Dir, s.root.database, s.root.saves); err != nil {
		return storeError("badgerstore.Open", "the floor cannot be written", err)
	}
	s.identity = newIdentity(&s.config, s.root.database)
	return s.identity.write(s.config.Dir)
}

// create makes an empty store.
func create(c Config, report Report) (*Store, error) {
	s := newStore(c)
	s.report = report
	s.root = root{database: randomNumber(), count: c.Partitions, node: c.Node}
	id := newIdentity(&c, s.root.database)
	id.Founding = true
	if err := id.write(c.Dir); err != nil {
		return nil, err
	}
	dir := filepath.Join(c.Dir, databaseDir)
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil {
		return nil, storeError("badgerstore.Open", "the database directory cannot be made", err)
	}
	if err := s.openDatabase(); err != nil {
		return nil, err
	}
	err := s.commit([]op{sealed(rootKey(), s.root.append(nil))})
	if err == nil {
		s.stamps.last.Store(s.ts)
		err = s.settle()
	}
	if err != nil {
		return nil, errors.Join(err, s.abandon())
	}
	return s, nil
}

// abandon closes what a failed Open had opened.
func (s *Store) abandon() error {
	s.cache.close()
	if s.floor != nil {
		s.floor.close()
	}
	return s.db.Close()
}

// putAside moves the database out of the way, in place of an earlier one, and returns
// where it lies now.
func putAside(dir string) (string, error) {
	from, to := filepath.Join(dir, databaseDir), filepath.Join(dir, asideDir)
	if !exists(from) {
		return "", nil
	}
	if err := os.RemoveAll(to); err != nil {
		return "", err
	}
	if err := os.Rename(from, to); err != nil {
		return "", err
	}
	return to, syncDir(dir)
}

// asDamage makes of what was found in the database while it was opened a reason not to
// believe it.
func asDamage(err error) error {
	var d *damage
	if errors.Is(err, ErrCorrupt) && !errors.As(err, &d) {
		return damaged("%v", err)
	}
	return err
}

func randomNumber() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:])
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func hasFiles(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) > 0
}
