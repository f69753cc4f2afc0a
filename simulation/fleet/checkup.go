package fleet

import "fmt"

// check asks every server whether it is healthy, and plans the next check.
func (b *balancer) check() {
	if !b.down {
		for _, k := range b.backends {
			b.examine(k)
		}
	}
	b.fleet.agenda.After(b.interval, b.check)
}

// examine sends one server a check. It is passed when the answer that the server is
// healthy comes in time; a refusal fails it at once, silence at the end of its time.
func (b *balancer) examine(k *backend) {
	f := b.fleet
	begun := f.agenda.Now()
	from := b.place
	if b.direct {
		from = b.area.placeOf("")
	}
	answered := false
	f.send(from, k.place, func() {
		healthy, answers := k.healthy()
		if !answers {
			return
		}
		f.send(k.place, from, func() {
			if in := f.agenda.Now() - begun; in < b.timeout {
				answered = true
				b.checked(k, healthy, "it does not pass its checks")
			}
		})
	})
	f.agenda.After(b.timeout, func() {
		if !answered {
			b.checked(k, false, fmt.Sprintf("it does not answer within %v", b.timeout))
		}
	})
}

// healthy reports whether a server answers a check with 200, and whether with anything.
func (k *backend) healthy() (healthy, answers bool) {
	switch k.condition() {
	case Up:
		return k.planet == nil || k.planet.Ready(k.place.Node), true
	case Down:
		return false, true
	}
	return false, false
}

// condition is how its process is.
func (k *backend) condition() State {
	if k.planet != nil {
		return k.planet.State(k.place.Node)
	}
	return k.state
}

// checked takes the outcome of one check.
func (b *balancer) checked(k *backend, healthy bool, why string) {
	if k.removed || b.down {
		return
	}
	if healthy == k.in {
		k.row = 0
		return
	}
	k.row++
	switch {
	case healthy && k.row >= b.healthy:
		b.put(k, true, fmt.Sprintf("it passed %d checks", k.row))
	case !healthy && k.row >= b.unhealthy:
		b.put(k, false, why)
	}
}
