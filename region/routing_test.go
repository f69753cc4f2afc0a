package region

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// idIn returns an id of a partition.
func idIn(partition uint32, n int) string {
	for i := 0; ; i++ {
		id := fmt.Sprint("id", i)
		if gazetteer.PartitionOf(mirror(id), fakePartitions).Index == partition {
			if n == 0 {
				return id
			}
			n--
		}
	}
}

// clusterOf returns a cluster server over fakes of replicas.
func clusterOf(rings ...[]gazetteer.NodeID) (*ClusterServer, fakes) {
	plan := fakePlan{rings: rings}
	f := fakesOf(plan)
	return NewClusterServer(ClusterConfig{Plan: plan, Node: "c0", Transport: f}), f
}

func TestReadsGoRoundRobinToTheRingThatOwns(t *testing.T) {
	c, f := clusterOf([]gazetteer.NodeID{"a", "b", "c"}, []gazetteer.NodeID{"d"})
	for range 30 {
		if _, info, err := c.Read(t.Context(), nil, mirror(idIn(2, 0))); err != nil || info.Node == "d" {
			t.Fatal(info, err)
		}
	}
	for _, n := range []gazetteer.NodeID{"a", "b", "c"} {
		if f[n].called() != 10 {
			t.Errorf("%s was asked %d times of 30", n, f[n].called())
		}
	}
	if _, info, err := c.Read(t.Context(), nil, mirror(idIn(1, 0))); err != nil || info.Node != "d" {
		t.Error(info, err)
	}
}

func TestPartitionThatNobodyOwns(t *testing.T) {
	plan := fakePlan{rings: [][]gazetteer.NodeID{{"a"}}, gap: 2}
	c := NewClusterServer(ClusterConfig{Plan: plan, Node: "c0", Transport: fakesOf(plan)})
	if _, _, err := c.Read(t.Context(), nil, mirror(idIn(2, 0))); gazetteer.KindOf(err) != gazetteer.WrongOwner {
		t.Error(err)
	}
	beyond := gazetteer.Partition{Type: "mirror", Index: fakePartitions}
	if _, err := c.List(t.Context(), ListQuery{Partition: beyond}); gazetteer.KindOf(err) != gazetteer.WrongOwner {
		t.Error(err)
	}
	out := c.Write(t.Context(), "mirror", []ring.Write{{Partition: beyond}, {Partition: gazetteer.Partition{Type: "mirror"}}})
	if gazetteer.KindOf(out[0].Err) != gazetteer.WrongOwner || out[1].Err != nil {
		t.Error(out)
	}
}

// Stories of one ring a, b: who fails how, and what a reader gets and pays.
func TestOneRetryInsideTheRequest(t *testing.T) {
	const none = gazetteer.Kind(255)
	for _, c := range []struct {
		name string
		a, b gazetteer.Kind
		want gazetteer.Kind
		asks int // of both together, in one request that a is asked first in
	}{
		{"all_is_well", none, none, none, 1},
		{"first_is_gone", gazetteer.Unavailable, none, none, 2},
		{"first_does_not_serve", gazetteer.Unserved, none, none, 2},
		{"first_does_not_own", gazetteer.WrongOwner, none, none, 2},
		{"first_is_damaged", gazetteer.Internal, none, none, 2},
		{"first_hangs", gazetteer.Deadline, none, none, 2},
		{"both_are_gone", gazetteer.Unavailable, gazetteer.Unavailable, gazetteer.Unserved, 2},
		{"both_hang", gazetteer.Deadline, gazetteer.Deadline, gazetteer.Deadline, 2},
		{"what_is_final_is_final", gazetteer.Denied, none, gazetteer.Denied, 1},
		{"second_is_final", gazetteer.Unavailable, gazetteer.TooLarge, gazetteer.TooLarge, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, f := clusterOf([]gazetteer.NodeID{"b", "a"}) // the first turn is the second one's
			for n, k := range map[gazetteer.NodeID]gazetteer.Kind{"a": c.a, "b": c.b} {
				if k != none {
					f[n].fail(k)
				}
			}
			_, _, err := s.Read(t.Context(), nil, mirror("x"))
			if c.want == none && err != nil || c.want != none && (err == nil || gazetteer.KindOf(err) != c.want) {
				t.Errorf("got %v", err)
			}
			if n := f["a"].called() + f["b"].called(); n != c.asks || f["a"].called() != 1 {
				t.Errorf("%d were asked, want %d", n, c.asks)
			}
		})
	}
}

// A server that failed is left alone for a while, then one request tries it.
func TestFailedServersRestAndAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, f := clusterOf([]gazetteer.NodeID{"a", "b"})
		f["a"].fail(gazetteer.Unavailable)
		read := func(n int) {
			for range n {
				if _, _, err := c.Read(t.Context(), nil, mirror("x")); err != nil {
					t.Fatal(err)
				}
			}
		}
		read(100)
		if f["a"].called() != 1 {
			t.Errorf("at once: a was asked %d times", f["a"].called())
		}
		time.Sleep(restMin)
		read(100)
		if f["a"].called() != 2 {
			t.Errorf("after %v: a was asked %d times", restMin, f["a"].called())
		}
		for range 10 {
			time.Sleep(restMax)
			read(100)
		}
		if f["a"].called() != 12 {
			t.Errorf("after ten times %v: a was asked %d times", restMax, f["a"].called())
		}
		f["a"].heal()
		time.Sleep(restMax)
		read(100)
		if n := f["a"].called(); n < 60 {
			t.Errorf("healed: a was asked %d times", n)
		}
	})
}

// When the rest is over, only one of many requests at a time tries the server.
func TestOneRequestFindsOutForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, f := clusterOf([]gazetteer.NodeID{"a", "b"})
		f["a"].fail(gazetteer.Unavailable)
		for range 2 {
			_, _, _ = c.Read(t.Context(), nil, mirror("x"))
		}
		time.Sleep(restMin)
		f["a"].delay = 50 * time.Millisecond
		before := f["a"].called()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, _, err := c.Read(t.Context(), nil, mirror("x")); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := f["a"].called() - before; n != 1 {
			t.Errorf("a was asked %d times", n)
		}
	})
}

// A replica that does not serve one ring yet is asked for another all the same; one that
// is gone is gone for both.
func TestWhatIsLearntInOneRing(t *testing.T) {
	first, other := mirror(idIn(0, 0)), mirror(idIn(1, 0))
	for _, step := range []struct {
		kind gazetteer.Kind
		more int // times that a is asked for the other ring, of 20
	}{{gazetteer.Unserved, 10}, {gazetteer.Unavailable, 0}} {
		c, f := clusterOf([]gazetteer.NodeID{"a", "b"}, []gazetteer.NodeID{"a", "b"})
		f["a"].fail(step.kind)
		for range 2 {
			_, _, _ = c.Read(t.Context(), nil, first)
		}
		f["a"].heal()
		before := f["a"].called()
		for range 20 {
			_, _, _ = c.Read(t.Context(), nil, other)
		}
		if n := f["a"].called() - before; n != step.more {
			t.Errorf("%v: a was asked %d times of 20, want %d", step.kind, n, step.more)
		}
	}
}

// One that hangs costs a reader only a part of his time.
func TestHangingServerIsGivenUpInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, f := clusterOf([]gazetteer.NodeID{"a", "b"})
		f["b"].delay = time.Hour
		begin := time.Now()
		for range 2 {
			if _, info, err := c.Read(t.Context(), nil, mirror("x")); err != nil || info.Node != "a" {
				t.Fatal(info, err)
			}
		}
		if took := time.Since(begin); took != replicaPatience {
			t.Errorf("two reads took %v, want %v for the one attempt", took, replicaPatience)
		}
	})
}

// Nodes that are known to be dead cost nobody a retry.
func TestKnownDeadArePassedOver(t *testing.T) {
	plan := fakePlan{rings: [][]gazetteer.NodeID{{"a", "b"}}}
	f := fakesOf(plan)
	c := NewClusterServer(ClusterConfig{Plan: plan, Node: "c0", Transport: f,
		Dead: func(n gazetteer.NodeID) bool { return n == "a" }})
	for range 10 {
		if _, _, err := c.Read(t.Context(), nil, mirror("x")); err != nil {
			t.Fatal(err)
		}
	}
	if f["a"].called() != 0 {
		t.Errorf("a was asked %d times", f["a"].called())
	}
	f["b"].fail(gazetteer.Unavailable)
	if _, info, err := c.Read(t.Context(), nil, mirror("x")); err != nil || info.Node != "a" {
		t.Errorf("a is the last one left, and was not dead after all: %v, %v", info, err)
	}
}

// All writes of one partition meet at one member, in their order; a ring's partitions
// are spread over its members.
func TestWritesOfAPartitionMeetAtOneMember(t *testing.T) {
	c, f := clusterOf([]gazetteer.NodeID{"a", "b", "c"})
	var ws []ring.Write
	for i := range 40 {
		id := idIn(uint32(i%fakePartitions), i/fakePartitions)
		ws = append(ws, ring.Write{Token: uint64(i), ID: gazetteer.ID(id), Partition: gazetteer.PartitionOf(mirror(id), fakePartitions)})
	}
	for i, o := range c.Write(t.Context(), "mirror", ws) {
		if o.Err != nil || o.Token != uint64(i) {
			t.Fatal(o)
		}
	}
	// The member is the partition modulo 3.
	for n, want := range map[gazetteer.NodeID][]uint32{"a": {0, 3}, "b": {1}, "c": {2}} {
		var got []uint32
		var last uint64
		for _, call := range f[n].writes {
			for _, w := range call {
				if w.Token < last {
					t.Errorf("%s got write %d after %d", n, w.Token, last)
				}
				last = w.Token
				if !slices.Contains(got, w.Partition.Index) {
					got = append(got, w.Partition.Index)
				}
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) || len(f[n].writes) > 1 {
			t.Errorf("%s got partitions %v in %d calls, want %v in one", n, got, len(f[n].writes), want)
		}
	}
}

// Only what was certainly not done, or may be done twice, is given to another member,
// with the time that is left.
func TestWritesAreRetriedElsewhere(t *testing.T) {
	for kind, again := range map[gazetteer.Kind]bool{
		gazetteer.Unavailable: true, gazetteer.Unserved: true, gazetteer.WrongOwner: true,
		gazetteer.Deadline: false, gazetteer.Full: false, gazetteer.Internal: false, gazetteer.Precondition: false,
	} {
		c, f := clusterOf([]gazetteer.NodeID{"a", "b"})
		f["a"].fail(kind)
		k := mirror(idIn(0, 0))
		w := ring.Write{ID: k.ID, Partition: gazetteer.PartitionOf(k, fakePartitions), Deadline: time.Second}
		o := c.Write(t.Context(), "mirror", []ring.Write{w})[0]
		if again != (o.Err == nil) || again != (f["b"].called() == 1) {
			t.Errorf("%v: %v, b was asked %d times", kind, o.Err, f["b"].called())
		}
		if again {
			if left := f["b"].writes[0][0].Deadline; left <= 0 || left >= time.Second {
				t.Errorf("%v: %v are left", kind, left)
			}
		}
	}
}

func TestConflictsAreCountedOnce(t *testing.T) {
	c, f := clusterOf([]gazetteer.NodeID{"a", "b"}, []gazetteer.NodeID{"b", "c"})
	conflict := func(index uint32, seq uint64, at int64) ring.Conflict {
		return ring.Conflict{Partition: gazetteer.Partition{Type: "mirror", Index: index}, At: at,
			Loser: gazetteer.Update{Element: gazetteer.Element{ID: "x"}, Position: gazetteer.Position{Seq: seq}}}
	}
	f["a"].held = []ring.Conflict{conflict(0, 1, 50), conflict(0, 2, 20)}
	f["b"].held = []ring.Conflict{conflict(0, 1, 40), conflict(1, 1, 30)}
	f["c"].fail(gazetteer.Unavailable)
	cs, err := c.Conflicts(t.Context(), "mirror")
	if want := []ring.Conflict{conflict(0, 2, 20), conflict(1, 1, 30), conflict(0, 1, 40)}; err != nil || !slices.EqualFunc(cs, want, equalConflicts) {
		t.Errorf("got %v, %v", cs, err)
	}
	f["a"].fail(gazetteer.Unavailable)
	f["b"].fail(gazetteer.Unavailable)
	if _, err := c.Conflicts(t.Context(), "mirror"); gazetteer.KindOf(err) != gazetteer.Unavailable {
		t.Errorf("nobody answers: %v", err)
	}
}

func equalConflicts(a, b ring.Conflict) bool {
	return a.Partition == b.Partition && a.At == b.At && a.Loser.Position == b.Loser.Position
}

// The tier of a node to which there is no way is an answer, too.
func TestNoWayToANode(t *testing.T) {
	plan := fakePlan{rings: [][]gazetteer.NodeID{{"a", "b"}}}
	c := NewClusterServer(ClusterConfig{Plan: plan, Node: "c0"})
	if _, _, err := c.Read(t.Context(), nil, mirror("x")); gazetteer.KindOf(err) != gazetteer.Unserved {
		t.Error(err)
	}
	if _, err := c.List(t.Context(), ListQuery{Partition: gazetteer.Partition{Type: "mirror"}}); gazetteer.KindOf(err) != gazetteer.Unserved {
		t.Error(err)
	}
	if _, err := c.Conflicts(t.Context(), "mirror"); gazetteer.KindOf(err) != gazetteer.Unavailable {
		t.Error(err)
	}
	o := c.Write(t.Context(), "mirror", []ring.Write{{Partition: gazetteer.Partition{Type: "mirror"}}})
	if gazetteer.KindOf(o[0].Err) != gazetteer.Unavailable {
		t.Error(o)
	}
}

// A replica refuses what is not in the partition that its id says.
func TestForeignPartitionsAreRefused(t *testing.T) {
	r := NewReplicaServer(fakePlan{}, "a", nil)
	k := mirror("x")
	p := gazetteer.PartitionOf(k, fakePartitions)
	p.Index = (p.Index + 1) % fakePartitions
	o := r.Write(t.Context(), "mirror", []ring.Write{{Token: 9, ID: k.ID, Partition: p}})
	if gazetteer.KindOf(o[0].Err) != gazetteer.Invalid || o[0].Token != 9 {
		t.Error(o)
	}
}

// Two of four are dead: whoever finds out again about one of them is not sent to the other.
func TestTwoDeadServersCostOneRetryEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, f := clusterOf([]gazetteer.NodeID{"a", "b", "c", "d"})
		f["b"].fail(gazetteer.Unavailable)
		f["c"].fail(gazetteer.Unavailable)
		for i := range 20_000 {
			if _, _, err := c.Read(t.Context(), nil, mirror("x")); err != nil && i > 0 { // the first may meet both
				t.Fatal(i, err)
			}
			time.Sleep(time.Millisecond)
		}
		if n := f["b"].called() + f["c"].called(); n < 10 || n > 40 {
			t.Errorf("the dead were asked %d times in 20 s", n)
		}
	})
}
