package region

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// movingPlan is a region of two rings of one member, a and b, of which the first owns
// everything, unless partition 1 has switched. It moves from a to b, or not any more.
type movingPlan struct {
	fakePlan
	epoch            uint64
	switched, moving bool
	dead             gazetteer.NodeID
}

func (p movingPlan) Epoch() uint64                { return p.epoch }
func (p movingPlan) Dead(n gazetteer.NodeID) bool { return n == p.dead }
func (p movingPlan) one(t gazetteer.Type) gazetteer.Partition {
	return gazetteer.Partition{Type: t, Index: 1}
}

func (p movingPlan) Rings(t gazetteer.Type) []ring.Ring {
	out := []ring.Ring{{Name: "a", Members: []gazetteer.NodeID{"a"}}, {Name: "b", Members: []gazetteer.NodeID{"b"}}}
	for i := range uint32(fakePartitions) {
		r := &out[0]
		if i == 1 && p.switched {
			r = &out[1]
		}
		r.Partitions = append(r.Partitions, gazetteer.Partition{Type: t, Index: i})
	}
	return out
}

func (p movingPlan) Bridges(t gazetteer.Type) []Bridge {
	if !p.moving {
		return nil
	}
	return []Bridge{{From: "a", To: "b", Switched: p.switched, A: "a", B: "b", Partitions: []gazetteer.Partition{p.one(t)}}}
}

// pair is a cluster server over the rings a and b, each with a shelf of its own.
func pair(p movingPlan) (*ClusterServer, fakes) {
	f := fakes{}
	for _, n := range []gazetteer.NodeID{"a", "b"} {
		f[n] = &fake{node: n, shelf: &shelf{records: map[gazetteer.Key][]gazetteer.Update{}, encoded: map[gazetteer.Key][]byte{}}}
	}
	return NewClusterServer(ClusterConfig{Plan: p, Node: "c0", Transport: f}), f
}

// stockOne puts a resource of partition 1 on one fake's shelf.
func (f *fake) stockOne() gazetteer.Key {
	k := mirror(idIn(1, 0))
	fakes{f.node: f}.stock(k, located("x", 1, 1))
	return k
}

// refuseBy makes a fake refuse to be the owner, by a plan.
func (f *fake) refuseBy(plan uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = &gazetteer.Error{Op: "fake", Kind: gazetteer.WrongOwner, Plan: plan}
}

func reads(t *testing.T, c *ClusterServer, k gazetteer.Key, from gazetteer.NodeID) {
	t.Helper()
	b, info, err := c.Read(t.Context(), nil, k)
	if err != nil || info.Node != from || (len(b) > 0) != (from != "") {
		t.Errorf("read %d bytes from %q, %v; want %q", len(b), info.Node, err, from)
	}
}

// While a partition moves, what is written at one of its rings may not have come to the
// other: both have to miss it.
func TestAMissCountsWhenBothRingsMissIt(t *testing.T) {
	for _, switched := range []bool{false, true} {
		for _, holder := range []gazetteer.NodeID{"a", "b"} {
			c, f := pair(movingPlan{epoch: 3, moving: true, switched: switched})
			k := f[holder].stockOne()
			reads(t, c, k, holder)
			if got, _, err := c.Read(t.Context(), nil, mirror(idIn(1, 1))); err != nil || len(got) > 0 {
				t.Errorf("what neither holds: %d bytes, %v", len(got), err)
			}
		}
	}
	c, f := pair(movingPlan{epoch: 3})
	f["b"].stockOne()
	if got, info, err := c.Read(t.Context(), nil, mirror(idIn(1, 0))); err != nil || len(got) > 0 || info.Node != "a" || f["b"].called() > 0 {
		t.Errorf("a partition that does not move: %d bytes from %s, %v; b was asked %d times", len(got), info.Node, err, f["b"].called())
	}
}

// The other ring's trouble is not the reader's.
func TestAMissStandsWhenTheOtherRingCannotBeAsked(t *testing.T) {
	c, f := pair(movingPlan{epoch: 3, moving: true})
	for _, k := range []gazetteer.Kind{gazetteer.Unavailable, gazetteer.Unserved, gazetteer.WrongOwner} {
		f["b"].fail(k)
		if got, info, err := c.Read(t.Context(), nil, mirror(idIn(1, 0))); err != nil || len(got) > 0 || info.Node != "a" {
			t.Errorf("%v: %d bytes from %s, %v", k, len(got), info.Node, err)
		}
	}
}

// An owner that does not serve yet, or is gone, costs nobody an answer.
func TestTheOtherRingAnswersForTheOwner(t *testing.T) {
	for _, k := range []gazetteer.Kind{gazetteer.WrongOwner, gazetteer.Unserved, gazetteer.Unavailable} {
		synctest.Test(t, func(t *testing.T) {
			c, f := pair(movingPlan{epoch: 3, moving: true, switched: true})
			key := f["a"].stockOne()
			f["b"].fail(k)
			begin := time.Now()
			reads(t, c, key, "a")
			page, err := c.List(t.Context(), ListQuery{Partition: gazetteer.Partition{Type: "mirror", Index: 1}, Limit: 9})
			if err != nil || len(page.IDs) != 1 {
				t.Errorf("%v: listed %v, %v", k, page.IDs, err)
			}
			o := c.Write(t.Context(), "mirror", []ring.Write{{Token: 9, Partition: gazetteer.Partition{Type: "mirror", Index: 1}, ID: key.ID}})[0]
			if o.Err != nil || o.Token != 9 || len(f["a"].writes) != 1 {
				t.Errorf("%v: written %+v", k, o)
			}
			if took := time.Since(begin); took != 0 {
				t.Errorf("%v: it took %v", k, took)
			}
		})
	}
}

// Where an owner is gone, that the other ring holds nothing says nothing.
func TestASilentOwnerIsNoMiss(t *testing.T) {
	c, f := pair(movingPlan{epoch: 3, moving: true, switched: true})
	f["b"].fail(gazetteer.Unavailable)
	if got, _, err := c.Read(t.Context(), nil, mirror(idIn(1, 0))); gazetteer.KindOf(err) != gazetteer.Unserved {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	f["b"].refuseBy(2) // it does not know yet, so nobody has written there
	if got, info, err := c.Read(t.Context(), nil, mirror(idIn(1, 0))); err != nil || info.Node != "a" || len(got) > 0 {
		t.Errorf("%d bytes from %s, %v", len(got), info.Node, err)
	}
}

// Who is refused by a newer plan waits until he has it.
func TestARefusedRequestWaitsForTheNewerPlan(t *testing.T) {
	for name, ask := range questions() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, f := pair(movingPlan{epoch: 3})
				f["b"].stockOne()
				f["a"].refuseBy(5)
				go func() {
					time.Sleep(50 * time.Millisecond)
					c.Replan(movingPlan{epoch: 4})
					time.Sleep(50 * time.Millisecond)
					c.Replan(movingPlan{epoch: 5, switched: true})
				}()
				begin := time.Now()
				if err := ask(t.Context(), c); err != nil {
					t.Error(err)
				}
				if took := time.Since(begin); took != 100*time.Millisecond || f["a"].called() != 1 {
					t.Errorf("it took %v, and a was asked %d times", took, f["a"].called())
				}
			})
		})
	}
}

// questions are all that may be asked of partition 1.
func questions() map[string]func(context.Context, *ClusterServer) error {
	p := gazetteer.Partition{Type: "mirror", Index: 1}
	return map[string]func(context.Context, *ClusterServer) error{
		"read": func(ctx context.Context, c *ClusterServer) error {
			_, _, err := c.Read(ctx, nil, mirror(idIn(1, 0)))
			return err
		},
		"list": func(ctx context.Context, c *ClusterServer) error {
			_, err := c.List(ctx, ListQuery{Partition: p, Limit: 1})
			return err
		},
		"write": func(ctx context.Context, c *ClusterServer) error {
			return c.Write(ctx, "mirror", []ring.Write{{Partition: p, ID: gazetteer.ID(idIn(1, 0))}})[0].Err
		},
	}
}

// A server that is behind gets the plan soon: it is asked again.
func TestAServerThatIsBehindIsAskedAgain(t *testing.T) {
	for name, ask := range questions() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, f := pair(movingPlan{epoch: 3})
				f["a"].refuseBy(2)
				time.AfterFunc(100*time.Millisecond, f["a"].heal)
				begin := time.Now()
				if err := ask(t.Context(), c); err != nil {
					t.Error(err)
				}
				if took := time.Since(begin); took < 100*time.Millisecond || took > 300*time.Millisecond || f["a"].called() > 6 {
					t.Errorf("it took %v, and a was asked %d times", took, f["a"].called())
				}
			})
		})
	}
}

// Servers that differ for good answer with an error, in time.
func TestPlansThatDifferForGood(t *testing.T) {
	for name, ask := range questions() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, plan := range []uint64{0, 3, 7} {
					c, f := pair(movingPlan{epoch: 3})
					f["a"].refuseBy(plan)
					begin := time.Now()
					err := ask(t.Context(), c)
					if _, is := wrongOwner(err); !is || time.Since(begin) != lookFor {
						t.Errorf("plan %d: %v after %v", plan, err, time.Since(begin))
					}
					ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
					begin = time.Now()
					if err := ask(ctx, c); err == nil || time.Since(begin) > 30*time.Millisecond {
						t.Errorf("plan %d, in haste: %v after %v", plan, err, time.Since(begin))
					}
					cancel()
				}
			})
		})
	}
}

// Of a call's writes only those are given away again that were refused.
func TestOnlyRefusedWritesAreGivenAwayAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, f := pair(movingPlan{epoch: 3, moving: true, switched: true})
		f["b"].refuseBy(2)
		var ws []ring.Write
		for i := range uint32(2 * fakePartitions) {
			p := i % fakePartitions
			ws = append(ws, ring.Write{Token: uint64(i), Partition: gazetteer.Partition{Type: "mirror", Index: p}, ID: gazetteer.ID(idIn(p, int(i)))})
		}
		for i, o := range c.Write(t.Context(), "mirror", ws) {
			if o.Err != nil || o.Token != uint64(i) {
				t.Errorf("write %d: %+v", i, o)
			}
		}
		var done []uint64
		for _, call := range f["a"].writes {
			for _, w := range call {
				done = append(done, w.Token)
			}
		}
		slices.Sort(done)
		if want := []uint64{0, 1, 2, 3, 4, 5, 6, 7}; !slices.Equal(done, want) {
			t.Errorf("a did %v, want %v", done, want)
		}
	})
}

// A plan that is older, or the same, changes nothing.
func TestOlderPlansAreIgnored(t *testing.T) {
	c, _ := pair(movingPlan{epoch: 5, switched: true})
	c.Replan(movingPlan{epoch: 4})
	c.Replan(movingPlan{epoch: 5})
	if _, info, err := c.Read(t.Context(), nil, mirror(idIn(1, 0))); err != nil || info.Node != "b" {
		t.Error(info, err)
	}
	s, f := regional(t, "c0")
	s.Replan(fakePlan{servers: []gazetteer.NodeID{"c1"}})
	if err := s.Resolve(t.Context(), &Query{Key: mirror("x")}, new(Answer)); gazetteer.KindOf(err) != gazetteer.NotFound || f["c0"].called() == 0 {
		t.Error(err)
	}
}

// What was learnt of servers by one plan is not learnt again by the next.
func TestServersRestOverPlans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		members := [][]gazetteer.NodeID{{"a", "b"}}
		f := fakesOf(fakePlan{rings: members})
		plan := func(epoch uint64) Plan { return epochPlan{fakePlan{rings: members}, epoch} }
		c := NewClusterServer(ClusterConfig{Plan: plan(1), Node: "c0", Transport: f})
		f["a"].fail(gazetteer.Unserved)
		for epoch := uint64(2); epoch < 20; epoch++ {
			if _, _, err := c.Read(t.Context(), nil, mirror("x")); err != nil {
				t.Fatal(err)
			}
			c.Replan(plan(epoch))
		}
		if n := f["a"].called(); n != 1 {
			t.Errorf("a was asked %d times", n)
		}
	})
}

type epochPlan struct {
	fakePlan
	epoch uint64
}

func (p epochPlan) Epoch() uint64 { return p.epoch }

// A regional server follows the cluster servers of its plan, whom it calls dead too.
func TestRegionalServerFollowsThePlan(t *testing.T) {
	s, f := regional(t, "c0", "c1")
	get := func() {
		t.Helper()
		if _, err := s.Get(t.Context(), mirror("x")); gazetteer.KindOf(err) != gazetteer.NotFound {
			t.Error(err)
		}
	}
	get()
	p := movingPlan{fakePlan: fakePlan{servers: []gazetteer.NodeID{"c0", "c1"}}, epoch: 9, dead: "c0"}
	s.Replan(p)
	before := f["c0"].called()
	for range 10 {
		get()
	}
	if n := f["c0"].called() - before; n != 0 {
		t.Errorf("the dead one was asked %d times", n)
	}
	p.epoch, p.dead, p.servers = 10, "", []gazetteer.NodeID{"c0"}
	s.Replan(p)
	before = f["c1"].called()
	for range 10 {
		get()
	}
	if n := f["c1"].called() - before; n != 0 || s.Status().Plan != 10 {
		t.Errorf("one that is no server of the type was asked %d times in plan %d", n, s.Status().Plan)
	}
}
