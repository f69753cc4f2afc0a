package agent

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/control"
	"gazetteer/ring"
)

// Moves and what else happens: deaths, cuts, members of two rings, minds that change.

// Whoever is killed in the middle of a move, and comes back: the move comes to its end, and
// nothing acknowledged is lost.
func TestKillsInMidMove(t *testing.T) {
	for _, victim := range []gazetteer.NodeID{"a", "b", "c", "d"} {
		t.Run(string(victim), func(t *testing.T) {
			seeds(t, max(1, *seedsFlag/2), func(d *district, seed uint64) { d.killInMidMove(victim, seed) })
		})
	}
}

// killInMidMove moves partitions from a and b to c and d, and back, and kills one of them
// meanwhile. The first three vote, so one of them may be missing at a time.
func (d *district) killInMidMove(victim gazetteer.NodeID, seed uint64) {
	d.lasting, d.late = true, 100*time.Millisecond
	d.four()
	tr := d.begin(seed)
	dice := rand.New(rand.NewPCG(seed, 7))
	kill := func() {
		time.Sleep(time.Duration(dice.Int64N(int64(2 * time.Second))))
		p := d.proc(victim)
		p.kill()
		time.Sleep(time.Duration(dice.Int64N(int64(8 * time.Second))))
		p.start()
	}
	d.addRing("ring1", "c", "d")
	kill()
	d.moved()
	d.removeRing("ring1")
	kill()
	d.moved()
	tr.end()
	// what was under way to the victim is not known, and until its links count as dead a
	// write waits for it
	tr.mustHold((tr.reads + tr.writes) / 20)
	d.placed()
}

// Without a quorum nothing moves on, and reads and writes go on by the last plan.
func TestWithoutAQuorumTheDataPlaneGoesOn(t *testing.T) {
	inDistrict(t, 1, func(d *district) {
		d.lasting = true
		d.four()
		tr := d.begin(1)
		d.addRing("ring1", "c", "d")
		d.eventually(func() error {
			if len(d.newest().Moves("mirror")) == 0 {
				return fmt.Errorf("nothing moves yet")
			}
			return nil
		})
		d.proc("b").kill()
		d.proc("c").kill()
		time.Sleep(8 * time.Second) // what was under way to them has come to its deadline
		plan, before := d.newest(), tr.count()
		time.Sleep(20 * time.Second)
		after := tr.count()
		if after.failures > before.failures || after.reads < before.reads+500 || after.writes < before.writes+20 {
			d.t.Errorf("without a quorum %+v became %+v: %.3000q", before, after, tr.failures[min(before.failures, len(tr.failures)):])
		}
		if got := d.newest(); got.Epoch() != plan.Epoch() || len(got.Moves("mirror")) == 0 {
			d.t.Errorf("plan %d became plan %d, with the moves %v", plan.Epoch(), got.Epoch(), got.Moves("mirror"))
		}
		d.proc("b").start()
		d.proc("c").start()
		d.moved()
		tr.end()
		tr.mustHold((tr.reads + tr.writes) / 20)
		d.placed()
	})
}

// tally is what traffic has come to so far.
type tally struct{ reads, writes, failures int }

func (tr *traffic) count() tally {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tally{tr.reads, tr.writes, len(tr.failures)}
}

// A member that was away while everything moved, and holds what nobody else does, hands it
// over when it is back, and keeps nothing.
func TestWhoWasAwayHandsOver(t *testing.T) {
	inDistrict(t, 1, func(d *district) {
		d.lasting = true
		d.four()
		front := d.front(rand.New(rand.NewPCG(1, 1)))
		if _, err := front.PutType(d.t.Context(), region.TypeSpec{Name: "mirror"}); err != nil {
			d.t.Fatal(err)
		}
		for i := range 50 {
			d.writeAt("a", fmt.Sprint("of a ", i), ring.AckRing)
		}
		for _, n := range []gazetteer.NodeID{"a", "c", "d"} {
			d.net.cut("b", n)
		}
		time.Sleep(time.Second)
		for i := range 50 {
			d.writeAt("b", fmt.Sprint("of b ", i), ring.AckLocal)
		}
		d.proc("b").kill()
		d.eventually(func() error {
			if !d.newest().Dead("b") {
				return fmt.Errorf("b is not dead yet")
			}
			return nil
		})
		d.addRing("ring1", "c", "d")
		d.moved()
		d.removeRing("ring0")
		d.moved()
		for _, n := range []gazetteer.NodeID{"a", "c", "d"} {
			d.net.mend("b", n)
		}
		d.proc("b").start()
		d.moved()
		d.placed()
		for i := range 50 {
			for _, by := range []string{"of a ", "of b "} {
				if _, err := d.front(rand.New(rand.NewPCG(uint64(i), 1))).Get(d.t.Context(), key(fmt.Sprint(by, i))); err != nil {
					d.t.Error(err)
				}
			}
		}
	})
}

// writeAt writes one resource at one node's own replica.
func (d *district) writeAt(n gazetteer.NodeID, id string, ack ring.Ack) {
	d.t.Helper()
	_, node := d.proc(n).parts()
	k := key(id)
	o := node.agent.Write(d.t.Context(), []ring.Write{{
		Partition: gazetteer.PartitionOf(k, districtPartitions), ID: k.ID, Ack: ack, Deadline: 5 * time.Second,
		Put: []ring.Value{{Body: []byte{}}},
	}})[0]
	if o.Err != nil || o.Reached < ack {
		d.t.Fatalf("write %s at %s: %+v", id, n, o)
	}
}

// Rings that share members: who is in both goes on serving, and drops nothing.
func TestMovesBetweenRingsThatShareMembers(t *testing.T) {
	eachSeed(t, func(d *district, seed uint64) {
		d.late = 200 * time.Millisecond
		d.three()
		d.ring0("a", "b")
		tr := d.begin(seed)
		d.addRing("ring1", "b", "c")
		d.moved()
		d.placed()
		d.addRing("ring2", "b")
		d.moved()
		d.removeRing("ring0")
		d.moved()
		d.removeRing("ring2")
		d.moved()
		tr.end()
		tr.mustHold(0)
		d.placed()
	})
}

// Rings of three acknowledge before all have it: there a read may be late by what an update
// takes to travel, and no more.
func TestMovesBetweenRingsOfThree(t *testing.T) {
	eachSeed(t, func(d *district, seed uint64) {
		d.late = 200 * time.Millisecond
		d.four()
		d.ring0("a", "b", "c")
		tr := d.begin(seed)
		tr.setLag(100 * time.Millisecond)
		d.addRing("ring1", "d", "c", "b")
		d.moved()
		d.removeRing("ring0")
		d.moved()
		tr.end()
		tr.mustHold(0)
		d.placed()
	})
}

func (tr *traffic) setLag(lag time.Duration) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.lag = lag
}

// A ring that is taken out again while it fills gives back what it has got.
func TestARingThatIsTakenBack(t *testing.T) {
	eachSeed(t, func(d *district, seed uint64) {
		d.four()
		tr := d.begin(seed)
		dice := rand.New(rand.NewPCG(seed, 5))
		for range 4 {
			d.addRing("ring1", "c", "d")
			time.Sleep(time.Duration(dice.Int64N(int64(500 * time.Millisecond))))
			d.removeRing("ring1")
			time.Sleep(time.Duration(dice.Int64N(int64(500 * time.Millisecond))))
		}
		d.moved()
		tr.end()
		tr.mustHold(0)
		d.placed()
		if owners := d.owners(d.newest()); slices.Contains(owners, "ring1") {
			d.t.Errorf("owners %v", owners)
		}
	})
}

// A member that takes another's place in a ring is filled, and the other drops all.
func TestAMemberTakesAnothersPlace(t *testing.T) {
	eachSeed(t, func(d *district, seed uint64) {
		d.late = 200 * time.Millisecond
		d.four()
		tr := d.begin(seed)
		for _, members := range [][]gazetteer.NodeID{{"a", "b", "c"}, {"b", "c"}, {"b", "c", "d"}, {"c", "d"}} {
			tr.setLag(100 * time.Millisecond)
			d.edit(control.SetRing{Ring: "ring0", Members: members})
			d.moved()
			time.Sleep(2 * time.Second)
		}
		tr.end()
		tr.mustHold(0)
		d.placed()
	})
}
