package fleet

import (
	"fmt"
	"math/rand/v2"
	"time"

	"gazetteer"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// crowd is the test clients of one type in one region.
type crowd struct {
	fleet     *Fleet
	area      *area
	model     scenario.Clients
	arrivals  *Arrivals
	rand      *rand.Rand
	catalogue *Catalogue
	users     []user
	counts    result.Counts // its own: nothing else writes them
	inFlight  int64
}

// usersPerCrowd is how many clients a crowd has. Every second one keeps a session.
const usersPerCrowd = 256

func (f *Fleet) newCrowd(a *area, model scenario.Clients, of *Catalogue) *crowd {
	name := fmt.Sprintf("%s %s %d", a.name, model.Type, len(a.crowds))
	c := &crowd{fleet: f, area: a, model: model, catalogue: of, rand: f.dice("clients " + name), users: make([]user, usersPerCrowd)}
	c.arrivals = NewArrivals(model.Rate, f.dice("arrivals "+name))
	for i := range c.users {
		if i%2 == 0 {
			c.users[i] = user{session: true, seen: map[gazetteer.Key]gazetteer.Stamp{}}
		}
	}
	return c
}

// await plans the next request.
func (c *crowd) await() {
	at, ok := c.arrivals.Next(c.fleet.now(), c.fleet.scenario.Duration)
	if ok {
		c.fleet.agenda.At(c.fleet.started+at, c.arrive)
	}
}

func (c *crowd) arrive() {
	c.await()
	r := &request{
		crowd: c,
		user:  &c.users[c.rand.IntN(len(c.users))],
		key:   c.catalogue.draw(c.rand),
		write: c.rand.Float64() >= c.model.Reads,
		begun: c.fleet.agenda.Now(),
	}
	c.inFlight++
	if r.write {
		c.counts.Writes++
		r.value = c.fleet.books.value(r.key)
	} else {
		c.counts.Reads++
	}
	r.begin()
}

// ended takes the outcome of a request.
func (c *crowd) ended(r *request, failed, wrong string, stale bool) {
	c.inFlight--
	if failed != "" {
		countError(&c.counts, failed)
	}
	if wrong != "" {
		c.counts.Wrong++
		c.fleet.wrong(r, wrong)
	}
	c.fleet.ended(r, c.fleet.agenda.Now()-r.begun, failed, wrong != "", stale)
}

// Catalogue is the resources of a type, the most popular ones first.
type Catalogue struct {
	Type gazetteer.Type
	IDs  []gazetteer.ID
	Zipf float64

	popularity *Popularity
}

func (c *Catalogue) draw(r *rand.Rand) gazetteer.Key {
	return gazetteer.Key{Type: c.Type, ID: c.IDs[c.popularity.Draw(r)]}
}

// patience is for the first region, while there is another one to be asked; deadline is
// for a request as a whole. The first is the router's.
const (
	patience = 2 * time.Second
	deadline = 5 * time.Second
)
