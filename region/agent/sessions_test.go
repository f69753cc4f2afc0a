package agent

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/ring"
)

func mirrorKey(id string) gazetteer.Key {
	return gazetteer.Key{Type: "mirror", ID: gazetteer.ID(id)}
}

// readIn reads at one replica in a session.
func (w *world) readIn(n gazetteer.NodeID, id string, s ring.Token, patience time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tier := w.node(n).tiers[region.RoleReplica]
	b, info, err := tier.Read(region.WithSession(ctx, s), nil, mirrorKey(id))
	if err == nil && info.Covered == s.None() {
		w.t.Errorf("read %s at %s: covered %v", id, n, info.Covered)
	}
	return b, err
}

// Whoever has written reads it at once at every other replica, and who has seen it there
// goes back nowhere.
func TestASessionReadsWhatItHasWrittenAtEveryReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(3))
		defer w.stopAll()
		w.start(w.all()...)
		w.serving(w.all()...)
		var session ring.Token
		for i := range 40 {
			id := fmt.Sprint("x", i)
			o := w.put(w.all()[i%3], id, ring.AckLocal)
			if o.Err != nil || o.Shown.None() {
				t.Fatalf("%v, shown %v", o.Err, o.Shown)
			}
			session = session.Merge(o.Shown)
			for _, n := range w.all() {
				if b, err := w.readIn(n, id, session, time.Second); err != nil || len(b) == 0 {
					t.Fatalf("%s at %s: %d bytes, %v", id, n, len(b), err)
				}
			}
		}
		if n := w.node("r0").agent.holdings.waiting.Load(); n != 0 {
			t.Errorf("%d sessions count as waiting", n)
		}
	})
}

// A replica that is cut off says how far behind it is, within the time that a caller gives
// it; when it is back, also as a new incarnation, it covers the session.
func TestAReplicaBehindASessionSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(2))
		defer w.stopAll()
		w.start(w.all()...)
		w.serving(w.all()...)
		w.net.cut("r0", "r1")
		var session ring.Token
		for range 3 {
			session = session.Merge(w.put("r0", "x", ring.AckLocal).Shown)
		}
		began := time.Now()
		_, err := w.readIn("r1", "x", session, time.Second)
		if gazetteer.KindOf(err) != gazetteer.Behind || time.Since(began) > 200*time.Millisecond {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		if want := "up to 3 updates behind, of 1 origins"; !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
		if b, err := w.readIn("r1", "x", ring.Token{}, time.Second); err != nil || len(b) != 0 {
			t.Errorf("without the session: %d bytes, %v", len(b), err)
		}
		w.net.mend("r0", "r1")
		w.eventually(func() error { _, err := w.readIn("r1", "x", session, time.Second); return err })
		w.stop("r1")
		w.start("r1")
		w.serving("r1")
		if b, err := w.readIn("r1", "x", session, time.Second); err != nil || len(b) == 0 {
			t.Errorf("a new incarnation: %d bytes, %v", len(b), err)
		}
	})
}

// A session waits in the loop's memory no longer than its caller does, and what is shown
// of a partition is forgotten when nobody asks any more.
func TestWaitingSessionsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(2))
		defer w.stopAll()
		w.start(w.all()...)
		w.serving(w.all()...)
		w.net.cut("r0", "r1")
		session := w.put("r0", "x", ring.AckLocal).Shown
		for range 10 {
			_, _ = w.readIn("r1", "x", session, 50*time.Millisecond)
		}
		time.Sleep(shownFor + time.Second)
		a := w.node("r1").agent
		waits, shown := -1, 0
		a.tell(func(a *agent) { waits = len(a.holdings.waits) })
		a.holdings.shown.Range(func(any, any) bool { shown++; return true })
		if waits != 0 || shown != 0 || a.holdings.waiting.Load() != 0 {
			t.Errorf("%d wait, %d partitions are shown", waits, shown)
		}
	})
}

// A replica of a partition that is not this node's refuses at once.
func TestASessionDoesNotWaitWhereNothingIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(1))
		defer w.stopAll()
		w.start("r0")
		session := w.put("r0", "x", ring.AckRing).Shown
		began := time.Now()
		err := w.node("r0").agent.Cover(context.Background(), gazetteer.Partition{Type: "mirror", Index: testPartitions + 1}, session)
		if gazetteer.KindOf(err) != gazetteer.WrongOwner || time.Since(began) > 0 {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}
