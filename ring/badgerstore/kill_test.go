package badgerstore_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/ring/badgerstore"
)

var long = flag.Bool("long", false, "200 cycles of SIGKILL instead of 20")

// The load of the kill test: save n puts putsOf(n) elements, which follow from n, of
// killResources resources, and raises the vector to what it wrote. Every twelfth save is too
// large for one transaction.
const (
	killResources = 1_200
	maxPuts       = 1_000
	writesBetween = 2_000 // acknowledged between two kills, at least
)

var killOrigin = gazetteer.Origin{Store: 3, Incarnation: 4}

func putsOf(n int) int {
	if n%12 == 0 {
		return maxPuts
	}
	return 20
}

// killElement returns the partition and element of the i-th put of save n.
func killElement(n, i int) (gazetteer.Partition, gazetteer.Element) {
	h := gazetteer.Hash(fmt.Sprint(n, "/", i))
	id := gazetteer.ID(fmt.Sprint("r", h%killResources))
	location := gazetteer.LocationID(fmt.Sprint("l", h/killResources%3))
	return gazetteer.PartitionOf(gazetteer.Key{Type: "kill", ID: id}, 5), gazetteer.Element{ID: id, Location: location}
}

func killBody(n int) []byte {
	return fmt.Appendf(nil, "save %d %s", n, strings.Repeat(strconv.Itoa(n), 100))
}

// killSave builds save n. Each partition has its own sequence numbers, counted on from
// what the store holds.
func killSave(n int, seqs map[gazetteer.Partition]uint64) *ring.Save {
	v := &ring.Save{Raise: map[gazetteer.Partition]ring.PartitionState{}}
	for i := range putsOf(n) {
		p, e := killElement(n, i)
		seqs[p]++
		at := gazetteer.Position{Origin: killOrigin, Seq: seqs[p]}
		u := gazetteer.Update{Element: e, Position: at, Stamp: gazetteer.Stamp{Clock: gazetteer.Clock(n), Origin: killOrigin}}
		if i%7 == 6 {
			u.Tombstone = true
		} else {
			u.Body = killBody(n)
		}
		v.Put = append(v.Put, ring.Held{Partition: p, Update: u})
		v.Raise[p] = ring.PartitionState{Filled: true, Vector: gazetteer.Vector{at}}
	}
	return v
}

// childWrite opens the store, checks it against its parent's log, and saves until it is
// killed. It says "checked" and then the number of each save that was acknowledged.
func childWrite(args []string) error {
	s, err := badgerstore.Open(small(args[0]))
	if err != nil {
		return err
	}
	n, err := checkKilled(s, args[1])
	if err != nil {
		return err
	}
	fmt.Println("checked")
	seqs := map[gazetteer.Partition]uint64{}
	for p, st := range s.State().Partitions {
		seqs[p] = st.Vector.At(killOrigin)
	}
	for {
		n++
		if err := s.Save(killSave(n, seqs)); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// checkKilled checks that nothing which the log acknowledges is lost, and that the save
// that was under way is there as a whole or not at all. It returns the number of the last
// save that is there.
func checkKilled(s *badgerstore.Store, log string) (int, error) {
	if r := s.Recovered(); r.Damage != "" || (!r.Fresh && !r.Verified) {
		return 0, fmt.Errorf("opened with %+v", r)
	}
	acknowledged, err := lastAcknowledged(log)
	if err != nil {
		return 0, err
	}
	last := int(s.State().Clock)
	if last != acknowledged && last != acknowledged+1 {
		return 0, fmt.Errorf("the last save held is %d, acknowledged was %d", last, acknowledged)
	}
	want := map[gazetteer.Element]int{}
	seqs := map[gazetteer.Partition]uint64{}
	for n := 1; n <= last; n++ {
		for i := range putsOf(n) {
			p, e := killElement(n, i)
			want[e] = n*maxPuts + i
			seqs[p]++
		}
	}
	for p, seq := range seqs {
		if got := s.State().Partitions[p]; got.Vector.At(killOrigin) != seq || !got.Filled {
			return 0, fmt.Errorf("vector of %v is %+v, want %d", p, got, seq)
		}
	}
	return last, checkElements(s, want)
}

func checkElements(s *badgerstore.Store, want map[gazetteer.Element]int) error {
	for e, at := range want {
		n, i := at/maxPuts, at%maxPuts
		p, _ := killElement(n, i)
		us, err := s.Resource(p, e.ID)
		if err != nil {
			return err
		}
		found := false
		for _, u := range us {
			if u.Element == e {
				found = u.Tombstone == (i%7 == 6) && (u.Tombstone || string(u.Body) == string(killBody(n)))
			}
		}
		if !found {
			return fmt.Errorf("%v of save %d is not there: %+v", e, n, us)
		}
	}
	return nil
}

// lastAcknowledged reads the last whole line of a log.
func lastAcknowledged(log string) (int, error) {
	b, err := os.ReadFile(log)
	if err != nil || len(b) == 0 {
		return 0, err
	}
	lines := strings.Fields(string(b))
	return strconv.Atoi(lines[len(lines)-1])
}

// A process is killed again and again while it writes; its tables rotate and compact
// all the time. No acknowledged write is lost, nothing is half there, and every start
// succeeds at the first attempt.
func TestKill(t *testing.T) {
	cycles := 20
	if *long {
		cycles = 200
	}
	dir, log := t.TempDir(), filepath.Join(t.TempDir(), "acknowledged")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	writes := 0
	for cycle := range cycles {
		n, err := killedWrite(t, dir, log, time.Duration(rng.IntN(200))*time.Millisecond)
		if err != nil {
			t.Fatalf("cycle %d: %v", cycle, err)
		}
		writes += n
	}
	s := open(t, small(dir))
	if _, err := checkKilled(s, log); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	tables, _ := filepath.Glob(filepath.Join(dir, "db", "*.sst"))
	if len(tables) == 0 {
		t.Error("no table was ever flushed: the test did not hit what it is for")
	}
	t.Logf("%d cycles, %d writes acknowledged, %d tables at the end", cycles, writes, len(tables))
}

// killedWrite lets a child write, logs what it acknowledges, and kills it some time after
// it has acknowledged enough. It returns the number of saves.
func killedWrite(t *testing.T, dir, log string, later time.Duration) (int, error) {
	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	c := startChild(t, "write", dir, log)
	writes, killed := 0, false
	for c.lines.Scan() {
		if c.lines.Text() == "checked" {
			continue
		}
		if _, err := fmt.Fprintln(f, c.lines.Text()); err != nil {
			return 0, err
		}
		n, err := strconv.Atoi(c.lines.Text())
		if err != nil {
			return 0, err
		}
		if writes += putsOf(n); writes >= writesBetween && !killed {
			killed = true
			time.AfterFunc(later, func() { c.cmd.Process.Kill() })
		}
	}
	err = c.end()
	if !killed {
		return writes, fmt.Errorf("the child ended by itself after %d writes: %v\n%s", writes, err, c.stderr.String())
	}
	return writes, nil
}
