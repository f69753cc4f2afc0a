package demand

import (
	"testing"
	"time"

	"gazetteer/cluster"
	"gazetteer/region"
	"gazetteer/region/control"
)

// orders are those of most tests: rings for 100 requests a second each.
var orders = cluster.Auto{Min: 1, Max: 3, Rate: 100, Cooldown: 2 * time.Minute}

// soon is how long after the cool-down a change may come: a look, and what of the minute
// over which demand is averaged has still to pass.
const soon = cluster.Smooth + 3*everyDefault

func TestRingsComeAndGoWithDemand(t *testing.T) {
	inBubble(t, 12, func(w *world) {
		w.order(&orders)
		w.load(120)
		if took := w.reaches(2); took < orders.Cooldown || took > orders.Cooldown+soon {
			t.Errorf("the second ring came after %v", took)
		}
		w.stays(2, 10*time.Minute) // 120 is enough for two
		w.load(500)
		if took := w.reaches(3); took > soon {
			t.Errorf("the third ring came after %v, long after the cool-down", took)
		}
		w.stays(3, 10*time.Minute) // and no fourth: there are replicas for it, but 3 is the most
		w.load(150)
		w.stays(3, 10*time.Minute) // would fill two to more than 70 %
		w.load(10)
		if took := w.reaches(2); took < orders.Cooldown || took > orders.Cooldown+soon {
			t.Errorf("the third ring went after %v", took)
		}
		w.reaches(1)
		w.load(0)
		w.stays(1, 10*time.Minute)
		all := w.history()
		for i := 1; i < len(all); i++ {
			if rest := all[i].at - all[i-1].at; rest < orders.Cooldown {
				t.Errorf("%v after a change comes the next: %v", rest, all)
			}
		}
		if len(all) != 4 {
			t.Errorf("the rings changed like this: %v", all)
		}
	})
}

// The cool-down may be over long before the partitions have moved: see watchRings.
func TestTheNextChangeWaitsUntilAllHasMoved(t *testing.T) {
	inBubble(t, 9, func(w *world) {
		hasty := orders
		hasty.Cooldown = 5 * time.Second
		w.order(&hasty)
		w.load(500)
		w.reaches(3)
		w.load(0)
		w.reaches(1)
		if all := w.history(); len(all) != 4 || all[1].at-all[0].at < 20*time.Second {
			t.Errorf("the rings changed like this: %v", all)
		}
	})
}

// Demand that moves up and down must not move partitions with it: neither faster than it
// is averaged, nor as slowly as the cool-down.
func TestRingsDoNotFlap(t *testing.T) {
	hours(t)
	for name, c := range map[string]struct {
		high, low float64
		each      time.Duration
		changes   int
	}{
		"bursts":              {190, 0, 5 * time.Second, 0},
		"around the rate":     {110, 80, 5 * time.Minute, 1},
		"full swing, quickly": {190, 30, 90 * time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 9, func(w *world) {
				w.order(&orders)
				for range int(time.Hour / (2 * c.each)) {
					w.load(c.low)
					time.Sleep(c.each)
					w.load(c.high)
					time.Sleep(c.each)
				}
				if all := w.history(); len(all) > c.changes {
					t.Errorf("the rings changed like this: %v", all)
				}
			})
		})
	}
}

func TestANewLeaderBeginsTheCoolDownAnew(t *testing.T) {
	inBubble(t, 9, func(w *world) {
		long := orders
		long.Cooldown = 10 * time.Minute
		w.order(&long)
		w.load(150)
		w.stays(1, 8*time.Minute)
		w.setLeader("b")
		w.stays(1, 9*time.Minute)
		if took := w.reaches(2); took > 2*time.Minute {
			t.Errorf("the new leader added a ring %v late", took)
		}
		w.setLeader("a")
		w.load(0)
		w.stays(2, 9*time.Minute)
		w.setLeader("") // nobody leads: nothing changes
		w.stays(2, time.Hour)
		w.setLeader("b")
		w.reaches(1)
	})
}

func TestOrdersAndOperatorsBeginTheCoolDownAnew(t *testing.T) {
	hours(t)
	inBubble(t, 9, func(w *world) {
		w.load(150)
		w.order(&orders)
		w.stays(1, 100*time.Second)
		higher := orders
		higher.Max = 2
		w.order(&higher)
		w.stays(1, 110*time.Second)
		w.reaches(2)
		w.eventually("all has moved", func(p *control.Plan) bool { return !p.Moving() })
		w.edit(func(p *control.Plan) (control.Command, error) { return p.WithoutNewest("") })
		w.stays(1, 110*time.Second)
		w.reaches(2)
		w.order(nil)
		w.load(0)
		time.Sleep(time.Hour)
		if p := w.group.View().Plan(); len(p.Rings("")) != 2 {
			t.Errorf("the orders were taken back, and there are %d rings", len(p.Rings("")))
		}
	})
}

// A server that does not answer the leader may still be asked by its clients.
func TestASilentServerCountsAsItDid(t *testing.T) {
	inBubble(t, 9, func(w *world) {
		w.order(&orders)
		w.load(160)
		w.reaches(2)
		w.servers["b"].hush(true)
		w.servers["a"].load(0) // 80 of 160 are left, by the last word of b
		w.stays(2, time.Hour)
		if n := w.log.count("do not say what they were asked"); n != 1 {
			t.Errorf("logged %d times that b is silent", n)
		}
		w.servers["b"].load(0)
		w.servers["b"].hush(false)
		w.reaches(1) // what it was asked in between is told as a mean of that hour
	})
}

// A leader that has never heard a server knows nothing of its share.
func TestNothingIsDecidedBeforeAllWereHeard(t *testing.T) {
	hours(t)
	inBubble(t, 9, func(w *world) {
		w.order(&orders)
		w.load(160)
		w.reaches(2)
		w.servers["b"].hush(true)
		w.setLeader("")
		w.setLeader("a")
		w.servers["a"].load(1000)
		w.stays(2, 30*time.Minute)
		w.servers["a"].load(0)
		w.stays(2, 30*time.Minute)
		w.servers["b"].hush(false)
		w.servers["b"].load(0)
		w.reaches(1)
	})
}

// The clients of a dead server ask others, and would count twice.
func TestADeadServerNoLongerCounts(t *testing.T) {
	inBubble(t, 9, func(w *world) {
		w.order(&orders)
		w.load(160)
		w.reaches(2)
		w.servers["a"].load(60)
		w.servers["b"].hush(true)
		w.kill("b")
		w.reaches(1)
	})
}

func TestARingWaitsForAFullSetOfSpares(t *testing.T) {
	hours(t)
	inBubble(t, 5, func(w *world) {
		w.order(&orders)
		w.load(150)
		w.stays(1, time.Hour) // two are spare, and a ring takes three
		if n := w.log.count("rings do not follow demand"); n != 1 {
			t.Errorf("logged %d times that replicas are missing:\n%s", n, w.log.String())
		}
		w.join("late", region.RoleReplica)
		if took := w.reaches(2); took > soon {
			t.Errorf("the ring came %v after its last replica", took)
		}
	})
}

func TestNoRingGoesWhileAReplicaIsDead(t *testing.T) {
	hours(t)
	inBubble(t, 6, func(w *world) {
		w.order(&orders)
		w.load(150)
		w.reaches(2)
		w.kill("r1")
		w.load(0)
		w.stays(2, time.Hour)
		w.mu.Lock()
		w.dead["r1"] = false
		w.mu.Unlock()
		w.reaches(1)
	})
}
