package planet

import (
	"strings"
	"testing"
	"time"

	"gazetteer"
)

// leaveWithin is how soon every region has to know that clients are not sent to another
// one any more: DNS names and routers ask [Planet.Sites].
const leaveWithin = 3 * time.Second

// TestRegionsLeaveInTime: whether a region is drained or nobody hears of it any more,
// all others send their clients elsewhere within 3 s, near and far.
func TestRegionsLeaveInTime(t *testing.T) {
	inBubble(t, "a-b=5 a-c=400 b-c=390", func(e *earth) {
		a := e.found("a")
		b, c := e.admitted("b", a), e.admitted("c", a)
		e.eventually(60*time.Second, "a-b b-c")
		time.Sleep(5 * time.Second)

		knows := func(l *land, what string) bool { return strings.Contains(standings(l.planet), what) }
		within := func(what string) {
			t.Helper()
			for end := time.Now().Add(leaveWithin); ; time.Sleep(50 * time.Millisecond) {
				if knows(a, what) && knows(b, what) {
					return
				}
				if time.Now().After(end) {
					t.Fatalf("after %v a knows %s, b knows %s, want %s", leaveWithin, standings(a.planet), standings(b.planet), what)
				}
			}
		}
		if err := b.planet.Drain(t.Context(), "c", true); err != nil {
			t.Fatal(err)
		}
		within("c draining")
		if err := b.planet.Drain(t.Context(), "c", false); err != nil {
			t.Fatal(err)
		}
		within("c live")
		e.setCut("c", true)
		within("c unreachable")
		if !knows(c, "a unreachable") || !knows(c, "c live") {
			t.Errorf("c, which is cut off, knows %s", standings(c.planet))
		}
	})
}

// TestNobodyFallsSilentForNothing: a region whose pings take long, or of which one is
// lost, keeps its clients.
func TestNobodyFallsSilentForNothing(t *testing.T) {
	inBubble(t, "a-b=600", func(e *earth) {
		a := e.found("a")
		e.admitted("b", a)
		e.eventually(60*time.Second, "a-b")
		time.Sleep(5 * time.Second)
		for range 600 {
			if got := standings(a.planet); !strings.Contains(got, "b live") {
				t.Fatalf("a knows %s", got)
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	var r rtts
	r.init()
	now := time.Now()
	r.all["b"] = &rtt{smoothed: time.Second, heard: now}
	for _, after := range []time.Duration{0, 2400 * time.Millisecond} {
		if _, ok := r.of(gazetteer.RegionID("b"), now.Add(after), time.Second); !ok {
			t.Errorf("silent after %v", after)
		}
	}
}
