package planet

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer"
)

// manyRegions are r00 to r31 on a circle of a round trip of 400 ms from end to end.
func manyRegions() (names []gazetteer.RegionID, rtts string) {
	for i := range 32 {
		names = append(names, gazetteer.RegionID(fmt.Sprintf("r%02d", i)))
		for j := range i {
			// Neighbours by name are far from each other, so that near and next differ.
			apart := math.Abs(float64(i*13%32 - j*13%32))
			rtts += fmt.Sprintf(" %s-%s=%d", names[j], names[i], 5+int(25*min(apart, 32-apart)))
		}
	}
	return names, rtts
}

// unsure returns the regions, but for r and those that are cut off, that do not know r in
// a state.
func (e *earth) unsure(r gazetteer.RegionID, state string) (out []gazetteer.RegionID) {
	for name, l := range e.regions {
		if name != r && !e.isCut(name) && !strings.Contains(standings(l.planet), string(r)+" "+state) {
			out = append(out, name)
		}
	}
	return out
}

func (e *earth) isCut(r gazetteer.RegionID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cut[r]
}

// TestRegionsLeaveALargePlanetInTime: among 32 regions, of which each pings the others
// slowly, all know within 3 s that one is gone, and none sends more pings for that than
// bounds allow.
func TestRegionsLeaveALargePlanetInTime(t *testing.T) {
	names, rtts := manyRegions()
	inBubble(t, rtts, func(e *earth) {
		a := e.found(names[0])
		for _, name := range names[1:] {
			e.admitted(name, a)
		}
		time.Sleep(10 * time.Second)
		for _, name := range names {
			if who := e.unsure(name, "live"); len(who) > 0 {
				t.Fatalf("%v do not know %s as live", who, name)
			}
		}

		e.mu.Lock()
		before := e.pings
		e.mu.Unlock()
		time.Sleep(9300 * time.Millisecond) // three paces
		e.mu.Lock()
		each := float64(e.pings-before) / 9.3 / 32
		e.mu.Unlock()
		t.Logf("each region sends %.1f pings a second", each)
		if most := 30.0 + watchedNear + watchedNext + 1; each > most {
			t.Errorf("more than %v", most)
		}

		for _, gone := range []gazetteer.RegionID{"r17", "r31"} {
			e.setCut(gone, true)
			cut := time.Now()
			for len(e.unsure(gone, "unreachable")) > 0 && time.Since(cut) < leaveWithin {
				time.Sleep(50 * time.Millisecond)
			}
			if who := e.unsure(gone, "unreachable"); len(who) > 0 {
				t.Errorf("after %v %v do not know that %s is gone", leaveWithin, who, gone)
			}
			t.Logf("%s is gone everywhere after %v", gone, time.Since(cut))
			for _, name := range names {
				if who := e.unsure(name, "live"); !e.isCut(name) && len(who) > 0 {
					t.Errorf("%v do not know %s as live, which is", who, name)
				}
			}
		}
		e.setCut("r17", false)
		time.Sleep(2*3100*time.Millisecond + time.Second)
		if who := e.unsure("r17", "live"); len(who) > 0 {
			t.Errorf("%v do not know that r17 is back", who)
		}
	})
}

// TestADoubtIsNoMoreThanAQuestion: a region that others doubt keeps its clients as long as
// it answers, and who is not known is not asked.
func TestADoubtIsNoMoreThanAQuestion(t *testing.T) {
	inBubble(t, "a-b=600", func(e *earth) {
		a := e.found("a")
		e.admitted("b", a)
		e.eventually(60*time.Second, "a-b")
		time.Sleep(5 * time.Second)
		doubt := func() {
			if _, err := a.planet.doubt(t.Context(), doubtRequest{[]gazetteer.RegionID{"b", "x", "a"}}); err != nil {
				t.Error(err)
			}
		}
		for range 100 {
			doubt()
			time.Sleep(100 * time.Millisecond)
			if got := standings(a.planet); !strings.Contains(got, "b live") {
				t.Fatalf("a knows %s", got)
			}
		}
		e.setCut("b", true)
		time.Sleep(400 * time.Millisecond) // its last answer is on its way
		a.planet.threads.Go(doubt)
		time.Sleep(1500 * time.Millisecond)
		if got := standings(a.planet); !strings.Contains(got, "b unreachable") {
			t.Errorf("a knows %s", got)
		}
	})
}

func TestEveryRegionIsWatched(t *testing.T) {
	names, _ := manyRegions()
	watchers := map[gazetteer.RegionID]int{}
	for _, self := range names {
		others := slices.DeleteFunc(slices.Clone(names), func(r gazetteer.RegionID) bool { return r == self })
		watched := watchedBy(self, others, []gazetteer.RegionID{"r00", "gone", "r05"})
		if slices.Contains(watched, self) && self != "r00" && self != "r05" || slices.Contains(watched, "gone") {
			t.Errorf("%s watches %v", self, watched)
		}
		for _, r := range watched {
			watchers[r]++
		}
		if slices.Sort(watched); len(slices.Compact(watched)) != len(watched) {
			t.Errorf("%s watches %v: one twice", self, watched)
		}
	}
	for _, r := range names {
		if watchers[r] < watchedNext {
			t.Errorf("%s is watched by %d regions", r, watchers[r])
		}
	}
}
