package badgerstore_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/ring/badgerstore"
)

// A damaged store is one whose files were changed while no process had it open. What is
// tested is one promise: no wrong value is served, and an empty store is never believed:
// either everything is there, or an error says so, or the store declares itself unfilled.

const (
	goodResources = 1_200
	goodPartition = 3
)

var goodOrigin = gazetteer.Origin{Store: 5, Incarnation: 6}

func goodPlace(i int) (gazetteer.Partition, gazetteer.ID) {
	id := gazetteer.ID(fmt.Sprint("resource-", i))
	return gazetteer.Partition{Type: "good", Index: uint32(i % goodPartition)}, id
}

func goodUpdate(i int) gazetteer.Update {
	_, id := goodPlace(i)
	return gazetteer.Update{
		Element:   gazetteer.Element{ID: id, Location: "x"},
		Position:  gazetteer.Position{Origin: goodOrigin, Seq: uint64(i/goodPartition + 1)},
		Stamp:     gazetteer.Stamp{Clock: gazetteer.Clock(i + 1), Origin: goodOrigin},
		Tombstone: i%50 == 49,
		Body:      goodBody(i),
	}
}

func goodBody(i int) []byte {
	if i%50 == 49 {
		return nil
	}
	return bytes.Repeat(fmt.Appendf(nil, "the body of %d. ", i), 1+i%20*10)
}

// fillGood saves the good resources from one number to another, 60 at a time.
func fillGood(tb testing.TB, s *badgerstore.Store, from, to int) {
	tb.Helper()
	for ; from < to; from += 60 {
		must(tb, s.Save(goodSave(from, from+60)))
	}
}

func goodSave(from, to int) *ring.Save {
	v := &ring.Save{Raise: map[gazetteer.Partition]ring.PartitionState{}}
	for i := from; i < to; i++ {
		p, _ := goodPlace(i)
		u := goodUpdate(i)
		v.Put = append(v.Put, ring.Held{Partition: p, Update: u})
		v.Raise[p] = ring.PartitionState{Filled: true, Vector: gazetteer.Vector{u.Position}}
	}
	return v
}

// finding is what a child saw in one directory.
type finding struct {
	Dir      string
	Opened   string // the error of Open
	Kind     gazetteer.Kind
	Report   badgerstore.Report
	Filled   int // partitions that say they are
	Right    int // resources that are as they were saved
	Refused  int // resources whose read returned ErrCorrupt
	Wrong    string
	Told     string // what Config.Damaged was told
	ReadErrs string
}

// childExamine opens each directory and says what it finds, one line each.
func childExamine(dirs []string) error {
	for _, dir := range dirs {
		fmt.Println("opening")
		f, _ := look(dir, badgerstore.Refill) // it goes with the process
		b, err := json.Marshal(f)
		if err != nil {
			return err
		}
		fmt.Println(string(b))
	}
	return nil
}

// examine opens a directory, looks at everything, and closes it.
func examine(dir string, p badgerstore.Policy) *finding {
	f, s := look(dir, p)
	if s != nil {
		s.Close()
	}
	return f
}

func look(dir string, p badgerstore.Policy) (*finding, *badgerstore.Store) {
	f := &finding{Dir: dir}
	c := small(dir)
	c.OnDamage = p
	c.Damaged = func(err error) { f.Told = err.Error() }
	s, err := badgerstore.Open(c)
	if err != nil {
		f.Opened, f.Kind = err.Error(), gazetteer.KindOf(err)
		return f, nil
	}
	f.Report = s.Recovered()
	for _, st := range s.State().Partitions {
		if st.Filled {
			f.Filled++
		}
	}
	for i := range goodResources {
		f.read(s, i)
	}
	f.scan(s)
	return f, s
}

func (f *finding) read(s *badgerstore.Store, i int) {
	p, id := goodPlace(i)
	us, err := s.Resource(p, id)
	want := goodUpdate(i)
	switch {
	case errors.Is(err, badgerstore.ErrCorrupt):
		f.Refused++
		f.ReadErrs = err.Error()
	case err != nil:
		f.Wrong = err.Error()
	case len(us) == 1 && us[0].Position == want.Position && us[0].Tombstone == want.Tombstone && bytes.Equal(us[0].Body, want.Body):
		f.Right++
	case len(us) > 0:
		f.Wrong = fmt.Sprintf("%s is %+v", id, us)
	}
}

// scan checks that a scan that ends without an error brought everything that is right.
func (f *finding) scan(s *badgerstore.Store) {
	n := 0
	for p := range uint32(goodPartition) {
		for u, err := range s.Scan(gazetteer.Partition{Type: "good", Index: p}, nil) {
			if err != nil {
				return
			}
			if want := goodUpdate(int(u.Position.Seq-1)*goodPartition + int(p)); !bytes.Equal(u.Body, want.Body) {
				f.Wrong = fmt.Sprintf("a scan yields %+v", u)
			}
			n++
		}
	}
	if n != f.Right && f.Refused == 0 {
		f.Wrong = fmt.Sprintf("a scan yields %d of %d", n, f.Right)
	}
}

// sound reports whether a finding keeps the promise.
func (f *finding) sound() error {
	switch {
	case f.Wrong != "":
		return errors.New(f.Wrong)
	case f.Opened != "":
		return fmt.Errorf("not opened: %s", f.Opened)
	case f.Report.Damage != "" || f.Report.Fresh:
		if f.Filled != 0 || f.Right != 0 {
			return fmt.Errorf("put aside (%s), but %d partitions are filled and %d resources there", f.Report.Damage, f.Filled, f.Right)
		}
		return nil
	case f.Filled != goodPartition || f.Right+f.Refused != goodResources:
		return fmt.Errorf("believed, with %d partitions filled and %d resources right, %d refused", f.Filled, f.Right, f.Refused)
	case f.Refused > 0 && f.Told == "":
		return errors.New("damage was found, and nobody was told")
	}
	return nil
}

// examineAll has children look at directories: Badger panics over some kinds of damage, in
// goroutines where nobody can catch it. Open is to see to it that this happens to none; a
// directory that kills its child is given to the next, as a supervisor would.
func examineAll(t *testing.T, dirs []string) map[string]*finding {
	out := map[string]*finding{}
	deaths := map[string]int{}
	for len(dirs) > 0 {
		c := startChild(t, "examine", dirs...)
		for c.lines.Scan() {
			if c.lines.Text() == "opening" {
				continue
			}
			var f finding
			if err := json.Unmarshal(c.lines.Bytes(), &f); err != nil {
				t.Fatalf("%v in %q", err, c.lines.Text())
			}
			out[f.Dir] = &f
			dirs = dirs[1:]
		}
		if err := c.end(); err != nil {
			if deaths[dirs[0]]++; deaths[dirs[0]] > 4 {
				t.Fatalf("%s kills every process that opens it:\n%s", filepath.Base(dirs[0]), c.stderr.String())
			}
		}
	}
	for dir, n := range deaths {
		t.Errorf("%s: %d processes died before it was put aside: %+v", filepath.Base(dir), n, out[dir])
	}
	return out
}

// images are a data directory as a clean end left it, as a crash left it, and as it was
// some time before.
type images struct{ clean, crashed, old string }

func makeImages(t *testing.T) images {
	t.Helper()
	live, out := t.TempDir(), t.TempDir()
	im := images{filepath.Join(out, "clean"), filepath.Join(out, "crashed"), filepath.Join(out, "old")}
	fillAndDie(t, live, 0, goodResources/2)
	copyDir(t, live, im.old)
	fillAndDie(t, live, goodResources/2, goodResources)
	copyDir(t, live, im.crashed)
	closeStore(t, open(t, small(live)))
	copyDir(t, live, im.clean)
	return im
}

// fillAndDie has a child save good resources, and kills it.
func fillAndDie(t *testing.T, dir string, from, to int) {
	t.Helper()
	c := startChild(t, "fill", dir, strconv.Itoa(from), strconv.Itoa(to))
	if !c.lines.Scan() || c.lines.Text() != "saved" {
		t.Fatalf("%v\n%s", c.end(), c.stderr.String())
	}
	must(t, c.cmd.Process.Kill())
	c.end()
}

// childFill saves good resources, says so, and waits to be killed.
func childFill(args []string) error {
	from, err1 := strconv.Atoi(args[1])
	to, err2 := strconv.Atoi(args[2])
	s, err := badgerstore.Open(small(args[0]))
	if err := errors.Join(err, err1, err2); err != nil {
		return err
	}
	for ; from < to; from += 60 {
		if err := s.Save(goodSave(from, from+60)); err != nil {
			return err
		}
	}
	fmt.Println("saved")
	select {}
}

func copyDir(tb testing.TB, from, to string) {
	tb.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// harmDone is one way to damage a directory.
type harmDone struct {
	name string
	from string // image
	do   func(t *testing.T, dir string)
}

// kindsOfFiles are the files of a data directory, by pattern.
var kindsOfFiles = []string{"db/*.mem", "db/*.sst", "db/*.vlog", "db/MANIFEST", "db/KEYREGISTRY", "db/DISCARD", "IDENTITY", "FLOOR"}

func TestDamage(t *testing.T) {
	im := makeImages(t)
	rng := rand.New(rand.NewPCG(7, 7))
	var harms []harmDone
	for _, pattern := range kindsOfFiles {
		for _, from := range []string{im.crashed, im.clean} {
			harms = append(harms, harmsOf(t, rng, from, pattern)...)
		}
	}
	harms = append(harms, harmsOfDirectories(im)...)
	dirs, names := []string{}, map[string]string{}
	for n, h := range harms {
		dir := filepath.Join(t.TempDir(), fmt.Sprintf("%03d", n))
		copyDir(t, h.from, dir)
		h.do(t, dir)
		dirs, names[dir] = append(dirs, dir), h.name+" of "+filepath.Base(h.from)
	}
	counts := map[string]int{}
	for dir, f := range examineAll(t, dirs) {
		if err := f.sound(); err != nil {
			t.Errorf("%s: %v\n%+v", names[dir], err, f)
		}
		t.Logf("%s: %s%s (%d refused)", names[dir], f.Report.Damage, f.Opened, f.Refused)
		switch {
		case f.Report.Damage != "":
			counts["put aside"]++
		case f.Refused > 0:
			counts["refused"]++
		default:
			counts["harmless"]++
		}
	}
	t.Logf("%d kinds of damage: %v", len(harms), counts)
	if counts["put aside"] < 20 || counts["harmless"] == 0 {
		t.Errorf("the damage was not what it should be: %v", counts)
	}
}

// harmsOf lists what is done to one kind of file.
func harmsOf(t *testing.T, rng *rand.Rand, from, pattern string) []harmDone {
	paths, err := filepath.Glob(filepath.Join(from, pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		if pattern != "db/*.mem" && pattern != "db/*.vlog" { // a clean end leaves none
			t.Fatalf("no %s in %s", pattern, filepath.Base(from))
		}
		return nil
	}
	rel, err := filepath.Rel(from, paths[rng.IntN(len(paths))])
	if err != nil {
		t.Fatal(err)
	}
	content := mustRead(t, filepath.Join(from, rel))
	size := len(content)
	harms := []harmDone{
		{"deleting " + rel, from, func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, rel))) }},
	}
	for range 3 {
		at, bit := usedByte(rng, content), rng.IntN(8)
		harms = append(harms, harmDone{fmt.Sprintf("bit %d of byte %d of %d in %s", bit, at, size, rel), from,
			func(t *testing.T, dir string) { flip(t, filepath.Join(dir, rel), at, bit) }})
	}
	for _, keep := range []int{0, size / 2, size - 5} {
		harms = append(harms, harmDone{fmt.Sprintf("cutting %s to %d of %d bytes", rel, keep, size), from,
			func(t *testing.T, dir string) { must(t, os.Truncate(filepath.Join(dir, rel), int64(max(0, keep)))) }})
	}
	return harms
}

// usedByte draws a byte that is not zero: logs are files with a long empty end.
func usedByte(rng *rand.Rand, content []byte) int {
	for range 100_000 {
		if at := rng.IntN(max(1, len(content))); at < len(content) && content[at] != 0 {
			return at
		}
	}
	return 0
}

func harmsOfDirectories(im images) []harmDone {
	remove := func(names ...string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			for _, n := range names {
				must(t, os.RemoveAll(filepath.Join(dir, n)))
			}
		}
	}
	putBack := func(names ...string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			for _, n := range names {
				must(t, os.RemoveAll(filepath.Join(dir, n)))
				copyDir(t, filepath.Join(im.old, n), filepath.Join(dir, n))
			}
		}
	}
	return []harmDone{
		{"emptying the directory", im.clean, remove("db", "IDENTITY", "FLOOR", "LOCK")},
		{"emptying the database", im.clean, remove("db")},
		{"losing all but the database", im.clean, remove("IDENTITY", "FLOOR", "LOCK")},
		{"losing all but the database", im.crashed, remove("IDENTITY", "FLOOR", "LOCK")},
		{"losing all but the floor", im.clean, remove("db", "IDENTITY")},
		{"an old database put back", im.clean, putBack("db")},
		{"an old database put back", im.crashed, putBack("db")},
		{"an old manifest put back", im.crashed, func(t *testing.T, dir string) {
			b := mustRead(t, filepath.Join(im.old, "db", "MANIFEST"))
			must(t, os.WriteFile(filepath.Join(dir, "db", "MANIFEST"), b, 0o600))
		}},
	}
}

func mustRead(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	must(tb, err)
	return b
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func flip(tb testing.TB, path string, at, bit int) {
	tb.Helper()
	b := mustRead(tb, path)
	if at < len(b) {
		b[at] ^= 1 << bit
	}
	must(tb, os.WriteFile(path, b, 0o600))
}

// An old copy of the whole directory is a store that was here once: its vectors say what
// it holds, and the ring brings the rest.
func TestOldCopyPutBack(t *testing.T) {
	im := makeImages(t)
	f := examineAll(t, []string{im.old})[im.old]
	if f.Wrong != "" || f.Opened != "" || f.Report.Damage != "" || f.Right != goodResources/2 || f.Filled != goodPartition {
		t.Errorf("%+v", f)
	}
	s := open(t, small(im.old))
	defer closeStore(t, s)
	for p, st := range s.State().Partitions {
		if got := st.Vector.At(goodOrigin); got != goodResources/2/goodPartition {
			t.Errorf("the vector of %v says %d: more or less than is held", p, got)
		}
	}
}

// Where there is no mirror to fill a store from, it is not begun anew behind its owner's
// back.
func TestRefusePolicy(t *testing.T) {
	im := makeImages(t)
	must(t, os.RemoveAll(filepath.Join(im.clean, "db")))
	for range 2 {
		f := examine(im.clean, badgerstore.Refuse)
		if f.Opened == "" || !strings.Contains(f.Opened, "emptied") || f.Kind != gazetteer.Internal {
			t.Fatalf("%+v", f)
		}
	}
	table, err := filepath.Glob(filepath.Join(im.crashed, "db", "*.sst"))
	must(t, err)
	flip(t, table[0], 100, 1)
	for range 5 { // refusing again and again does not wear it out
		if f := examine(im.crashed, badgerstore.Refuse); !strings.Contains(f.Opened, "table") {
			t.Fatalf("%+v", f)
		}
	}
	flip(t, table[0], 100, 1) // mended
	if f := examine(im.crashed, badgerstore.Refuse); f.sound() != nil || f.Right != goodResources {
		t.Fatalf("%+v", f)
	}
}

// What is put aside stays on disk, and the new store works.
func TestPutAside(t *testing.T) {
	im := makeImages(t)
	table, err := filepath.Glob(filepath.Join(im.clean, "db", "*.sst"))
	must(t, err)
	flip(t, table[0], 100, 1)
	s := open(t, small(im.clean))
	r := s.Recovered()
	if r.Damage == "" || r.Aside != filepath.Join(im.clean, "damaged") || r.Fresh {
		t.Fatalf("%+v", r)
	}
	if _, err := os.Stat(filepath.Join(r.Aside, "MANIFEST")); err != nil {
		t.Error(err)
	}
	fillGood(t, s, 0, goodResources)
	closeStore(t, s)
	if f := examine(im.clean, badgerstore.Refill); f.sound() != nil || f.Right != goodResources || !f.Report.Clean {
		t.Errorf("%+v", f)
	}
}

// Damage under the feet of a store that is in use: the read is refused, whoever asked is
// told once, and the next start does not believe the database.
func TestDamageInUse(t *testing.T) {
	im := makeImages(t)
	told := make(chan error, 10)
	c := small(im.clean)
	c.Damaged = func(err error) { told <- err }
	s := open(t, c)
	harmInUse(t, im.clean)
	refused := 0
	for i := range goodResources {
		p, id := goodPlace(i)
		b, err := s.AppendRecord(nil, p, id)
		switch {
		case errors.Is(err, badgerstore.ErrCorrupt):
			refused++
		case err != nil:
			t.Fatal(err)
		default:
			us, err := ring.DecodeRecord(b)
			if err != nil || len(us) != 1 || !bytes.Equal(us[0].Body, goodBody(i)) {
				t.Fatalf("%s is %+v, %v", id, us, err)
			}
		}
	}
	if refused == 0 || len(told) != 1 {
		t.Fatalf("%d reads refused, %d times told", refused, len(told))
	}
	must(t, s.Close())
	if f := examine(im.clean, badgerstore.Refill); f.sound() != nil || f.Report.Damage == "" || f.Report.Clean {
		t.Errorf("%+v", f)
	}
}

// harmInUse flips one bit in the body of a stored record, in the file, which Badger has
// mapped.
func harmInUse(t *testing.T, dir string) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(dir, "db", "*.sst"))
	must(t, err)
	for _, path := range tables {
		b := mustRead(t, path)
		if at := bytes.Index(b, []byte("the body of 500. ")); at >= 0 {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			must(t, err)
			_, err = f.WriteAt([]byte{b[at+5] ^ 4}, int64(at+5))
			must(t, errors.Join(err, f.Close()))
			return
		}
	}
	t.Fatal("the record is in no table")
}
