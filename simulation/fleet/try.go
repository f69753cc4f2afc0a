package fleet

import (
	"time"

	"gazetteer"
)

// try is one way of a request through a region:
//
//	client -> balancer of the region -> regional server
//	       -> balancer of the cluster -> cluster server
//	       -> balancer of the ring -> replica
//
// and back over all of them. A balancer that is direct is not on the way.
type try struct {
	request *request
	sight   *sight
	over    bool
	path    []Place // where it has come by
	stages  []stage
}

// stage is a server that the request was given to by a balancer.
type stage struct {
	balancer *balancer
	backend  *backend
	ends     int           // of the server, when the request was given to it
	begun    time.Duration // at the balancer
	took     time.Duration // there and back
	hops     int           // of the path, up to the balancer
}

func (t *try) fleet() *Fleet { return t.request.crowd.fleet }

func (t *try) begin() {
	t.path = append(make([]Place, 0, 7), t.request.crowd.area.view.place)
	t.pass(t.sight.regional, t.atRegional)
}

func (t *try) atRegional() { t.pass(t.sight.clusters[t.request.key.Type], t.atCluster) }

func (t *try) atCluster() { t.pass(t.sight.ringOf(t.request.key), t.atReplica) }

// hop takes the request to the next place. What is lost on the way comes to an end when
// the client loses patience.
func (t *try) hop(to Place, then func()) {
	t.fleet().send(t.path[len(t.path)-1], to, func() {
		if !t.over {
			t.path = append(t.path, to)
			then()
		}
	})
}

// pass gives the request to a server behind a balancer, and goes on there when the server
// has spent its time on it.
func (t *try) pass(b *balancer, then func()) {
	switch {
	case b == nil:
		t.fail(gazetteer.Unavailable)
	case b.direct:
		t.give(b, len(b.backends), then)
	default:
		t.hop(b.place, func() {
			if !b.down {
				t.give(b, 1, then)
			}
		})
	}
}

// give asks a server, and as long as servers refuse, others up to so many.
func (t *try) give(b *balancer, most int, then func()) {
	k := b.pick()
	if k == nil {
		t.stages = append(t.stages, stage{balancer: b, begun: t.fleet().agenda.Now(), hops: len(t.path) - 1})
		t.fail(gazetteer.Unavailable)
		return
	}
	k.outstanding++
	t.stages = append(t.stages, stage{balancer: b, backend: k, ends: k.ends, begun: t.fleet().agenda.Now(), hops: len(t.path) - 1})
	refused := func() { t.refused(most-1, then) }
	t.hop(k.place, func() {
		switch k.condition() {
		case Down:
			refused()
		case Up, Paused:
			t.enter(k, then, refused)
		}
	})
}

// enter queues for a core of a server.
func (t *try) enter(k *backend, then, refused func()) {
	k.take(job{
		over: func() bool { return t.over },
		done: func() {
			if !t.over {
				then()
			}
		},
		lost: func() {
			if !t.over && k.state == Down {
				refused()
			}
		},
	})
}

// refused goes back to who asked the last server, and on to another one.
func (t *try) refused(most int, then func()) {
	last := &t.stages[len(t.stages)-1]
	b, k := last.balancer, last.backend
	b.refused(k)
	if !b.direct || most <= 0 || k.in {
		t.fail(gazetteer.Unavailable)
		return
	}
	k.outstanding--
	t.stages = t.stages[:len(t.stages)-1]
	back := t.path[len(t.path)-2]
	t.hop(back, func() {
		t.path = t.path[:len(t.path)-2]
		t.give(b, most, then)
	})
}

// atReplica asks the replica itself. One that does not serve says so, and a caller that
// knows the ring asks the next one.
func (t *try) atReplica() {
	r, f := t.request, t.fleet()
	k := t.stages[len(t.stages)-1].backend
	n := k.place.Node
	switch state := f.planet.State(n); {
	case state == Down:
		t.fail(gazetteer.Unavailable)
		return
	case state == Gone:
		return
	case state == Up && !f.planet.Serving(n, r.key):
		t.unserved()
		return
	}
	answer := func(a Answer) {
		if !t.over {
			t.reply(&a)
		}
	}
	if r.write {
		f.planet.Write(n, r.key, r.value, r.user.token, deadline-(f.agenda.Now()-r.begun), answer)
		return
	}
	f.planet.Read(n, r.key, r.user.token, answer)
}

// unserved goes on to another replica if there is one that may serve.
func (t *try) unserved() {
	b := t.stages[len(t.stages)-1].balancer
	asked := 0
	for _, s := range t.stages {
		if s.balancer == b {
			asked++
		}
	}
	if !b.direct || asked >= len(b.backends) {
		t.fail(gazetteer.Unserved)
		return
	}
	back := t.path[len(t.path)-2]
	t.hop(back, func() {
		t.path = t.path[:len(t.path)-2]
		t.give(b, len(b.backends)-asked, t.atReplica)
	})
}

func (t *try) fail(k gazetteer.Kind) { t.reply(&Answer{Failed: k}) }

// reply brings an answer back the way that the request came.
func (t *try) reply(a *Answer) {
	a, ok := t.unbroken(a)
	if !ok {
		return
	}
	took, ok := t.wayOut()
	if !ok {
		return
	}
	t.fleet().agenda.After(took, func() {
		if !t.over {
			t.leave(a)
		}
	})
}

// unbroken is what becomes of an answer when servers on its way have ended since the
// request came by; false if nobody says anything.
func (t *try) unbroken(a *Answer) (*Answer, bool) {
	for _, s := range t.stages {
		if s.backend == nil || s.backend.ends == s.ends {
			continue
		}
		if s.backend.state == Gone {
			return nil, false
		}
		a = &Answer{Failed: gazetteer.Unavailable}
	}
	return a, true
}

// wayOut is how long the answer takes to the region's entry; false if it is lost. The
// time of each stage ends where the answer passes its balancer.
func (t *try) wayOut() (took time.Duration, ok bool) {
	f := t.fleet()
	for i := len(t.path) - 1; ; i-- {
		for j := range t.stages {
			if s := &t.stages[j]; s.hops == i || i <= 1 && s.hops < i {
				s.took = f.agenda.Now() + took - s.begun
			}
		}
		if i <= 1 {
			return took, true
		}
		d, passes := f.planet.Delay(t.path[i], t.path[i-1])
		if !passes {
			return 0, false
		}
		took += d
	}
}

// leave lets the answer go from the region's entry to the client.
func (t *try) leave(a *Answer) {
	failed := ""
	if !a.Done {
		failed = a.Failed.String()
	}
	t.release(failed)
	if len(t.path) == 1 {
		t.arrive(a) // the client's own list of servers was empty
		return
	}
	t.fleet().send(t.path[1], t.path[0], func() {
		if !t.over {
			t.arrive(a)
		}
	})
}

func (t *try) arrive(a *Answer) {
	t.over = true
	t.request.answered(a)
}

// abandon is the client's: whatever is under way is no longer waited for.
func (t *try) abandon() {
	t.over = true
	now := t.fleet().agenda.Now()
	for i := range t.stages {
		t.stages[i].took = now - t.stages[i].begun
	}
	t.release(gazetteer.Deadline.String())
}

// release ends all stages.
func (t *try) release(failed string) {
	for _, s := range t.stages {
		if s.backend != nil {
			s.backend.outstanding--
		}
		s.balancer.period.ended(t.request.write, s.took, failed)
		s.balancer.total.ended(t.request.write, s.took, failed)
	}
	t.stages = nil
}
