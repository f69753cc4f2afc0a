package agent

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/control"
	"gazetteer/ring"
	"gazetteer/ring/memstore"
)

// A process that was dead while partitions moved away comes back with the plan from before,
// and finds a mate that has yet to hand over what it kept. The mate fills it. It must not
// answer by that plan: what the new owner has acknowledged meanwhile it has never seen.
func TestWhoReturnsAnswersByNoOldPlan(t *testing.T) {
	inDistrict(t, 1, func(d *district) {
		d.lasting = true
		d.four()
		front := d.front(rand.New(rand.NewPCG(1, 1)))
		if _, err := front.PutType(d.t.Context(), region.TypeSpec{Name: "mirror"}); err != nil {
			d.t.Fatal(err)
		}
		time.Sleep(time.Second)
		a := d.proc("a")
		a.kill()
		d.eventually(func() error {
			if !d.newest().Dead("a") {
				return fmt.Errorf("a is not dead yet")
			}
			return nil
		})
		q := d.strand()
		d.deaf.Store(a)
		started := make(chan struct{})
		go func() {
			a.start()
			close(started)
		}()
		time.Sleep(time.Second)
		id := idOf(q)
		d.writeAt("c", id, ring.AckRing)
		d.neverMissing(a, id, time.Second)
		d.deaf.Store(nil)
		<-started
		d.neverMissing(a, id, time.Second)
		for _, n := range []gazetteer.NodeID{"c", "d"} {
			d.net.mend("b", n)
		}
		d.moved()
		d.placed()
		d.eventually(func() error {
			_, n := a.parts()
			_, err := n.Regional().Get(d.t.Context(), key(id))
			return err
		})
	})
}

// neverMissing reads a resource at a process for a while: whatever it answers, if it runs
// yet, it must not be that there is none.
func (d *district) neverMissing(p *proc, id string, during time.Duration) {
	d.t.Helper()
	for begin := time.Now(); time.Since(begin) < during; time.Sleep(10 * time.Millisecond) {
		_, n := p.parts()
		if n == nil {
			continue
		}
		if _, err := n.Regional().Get(d.t.Context(), key(id)); err != nil && gazetteer.KindOf(err) == gazetteer.NotFound {
			d.t.Fatalf("%s was acknowledged, and %v: %s", id, err, d.story(id))
		}
	}
}

// strand moves partitions from b to c and d until b has one to hand over, and cuts it off
// from them before it has. It returns that partition.
func (d *district) strand() (q gazetteer.Partition) {
	d.t.Helper()
	_, b := d.proc("b").parts()
	d.addRing("ring1", "c", "d")
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(time.Millisecond) {
		b.agent.tell(func(a *agent) {
			for p := range a.left {
				q = p
			}
		})
		if q.Type != "" {
			d.net.cut("b", "c")
			d.net.cut("b", "d")
			return q
		}
	}
	d.t.Fatal("b has had nothing to hand over")
	return q
}

// idOf returns a resource of a partition.
func idOf(q gazetteer.Partition) string {
	for i := 0; ; i++ {
		id := fmt.Sprint("in ", q.Index, " ", i)
		if gazetteer.PartitionOf(key(id), districtPartitions) == q {
			return id
		}
	}
}

// A node that hears that all others use a newer plan answers nothing by its own, and goes
// on when that plan has come.
func TestWhoIsOutrunAnswersNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &hand{}
		n, err := Start(context.Background(), Config{Plan: planOf(t, 1), Node: "a", Store: memstore.New(), Links: l, Group: l})
		if err != nil {
			t.Fatal(err)
		}
		says := func() (read, write gazetteer.Kind) {
			k := gazetteer.Key{Type: "maps", ID: "x"}
			_, _, err := n.agent.Read(nil, gazetteer.PartitionOf(k, 4), k.ID)
			w := ring.Write{Partition: gazetteer.PartitionOf(k, 4), ID: k.ID, Deadline: time.Second, Put: []ring.Value{{}}}
			return gazetteer.KindOf(err), gazetteer.KindOf(n.agent.Write(t.Context(), []ring.Write{w})[0].Err)
		}
		for _, step := range []struct {
			settled, plan uint64
			want          gazetteer.Kind
		}{{0, 1, gazetteer.KindOf(nil)}, {1, 1, gazetteer.KindOf(nil)}, {2, 1, gazetteer.WrongOwner}, {2, 2, gazetteer.KindOf(nil)}} {
			l.settled.Store(step.settled)
			n.Replan(planOf(t, step.plan))
			synctest.Wait()
			if read, write := says(); read != step.want || write != step.want {
				t.Errorf("plan %d while %d is settled: a read ends with %v, a write with %v; want %v", step.plan, step.settled, read, write, step.want)
			}
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
}

// What was known to be settled has not waited for who was dead then.
func TestWhoComesToLifeIsWaitedFor(t *testing.T) {
	alive, dead := mortal{planOf(t, 2, "b"), ""}, mortal{planOf(t, 1, "b"), "b"}
	for _, c := range []struct {
		name      string
		old, next mortal
		want      bool
	}{
		{"nothing happens", mortal{planOf(t, 1, "b"), ""}, alive, false},
		{"it comes to life", dead, alive, true},
		{"it dies", mortal{planOf(t, 1, "b"), ""}, mortal{planOf(t, 2, "b"), "b"}, false},
		{"between two plans nobody has seen what happened", mortal{planOf(t, 1, "b"), ""}, mortal{planOf(t, 3, "b"), ""}, true},
	} {
		if got := revives(c.old, c.next); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// mortal is a plan in which one node is dead.
type mortal struct {
	*control.Plan
	dead gazetteer.NodeID
}

func (m mortal) Dead(n gazetteer.NodeID) bool { return n == m.dead }
