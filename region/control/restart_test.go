package control

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"gazetteer"
	"gazetteer/region"
)

// onDisk makes the processes of a fleet keep their files in real directories.
func (f *fleet) onDisk() {
	root := f.t.TempDir()
	f.each = func(c *Config) {
		c.files, c.stores = nil, nil
		c.Dir = filepath.Join(root, string(c.Node.Name))
	}
}

func TestRestartFromFiles(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		f.onDisk()
		f.tune = func(c *raft.Config) {
			c.SnapshotInterval, c.SnapshotThreshold, c.TrailingLogs = 100*time.Millisecond, 8, 4
		}
		all := f.region(3)
		for round := range 3 {
			for i := range 10 {
				f.mustSetTree(all[i%3], fmt.Sprint("round ", round, " change ", i))
			}
			time.Sleep(time.Second)
			for _, p := range all {
				p.kill()
			}
			for _, p := range all {
				p.config = func(*Config) {} // neither a plan to found with nor a token
				if err := f.start(p); err != nil {
					t.Fatal(err)
				}
				if got := string(p.g.View().Plan().Tree()); !strings.HasPrefix(got, fmt.Sprint("round ", round)) {
					t.Errorf("%s starts with the tree %q", p.name, got)
				}
			}
			f.waitLeader(4*time.Second, all...)
			f.agree(all...)
		}
		entries, err := os.ReadDir(filepath.Join(filepath.Dir(all[0].g.dir.path), "a"))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if info, err := e.Info(); err != nil || !e.IsDir() && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s is open to others: %v, %v", e.Name(), info.Mode(), err)
			}
		}
	})
}

// alone makes a directory of a region of one with some changes behind it.
func alone(t *testing.T, dir string, changes int, tune func(*raft.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := SingleDescription("fra", "a")
		g, err := Start(t.Context(), Config{Node: d.Nodes[0], Found: &d, Dir: dir, tune: tune})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		for i := range changes {
			if _, err := g.Edit(t.Context(), func(*Plan) (Command, error) {
				return Command{Edit: SetTree{Value: []byte(fmt.Sprint("change ", i))}}, nil
			}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond) // or no timer would ever be due
		}
		if err := g.Barrier(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
	})
}

// startAgain starts a region of one from a directory and returns the tree it then has.
func startAgain(t *testing.T, dir string, change func(*Config)) (tree string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := Config{Node: SingleDescription("fra", "a").Nodes[0], Dir: dir}
		if change != nil {
			change(&c)
		}
		g, e := Start(t.Context(), c)
		if err = e; e != nil {
			return
		}
		defer g.Close()
		if err = g.Barrier(t.Context()); err == nil {
			tree = string(g.View().Plan().Tree())
		}
	})
	return tree, err
}

func TestDirectoriesOfOthersAreRefused(t *testing.T) {
	dir := t.TempDir()
	alone(t, dir, 3, nil)
	other := SingleDescription("ams", "a")
	for _, c := range []struct {
		name   string
		change func(*Config)
		says   string
	}{
		{"another node", func(c *Config) { c.Node.Name = "b" }, `belongs to the node "a", this is "b"`},
		{"another region", func(c *Config) { c.Found = &other }, `belongs to the region "fra", not to "ams"`},
	} {
		if _, err := startAgain(t, dir, c.change); gazetteer.KindOf(err) != gazetteer.Conflict || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	if tree, err := startAgain(t, dir, nil); err != nil || tree != "change 2" {
		t.Errorf("got %q, %v", tree, err)
	}
	identity := filepath.Join(dir, identityFile)
	good, err := os.ReadFile(identity)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, says string }{
		{strings.Replace(string(good), `"format":1`, `"format":2`, 1), "its format is 2, this program knows 1"},
		{string(good[:len(good)/2]), "cannot be read"},
	} {
		write(t, identity, []byte(c.text))
		if _, err := startAgain(t, dir, nil); gazetteer.KindOf(err) != gazetteer.Conflict || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: got %v", c.text, err)
		}
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTwoProcessesOnOneDirectory(t *testing.T) {
	dir := t.TempDir()
	d := SingleDescription("fra", "a")
	g, err := Start(t.Context(), Config{Node: d.Nodes[0], Found: &d, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if _, err := Start(t.Context(), Config{Node: d.Nodes[0], Dir: dir}); gazetteer.KindOf(err) != gazetteer.Conflict || !strings.Contains(err.Error(), "another process uses this directory") {
		t.Errorf("got %v", err)
	}
	if _, err := Recover(dir, "a"); err == nil || !strings.Contains(err.Error(), "another process uses this directory") {
		t.Errorf("a directory in use was recovered: %v", err)
	}
}

func TestConfigurationsAreChecked(t *testing.T) {
	d := SingleDescription("fra", "a")
	node := d.Nodes[0]
	for _, c := range []struct {
		change func(*Config)
		says   string
	}{
		{func(c *Config) {}, "belongs to no region yet"},
		{func(c *Config) { c.Node.Name = "A" }, "lower-case"},
		{func(c *Config) { c.Node.Roles = nil }, "has no roles"},
		{func(c *Config) { c.Found, c.Join = &d, []string{"x:1"} }, "not both"},
		{func(c *Config) { c.Streams = &noStreams{closed: make(chan struct{})} }, "no peer address"},
		{func(c *Config) { c.Join = []string{"x:1"} }, "needs addresses"},
		{func(c *Config) { c.Found = &Description{Region: "fra"} }, "no nodes"},
		{func(c *Config) { c.Found = &d; c.Node.Name = "b" }, `no node is named "b"`},
	} {
		config := Config{Node: node}
		c.change(&config)
		if _, err := Start(t.Context(), config); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("got %v, want %q", err, c.says)
		}
	}
	d.Nodes[0].Roles = []region.Role{region.RoleCluster, region.RoleReplica}
	d.Nodes = append(d.Nodes, Node{Name: "b", Addr: "b:1", Roles: allRoles})
	d.Nodes[0].Addr = "a:1"
	if _, err := Start(t.Context(), Config{Node: d.Nodes[0], Found: &d}); err == nil || !strings.Contains(err.Error(), "does not have the role region") {
		t.Errorf("got %v", err)
	}
}

var damages = flag.Int("damages", 60, "how many directories TestDamagedFiles damages")

// What is damaged in a directory is refused or does not matter; never is another plan
// than one that was decided made of it.
func TestDamagedFiles(t *testing.T) {
	origin := t.TempDir()
	alone(t, origin, 40, func(c *raft.Config) {
		c.SnapshotInterval, c.SnapshotThreshold, c.TrailingLogs = 10*time.Millisecond, 16, 40
	})
	whole := replayed(t, origin)
	refused, older := 0, 0
	r := rand.New(rand.NewPCG(1, 2))
	var list []string
	err := filepath.WalkDir(origin, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			list = append(list, path[len(origin)+1:])
		}
		return err
	})
	if err != nil || len(list) < 7 { // raft.db, identity, plan, and two snapshots of two files
		t.Fatalf("%v, %v", list, err)
	}
	dir := t.TempDir()
	for i := range *damages {
		copyDir(t, origin, dir)
		name := list[i/2%len(list)]
		if i%2 == 0 {
			name = raftFile
		}
		data, err := os.ReadFile(filepath.Join(origin, name))
		if err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 {
			data = data[:r.IntN(len(data))]
		} else {
			data[r.IntN(len(data))] ^= 1 << r.IntN(8)
		}
		write(t, filepath.Join(dir, name), data)
		got, err := openDir(dir).replay()
		switch {
		case err != nil && gazetteer.KindOf(err) != gazetteer.Conflict:
			t.Errorf("%s damaged: got %v (%v)", name, err, gazetteer.KindOf(err))
		case err != nil:
			refused++
		case got == nil:
			t.Errorf("%s damaged: an empty directory was made of it", name)
		case got.state.Epoch < whole.state.Epoch && name == raftFile:
			older++ // bbolt went back to the transaction before: its older root was whole
		default:
			a, _ := got.seal()
			if b, _ := whole.seal(); !bytes.Equal(a, b) {
				t.Errorf("%s damaged: another plan was made of it", name)
			}
		}
	}
	t.Logf("of %d: %d refused, %d went back by a transaction", *damages, refused, older)
	if refused < *damages/20 {
		t.Errorf("only %d were refused", refused)
	}
}

func replayed(t *testing.T, dir string) *agreed {
	t.Helper()
	a, err := openDir(dir).replay()
	if err != nil || a == nil {
		t.Fatal(a, err)
	}
	return a
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// A newest snapshot that is damaged costs nothing while the log reaches back to the one
// before.
func TestTheSnapshotBeforeIsUsed(t *testing.T) {
	for _, c := range []struct {
		trailing uint64
		says     string
	}{{60, ""}, {1, "of the log cannot be used"}} {
		dir := t.TempDir()
		alone(t, dir, 40, func(r *raft.Config) {
			r.SnapshotInterval, r.SnapshotThreshold, r.TrailingLogs = 10*time.Millisecond, 16, c.trailing
		})
		snaps, err := raft.NewFileSnapshotStoreWithLogger(dir, keepSnapshots, hclog.NewNullLogger())
		if err != nil {
			t.Fatal(err)
		}
		list, err := snaps.List()
		if err != nil || len(list) != 2 {
			t.Fatal(list, err)
		}
		path := filepath.Join(dir, snapshotDir, list[0].ID, "state.bin")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		write(t, path, data)
		tree, err := startAgain(t, dir, nil)
		if c.says == "" && (err != nil || tree != "change 39") || c.says != "" && !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("trailing %d: got %q, %v, want %q", c.trailing, tree, err, c.says)
		}
	}
}

// A member whose raft files are gone has forgotten what it promised: it must not vote as
// the same one again.
func TestAMemberWithoutItsRaftFilesIsRefused(t *testing.T) {
	dir := t.TempDir()
	alone(t, dir, 3, nil)
	if err := os.Remove(filepath.Join(dir, raftFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := startAgain(t, dir, nil); gazetteer.KindOf(err) != gazetteer.Conflict || !strings.Contains(fmt.Sprint(err), "has voted and promised before") {
		t.Errorf("got %v", err)
	}
	// There are no others: recover from the last plan, as the error says.
	epoch, err := Recover(dir, "a")
	if err != nil || epoch < recoveredEpochs {
		t.Fatal(epoch, err)
	}
	if tree, err := startAgain(t, dir, nil); err != nil || tree != "change 2" {
		t.Errorf("got %q, %v", tree, err)
	}
}

// A quorum is lost for good (fault F50): one regional server goes on alone, all that read
// its plan take it for the newer one, and new servers join it.
func TestRecovery(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		f.onDisk()
		all := f.region(3)
		e := f.join("e", all[0], allRoles[1:])
		f.mustSetTree(all[0], "before")
		f.agree(all...)
		f.eventually(5*time.Second, "e follows", func() bool { return string(e.g.View().Plan().Tree()) == "before" })
		for _, p := range all {
			p.kill()
		}
		before := e.g.View().Plan().Epoch()
		epoch, err := Recover(filepath.Join(filepath.Dir(e.g.dir.path), "b"), "b")
		if err != nil || epoch < before+recoveredEpochs {
			t.Fatal(epoch, err)
		}
		start := time.Now()
		b := all[1]
		b.config = func(*Config) {}
		if err := f.start(b); err != nil {
			t.Fatal(err)
		}
		f.mustSetTree(b, "after")
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("the region was without a plan to change for %v", took)
		}
		if b.state("a") != Dead || b.state("c") != Dead || fmt.Sprint(f.voters(b)) != "[b]" {
			t.Errorf("a is %s, c is %s, voters %v", b.state("a"), b.state("c"), f.voters(b))
		}
		f.eventually(10*time.Second, "e follows the recovered plan", func() bool { return string(e.g.View().Plan().Tree()) == "after" })

		// One of the lost comes back with its old directory: it is of another group.
		if err := f.start(all[0]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if l, _ := b.g.Leader(); !l.Self {
			t.Errorf("the old member has taken the recovered one over: %+v", l)
		}
		all[0].kill()
		// With an empty directory and a token it is welcome.
		if err := os.RemoveAll(filepath.Join(filepath.Dir(b.g.dir.path), "a")); err != nil {
			t.Fatal(err)
		}
		a, c := f.join("a", b, allRoles), f.procs["c"]
		if err := os.RemoveAll(filepath.Join(filepath.Dir(b.g.dir.path), "c")); err != nil {
			t.Fatal(err)
		}
		c = f.join("c", b, allRoles)
		f.eventually(20*time.Second, "three vote again", func() bool { return fmt.Sprint(f.voters(b)) == "[a b c]" })
		f.agree(a, b, c)
		f.agree(b)
	})
}

func TestRecoverRefusesWhatIsNotThere(t *testing.T) {
	if _, err := Recover(t.TempDir(), "a"); gazetteer.KindOf(err) != gazetteer.Conflict || !strings.Contains(err.Error(), "nothing to recover") {
		t.Errorf("got %v", err)
	}
	dir := t.TempDir()
	alone(t, dir, 2, nil)
	if _, err := Recover(dir, "b"); gazetteer.KindOf(err) != gazetteer.Conflict {
		t.Errorf("got %v", err)
	}
	write(t, filepath.Join(dir, raftFile), []byte("no longer"))
	write(t, filepath.Join(dir, planFile), []byte("no longer"))
	if _, err := Recover(dir, "a"); err == nil || !strings.Contains(err.Error(), "neither the last plan nor raft's files") {
		t.Errorf("got %v", err)
	}
}

// Log entries carry a checksum of their own: bbolt would give back a flipped bit.
func TestEntriesOfTheLogAreSummed(t *testing.T) {
	mem := raft.NewInmemStore()
	s := summed{mem}
	if err := s.StoreLog(&raft.Log{Index: 1, Term: 2, Type: raft.LogCommand, Data: []byte("abc")}); err != nil {
		t.Fatal(err)
	}
	var l raft.Log
	if err := s.GetLog(1, &l); err != nil || string(l.Data) != "abc" || l.Extensions != nil {
		t.Errorf("got %+v, %v", l, err)
	}
	for name, damage := range map[string]func(*raft.Log){
		"data":  func(l *raft.Log) { l.Data = []byte("abd") },
		"term":  func(l *raft.Log) { l.Term++ },
		"type":  func(l *raft.Log) { l.Type = raft.LogConfiguration },
		"index": func(l *raft.Log) { l.Index = 2 },
		"sum":   func(l *raft.Log) { l.Extensions = slices.Clone(l.Extensions); l.Extensions[0] ^= 1 },
		"none":  func(l *raft.Log) { l.Extensions = nil },
	} {
		var bad raft.Log
		if err := mem.GetLog(1, &bad); err != nil {
			t.Fatal(err)
		}
		damage(&bad)
		other := raft.NewInmemStore()
		at := bad.Index
		if err := other.StoreLog(&bad); err != nil {
			t.Fatal(err)
		}
		if err := (summed{other}).GetLog(at, &l); err == nil {
			t.Errorf("%s was damaged and nobody noticed", name)
		}
	}
}
