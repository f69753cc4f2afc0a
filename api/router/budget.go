package router

import "time"

// A budget bounds what retries add to the load of regions that may be struggling already:
// a tenth of the requests, and a floor of ten a second, so that a router with few clients
// can retry at all. What is not used is kept, up to ten seconds of the floor.
type budget struct {
	tokens float64
	last   time.Duration
}

const (
	budgetShare = 0.1 // of a retry, earned by each request
	budgetFloor = 10  // retries a second
	budgetMost  = 100 // retries kept
)

func newBudget(now time.Duration) budget { return budget{budgetMost, now} }

// earn is called once for each request.
func (b *budget) earn(now time.Duration) {
	b.tokens = min(b.tokens+budgetShare+budgetFloor*(now-b.last).Seconds(), budgetMost)
	b.last = now
}

// spend reports whether one retry may be sent.
func (b *budget) spend() bool {
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
