package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// view is what the clients near one region know of the planet, by the router that they
// go through: the regions by round trip, and which of them answer. Its figures are those
// of the product's router (api/router).
type view struct {
	fleet  *Fleet
	from   *area
	place  Place
	sights []*sight // nearest first
	budget budget
}

// sight is a region as a view has it.
type sight struct {
	*area
	silent bool
}

const (
	// viewEvery is how often a router checks each region.
	viewEvery = time.Second
	// viewPatience is how long it waits for the answer.
	viewPatience = time.Second
)

// FailoverBound is how long clients may go on to ask a region that has gone silent.
const FailoverBound = viewEvery + viewPatience

func (f *Fleet) newView(from *area) *view {
	v := &view{fleet: f, from: from, place: from.placeOf(from.named("clients")), budget: budget{tokens: budgetMost}}
	for _, a := range f.areas {
		v.sights = append(v.sights, &sight{area: a})
	}
	slices.SortStableFunc(v.sights, func(s, t *sight) int {
		return cmp.Compare(f.roundTrip(from, s.area), f.roundTrip(from, t.area))
	})
	return v
}

// choose returns the regions that a request goes to: the nearest first. What is silent is
// tried when nothing else is left, as what is known may be wrong.
func (v *view) choose() (first, second *sight) {
	for _, silent := range [2]bool{false, true} {
		for _, s := range v.sights {
			switch {
			case s.silent != silent:
			case first == nil:
				first = s
			case second == nil:
				return first, s
			}
		}
	}
	return first, nil
}

// check asks every region whether it answers.
func (v *view) check() {
	for _, s := range v.sights {
		v.ask(s)
	}
	v.fleet.agenda.After(viewEvery, v.check)
}

func (v *view) ask(s *sight) {
	f := v.fleet
	entry := s.entry()
	over := false
	conclude := func(silent bool, why string) {
		if !over {
			over = true
			v.see(s, silent, why)
		}
	}
	f.send(v.place, entry, func() {
		if s.regional.down || s.down {
			return
		}
		ready := s.ready()
		f.send(entry, v.place, func() { conclude(!ready, "no server is ready") })
	})
	f.agenda.After(viewPatience, func() { conclude(true, fmt.Sprintf("no answer within %v", viewPatience)) })
}

// see takes what is known of a region now.
func (v *view) see(s *sight, silent bool, why string) {
	if s.silent == silent {
		return
	}
	s.silent = silent
	kind := "region_answers"
	if silent {
		kind = "region_silent"
	} else {
		why = "it answers again"
	}
	v.fleet.happened(kind, s.area, "", "for clients near "+string(v.from.name)+": "+why)
}

// entry is where a region's requests come in.
func (a *area) entry() Place {
	if a.regional.direct {
		return a.placeOf("")
	}
	return a.regional.place
}

// ready reports whether a server of the region would answer.
func (a *area) ready() bool {
	return slices.ContainsFunc(a.regional.backends, func(k *backend) bool { return k.in && k.state == Up })
}

// A budget bounds what retries add to the load: a tenth of the requests, and a floor of
// ten a second.
type budget struct {
	tokens float64
	last   time.Duration
}

const (
	budgetShare = 0.1 // of a retry, earned by each request
	budgetFloor = 10  // retries a second
	budgetMost  = 100 // retries kept
)

func (b *budget) earn(now time.Duration) {
	b.tokens = min(b.tokens+budgetShare+budgetFloor*(now-b.last).Seconds(), budgetMost)
	b.last = now
}

func (b *budget) spend() bool {
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
