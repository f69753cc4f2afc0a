package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/cluster/mastery"
)

// next is the decision that follows an entry in an epoch.
func next(k gazetteer.Key, from mastery.Entry, epoch uint32, v gazetteer.Version) mastery.Command {
	return mastery.Command{Decide: &mastery.Decide{
		Key: k, Expected: from.Mark(), Version: v,
		Stamp: gazetteer.Stamp{Epoch: epoch, Clock: from.Stamp.Clock + 1, Origin: gazetteer.Origin{Store: 1, Incarnation: from.Mark().Sequence + 1}},
	}}
}

func decideOn(t *testing.T, m *machine, c mastery.Command) Decision {
	t.Helper()
	data, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return m.decided.apply(m.now.Load(), append([]byte{decisionMark}, data...))
}

func TestDecisionsChangeNoPlan(t *testing.T) {
	m := founded(t)
	before, k := m.now.Load(), gazetteer.Key{Type: "t", ID: "a"}
	first := decideOn(t, m, next(k, mastery.Entry{}, 1, 7))
	if first.Err != nil || first.Entry.Home != "fra" || first.Entry.Version != 7 {
		t.Fatalf("got %+v", first)
	}
	if again := decideOn(t, m, next(k, mastery.Entry{}, 1, 8)); gazetteer.KindOf(again.Err) != gazetteer.Precondition {
		t.Errorf("a second write for the same version: got %v, want a precondition", again.Err)
	}
	if m.now.Load() != before {
		t.Error("the plan changed")
	}
	if r := (&machine{}).decided.apply(nil, []byte("M{}")); gazetteer.KindOf(r.Err) != gazetteer.Unavailable {
		t.Errorf("a region that is not founded: got %v", r.Err)
	}
	if r := m.decided.apply(before, []byte("Mx")); gazetteer.KindOf(r.Err) != gazetteer.Invalid {
		t.Errorf("no command: got %v", r.Err)
	}
}

func TestASnapshotHoldsTheDecisions(t *testing.T) {
	m := founded(t)
	plain, err := sealAll(m.now.Load(), m.decided.copy())
	if err != nil {
		t.Fatal(err)
	}
	if sealed, _ := m.seal(); !bytes.Equal(plain, sealed) {
		t.Error("a snapshot without decisions is not as before")
	}
	for i := range 20 {
		k := gazetteer.Key{Type: "t", ID: gazetteer.ID(fmt.Sprint(i))}
		if d := decideOn(t, m, next(k, mastery.Entry{}, 1, gazetteer.Version(i+1))); d.Err != nil {
			t.Fatal(d.Err)
		}
	}
	data, err := sealAll(m.now.Load(), m.decided.copy())
	if err != nil {
		t.Fatal(err)
	}
	back := &machine{}
	if err := back.restoreAll(data); err != nil {
		t.Fatal(err)
	}
	if again, _ := sealAll(back.now.Load(), back.decided.copy()); !bytes.Equal(again, data) {
		t.Error("what was restored is not what was saved")
	}
	for _, at := range []int{0, len(ledgerHead) + 3, len(ledgerHead) + 34, len(data) / 2, len(data) - 2} {
		broken := bytes.Clone(data)
		broken[at] ^= 1
		if err := back.restoreAll(broken); err == nil {
			t.Errorf("a flipped bit in byte %d was not noticed", at)
		}
	}
	for n := range 60 {
		if err := back.restoreAll(data[:n*len(data)/60]); err == nil {
			t.Errorf("%d of %d bytes were taken for a snapshot", n*len(data)/60, len(data))
		}
	}
	if err := back.restoreAll(plain); err != nil || back.decided.copy() != nil {
		t.Errorf("a snapshot without decisions leaves those of before: %v", err)
	}
}

func TestTheNextLeaderKnowsWhatWasDecided(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fleet) {
		all := f.region(3)
		old, _ := f.waitLeader(10*time.Second, all...)
		ctx, k := context.Background(), gazetteer.Key{Type: "t", ID: "a"}
		term, err := old.g.Reign(ctx)
		if err != nil {
			t.Fatal(err)
		}
		e, err := old.g.Decide(ctx, next(k, mastery.Entry{}, uint32(term), 7))
		if err != nil {
			t.Fatal(err)
		}
		var rest []*proc
		for _, p := range all {
			if p != old {
				rest = append(rest, p)
				if _, err := p.g.Decide(ctx, next(k, e, uint32(term), 8)); gazetteer.KindOf(err) != gazetteer.Unavailable {
					t.Errorf("a follower was asked: got %v, want unavailable", err)
				}
			}
		}
		old.kill()
		heir, _ := f.waitLeader(10*time.Second, rest...)
		now, err := heir.g.Reign(ctx)
		if err != nil || now <= term {
			t.Fatalf("the next leader's term is %d after %d: %v", now, term, err)
		}
		heir.g.Ledger(func(l *mastery.Ledger) {
			if held, ok := l.Entry(k); !ok || held != e {
				t.Errorf("the next leader knows %+v, %v, want %+v", held, ok, e)
			}
		})
		if err := heir.g.Verify(ctx, term); gazetteer.KindOf(err) != gazetteer.Unavailable {
			t.Errorf("an earlier term was verified: %v", err)
		}
		if _, err := heir.g.Decide(ctx, next(k, mastery.Entry{}, uint32(now), 9)); gazetteer.KindOf(err) != gazetteer.Precondition {
			t.Errorf("a write for an old version: got %v, want a precondition", err)
		}
		if _, err := heir.g.Decide(ctx, next(k, e, uint32(now), 9)); err != nil {
			t.Error(err)
		}
	})
}

// A region that goes on without what it has decided would decide on the same records
// again, in epochs that have been.
func TestDecisionsOutliveARestartAndAreNotRecoveredAway(t *testing.T) {
	dir, k := t.TempDir(), gazetteer.Key{Type: "t", ID: "a"}
	start := func(use func(*Group)) {
		synctest.Test(t, func(t *testing.T) {
			d := SingleDescription("fra", "a")
			g, err := Start(t.Context(), Config{Node: d.Nodes[0], Found: &d, Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			if err := g.Barrier(t.Context()); err != nil {
				t.Fatal(err)
			}
			use(g)
		})
	}
	var e mastery.Entry
	start(func(g *Group) {
		term, err := g.Reign(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if e, err = g.Decide(context.Background(), next(k, e, uint32(term), 7)); err != nil {
			t.Fatal(err)
		}
	})
	start(func(g *Group) {
		if _, err := g.Reign(context.Background()); err != nil {
			t.Fatal(err)
		}
		g.Ledger(func(l *mastery.Ledger) {
			if held, ok := l.Entry(k); !ok || held != e {
				t.Errorf("after a restart: %+v, %v, want %+v", held, ok, e)
			}
		})
	})
	if _, err := Recover(dir, "a"); !errors.Is(err, errDecided) {
		t.Errorf("the recovery says %v", err)
	}
}
