package badgerstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gazetteer"
)

// The files of a data directory.
const (
	identityFile = "IDENTITY"
	floorFile    = "FLOOR"
	lockFile     = "LOCK"
	databaseDir  = "db"
	asideDir     = "damaged"
)

// formatVersion is of everything below the data directory. A newer one is refused.
const formatVersion = 1

// identity says whose store this is, which database belongs to it, and how it was left.
// It lies beside the database, which cannot vouch for itself: Badger opens a database
// whose MANIFEST is gone as an empty one.
type identity struct {
	Format     int              `json:"format"`
	Node       gazetteer.NodeID `json:"node"`
	Store      string           `json:"store"` // the node's store id, for people
	Partitions uint32           `json:"partitions"`
	Database   string           `json:"database"`
	// Clean: the last process closed the store, with Saves saves in it.
	Clean bool   `json:"clean"`
	Saves uint64 `json:"saves"`
	// Founding: the database is being made; whatever lies there is begun anew.
	Founding bool `json:"founding,omitempty"`
	// Opening counts the processes that began to open the database and did not come to
	// an end with it.
	Opening int `json:"opening,omitempty"`
	// Suspect says why the database must not be believed any more.
	Suspect string `json:"suspect,omitempty"`
}

func newIdentity(c *Config, database uint64) identity {
	return identity{
		Format: formatVersion, Node: c.Node, Store: fmt.Sprintf("%016x", uint64(c.Node.Store())),
		Partitions: c.Partitions, Database: databaseName(database),
	}
}

func databaseName(n uint64) string { return fmt.Sprintf("%016x", n) }

// readIdentity returns the identity of a data directory. A file that is not there is
// fs.ErrNotExist, one that was not written by us is damage.
func readIdentity(dir string) (identity, error) {
	var id identity
	b, err := os.ReadFile(filepath.Join(dir, identityFile))
	if err != nil {
		return id, err
	}
	text, sum, _ := strings.Cut(string(b), "\n")
	if strings.TrimSpace(sum) != checksum(text) {
		return id, damaged("the file %s was changed: its checksum does not fit", identityFile)
	}
	if err := json.Unmarshal([]byte(text), &id); err != nil {
		return id, damaged("the file %s cannot be read: %v", identityFile, err)
	}
	return id, nil
}

func checksum(text string) string { return fmt.Sprintf("%016x", gazetteer.Hash(text)) }

// check refuses the directory of another store, or of another version.
func (id *identity) check(c *Config) error {
	switch {
	case id.Format > formatVersion:
		return conflict("%s has format %d, this version knows formats up to %d: use the newer version", c.Dir, id.Format, formatVersion)
	case id.Node != c.Node:
		return conflict("%s is the data directory of node %q, this is node %q: give each node its own", c.Dir, id.Node, c.Node)
	case id.Partitions != c.Partitions:
		return conflict("%s was made for a planet of %d partitions, this one has %d: the count never changes", c.Dir, id.Partitions, c.Partitions)
	}
	return nil
}

// write makes the identity durable.
func (id *identity) write(dir string) error {
	b, err := json.Marshal(id)
	if err != nil {
		return storeError("badgerstore.Identity", "cannot be encoded", err)
	}
	text := string(b)
	if err := writeDurably(dir, identityFile, text+"\n"+checksum(text)+"\n"); err != nil {
		return storeError("badgerstore.Identity", "cannot be written", err)
	}
	return nil
}

// writeDurably replaces a file: after a crash it has the old content or the new one.
func writeDurably(dir, name, content string) error {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// suspect marks the directory so that the next Open does not believe the database. It
// does what it can: the damage is reported in any case.
func (s *Store) suspect(reason string) {
	s.idMu.Lock()
	defer s.idMu.Unlock()
	s.identity.Suspect = reason
	_ = s.identity.write(s.config.Dir)
}

// leftClean marks the directory as closed with so many saves.
func (s *Store) leftClean(saves uint64) error {
	s.idMu.Lock()
	defer s.idMu.Unlock()
	s.identity.Clean, s.identity.Saves = true, saves
	return s.identity.write(s.config.Dir)
}

func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
