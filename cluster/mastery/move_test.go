package mastery

import (
	"time"

	"gazetteer"
)

// move hands a record on in order: nothing is written, its data is made durable at the
// other region, the log says that it is handed on, the other region takes it.
func (l *leader) move(k gazetteer.Key, to gazetteer.RegionID) {
	w := l.s.w
	if to == l.s.name {
		return
	}
	a, h, err := l.home.Give(k, to, w.terms(), l.now())
	if err != nil {
		return
	}
	end := func() { l.home.End(&a) }
	l.gather(k, a.From, 20, func(held stored, ahead, ok bool) {
		if a.From.Stamp != (gazetteer.Stamp{}) && (ahead || !ok) {
			end()
			return
		}
		other := w.site(to)
		w.send(l.s.name, to, func() {
			other.store(k, held, other.leader, func(durable bool) {
				if durable {
					w.send(to, l.s.name, func() { l.at(0, func() { l.hand(h, &a) }) })
				}
			})
		})
		l.at(3*time.Second, end)
	})
}

func (l *leader) hand(h Hand, a *Attempt) {
	w := l.s.w
	if !l.home.Holds(a) {
		return
	}
	l.propose(func(g *Ledger) error { _, err := g.Hand(h); return err }, func(ok bool, err error) {
		if ok && err == nil {
			w.seen.moves++
		}
		l.home.End(a)
	})
}

// tell says again and again to whom records were handed: the word may be lost, and comes
// twice to who has heard it.
func (s *site) tell() {
	w := s.w
	for _, k := range w.keys {
		e, ok := s.ledger.Entry(k)
		if !ok || e.Home == s.name {
			continue
		}
		w.send(s.name, e.Home, func() {
			other := w.site(e.Home)
			if w.now >= other.leader.pausedUntil {
				other.leader.take(Take{Key: k, From: e, Term: other.term})
			}
		})
	}
}

func (l *leader) take(t Take) {
	l.propose(func(g *Ledger) error {
		if l.s.w.f.takeTwice {
			delete(g.entries, t.Key)
		}
		_, err := g.Take(t)
		return err
	}, func(bool, error) {})
}

// force re-homes a record without asking its home.
func (l *leader) force(k gazetteer.Key) {
	w := l.s.w
	p := Promise{Key: k, To: l.s.name, Epoch: l.s.ledger.NextEra(k, l.s.ring[0].held[k].stamp)}
	have, done := 0, false
	promised := func() {
		have++
		if (have == Majority(len(w.names)) || w.f.promiseAlone) && !done {
			done = true
			wait := TakeAfter
			if w.f.noWait {
				wait = 0
			}
			l.at(wait, func() { l.seize(p) })
		}
	}
	l.propose(func(g *Ledger) error { return g.Promise(p) }, func(ok bool, err error) {
		if ok && err == nil {
			promised()
		}
	})
	for _, r := range w.names {
		if r == l.s.name {
			continue
		}
		w.send(l.s.name, r, func() {
			w.site(r).leader.propose(func(g *Ledger) error { return g.Promise(p) }, func(ok bool, err error) {
				if ok && err == nil {
					w.send(r, l.s.name, promised)
				}
			})
		})
	}
}

// seize takes a record with what this region holds of it. What the old home had decided
// and the feed has not brought would be lost: that is what force means, and is no part of
// the check.
func (l *leader) seize(p Promise) {
	w := l.s.w
	held := l.s.ring[0].held[p.Key]
	for _, s := range w.regions {
		if e, ok := s.ledger.Entry(p.Key); ok && e.Stamp.Compare(held.stamp) > 0 {
			return
		}
	}
	if held.stamp.Epoch >= p.Epoch {
		return
	}
	l.s.store(p.Key, held, l, func(durable bool) {
		if !durable {
			return
		}
		l.propose(func(g *Ledger) error {
			_, err := g.Take(Take{Key: p.Key, From: Entry{Stamp: held.stamp, Version: held.version, Epoch: p.Epoch - 1}, Term: l.term})
			return err
		}, func(ok bool, err error) {
			if ok && err == nil {
				w.seen.forced++
			}
		})
	})
}

// trouble does one thing to the planet.
func (w *world) trouble(forced bool) {
	s := w.regions[w.rand.IntN(3)]
	k := w.keys[w.rand.IntN(len(w.keys))]
	switch w.rand.IntN(7) {
	case 0, 1:
		w.seen.cuts++
		w.isolate(s.name, w.chance(70), 3*time.Second+w.some(20*time.Second))
	case 2:
		w.seen.pauses++
		s.leader.pausedUntil = w.now + w.some(14*time.Second)
	case 3:
		s.elect()
	case 4:
		w.seen.jumps++
		s.leader.wall += w.rand.Int64N(10_000) - 5_000
	case 5:
		s.leader.move(k, w.names[w.rand.IntN(3)])
	case 6:
		if forced {
			s.leader.force(k)
		}
	}
}

// isolate cuts a region off, both ways or one.
func (w *world) isolate(r gazetteer.RegionID, both bool, d time.Duration) {
	for _, o := range w.names {
		if o == r {
			continue
		}
		w.cut[[2]gazetteer.RegionID{r, o}] = true
		if both {
			w.cut[[2]gazetteer.RegionID{o, r}] = true
		}
	}
	w.after(d, func() {
		for _, o := range w.names {
			delete(w.cut, [2]gazetteer.RegionID{r, o})
			delete(w.cut, [2]gazetteer.RegionID{o, r})
		}
	})
}
