package badgerstore_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gazetteer"
	"gazetteer/ring/badgerstore"

	"golang.org/x/sys/unix"
)

// On a real file system that fills up, writes end before Badger would meet the end of
// the disk, which kills the process.
func TestFullFileSystem(t *testing.T) {
	c := newChild(t, "fill-disk", t.TempDir())
	// What it mounts is its own, and goes with it.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if err := c.cmd.Start(); err != nil {
		t.Skipf("no process with mounts of its own can be made here: %v", err)
	}
	for c.lines.Scan() {
		if why, ok := strings.CutPrefix(c.lines.Text(), "cannot mount: "); ok {
			c.end()
			t.Skip(why)
		}
		t.Log(c.lines.Text())
	}
	if err := c.end(); err != nil {
		t.Fatalf("%v\n%s", err, c.stderr.String())
	}
}

// childFillDisk fills a file system of its own, which goes with the process.
func childFillDisk(args []string) error {
	dir := args[0]
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil {
		err = unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64m,mode=0700")
	}
	if err != nil {
		fmt.Println("cannot mount:", err)
		return nil
	}
	c := small(filepath.Join(dir, "data"))
	c.MinFree = 56 << 20 // Save refuses at half of it
	s, err := badgerstore.Open(c)
	if err != nil {
		return err
	}
	saved, err := saveUntilFull(s)
	if err != nil {
		return err
	}
	fmt.Println(saved, "writes until the disk was full")
	if err := errors.Join(allThere(s, saved), s.Close()); err != nil {
		return err
	}
	c.MinFree = 1 << 20
	if s, err = badgerstore.Open(c); err != nil {
		return err
	}
	return errors.Join(allThere(s, saved), s.Save(goodSave(saved, saved+60)), s.Close())
}

func saveUntilFull(s *badgerstore.Store) (int, error) {
	for saved := 0; saved < 200_000; saved += 60 {
		switch err := s.Save(goodSave(saved, saved+60)); {
		case gazetteer.KindOf(err) == gazetteer.Full && saved > 600:
			return saved, nil
		case err != nil:
			return saved, fmt.Errorf("after %d writes: %w", saved, err)
		}
	}
	return 0, errors.New("never refused")
}

func allThere(s *badgerstore.Store, saved int) error {
	for i := range saved {
		p, id := goodPlace(i)
		if us, err := s.Resource(p, id); err != nil || len(us) != 1 || string(us[0].Body) != string(goodBody(i)) {
			return fmt.Errorf("%s on a full disk: %v, %v", id, us, err)
		}
	}
	return nil
}
