package mastery

import (
	"time"

	"github.com/anishathalye/porcupine"

	"gazetteer"
)

// call is an operation of a client on one record: compare-and-set to a version that is
// used once (0 deletes), or a read.
type call struct {
	read          bool
	expected, new gazetteer.Version
}

// answer is what became of it.
type answer struct {
	unknown, refused bool
	version          gazetteer.Version
}

var register = porcupine.Model{
	Init: func() any { return gazetteer.Version(0) },
	Step: func(state, input, output any) (bool, any) {
		v, in, out := state.(gazetteer.Version), input.(call), output.(answer)
		switch {
		case in.read:
			return out.version == v, v
		case out.unknown && v == in.expected:
			return true, in.new
		case out.unknown:
			return true, v
		case out.refused:
			return v != in.expected, v
		}
		return v == in.expected, in.new
	},
}

// client does one operation after the other on one record until the time is over. It
// knows the version that it has seen last.
type client struct {
	w    *world
	id   int
	key  gazetteer.Key
	at   gazetteer.RegionID
	last gazetteer.Version
	end  time.Duration
	left int
}

func (c *client) next() {
	w := c.w
	if w.now > c.end || c.left == 0 {
		return
	}
	c.left--
	in := call{read: w.chance(40), expected: c.last}
	if !in.read && !w.chance(15) {
		w.next++
		in.new = gazetteer.Version(w.next)
	}
	from := w.now
	c.try(in, 4, func(out answer, did bool) {
		if did {
			c.note(in, out, from)
		}
		w.after(w.some(600*ms), c.next)
	})
}

func (c *client) note(in call, out answer, from time.Duration) {
	w, to := c.w, int64(c.w.now)
	switch {
	case out.unknown:
		w.seen.unknown++
		to = 1 << 62
		w.clients++
		defer func(id int) { c.id = id }(w.clients) // a client whose operation is still open is another one from here on
	case out.refused:
		w.seen.refused++
	case in.read:
		w.seen.reads++
		c.last = out.version
	default:
		w.seen.decided++
		c.last = in.new
	}
	w.history[c.key] = append(w.history[c.key], porcupine.Operation{ClientId: c.id, Input: in, Call: int64(from), Output: out, Return: to})
}

// try goes to the region that the client takes for the record's home.
func (c *client) try(in call, hops int, done func(out answer, did bool)) {
	w := c.w
	if w.chance(10) {
		c.at = w.names[w.rand.IntN(3)]
	}
	s := w.site(c.at)
	l := s.leader
	if len(s.old) > 0 && w.chance(40) {
		l = s.old[w.rand.IntN(len(s.old))]
	}
	if l.deposed || hops == 0 {
		done(answer{}, false)
		return
	}
	l.at(w.some(10*ms), func() {
		l.serve(c.key, in, func(out answer, err error) {
			e, _ := l.s.ledger.Entry(c.key)
			switch {
			case err == nil:
				done(out, true)
			case gazetteer.KindOf(err) == gazetteer.Conflict && e.Home != "" && e.Home != c.at:
				c.at = e.Home
				c.try(in, hops-1, done)
			case gazetteer.KindOf(err) == gazetteer.Conflict:
				c.at = w.names[w.rand.IntN(3)]
				c.try(in, hops-1, done)
			default:
				w.seen.silent++
				done(answer{}, false) // nothing was done
			}
		})
	})
}

// serve is what a driver does around the core. An error means that nothing was done.
func (l *leader) serve(k gazetteer.Key, in call, done func(answer, error)) {
	if in.read {
		l.read(k, 3, done)
		return
	}
	w := l.s.w
	a, err := l.home.Begin(k, []gazetteer.Version{in.expected}, w.terms(), l.now())
	if w.f.staleCAS {
		a, err = l.stale(k, in, a, err)
	}
	if w.f.noHold && err != nil && gazetteer.KindOf(err) == gazetteer.Unserved {
		delete(l.home.busy, k)
		a, err = l.home.Begin(k, []gazetteer.Version{in.expected}, w.terms(), l.now())
	}
	switch {
	case err != nil && gazetteer.KindOf(err) == gazetteer.Precondition:
		l.refuse(k, in, done)
	case err != nil:
		done(answer{}, err)
	case w.f.decideFirst:
		l.decide(&a, in.new, func(out answer) {
			if w.chance(30) { // it dies
				done(answer{unknown: true}, nil)
				return
			}
			l.s.store(k, stored{a.Stamp, in.new}, l, func(bool) { done(out, nil) })
		})
	default:
		l.write(&a, in.new, func(out answer) { done(out, nil) })
	}
}

// refuse tells the client that its version is not the record's, if this process still
// leads and the lease holds.
func (l *leader) refuse(k gazetteer.Key, in call, done func(answer, error)) {
	l.verify(func(leads bool) {
		e, err := l.home.Look(k, l.s.w.terms(), l.now())
		switch {
		case !leads || err == nil && e.Version == in.expected:
			done(answer{}, refuse(gazetteer.Unavailable, k, "ask again"))
		case err != nil:
			done(answer{}, err)
		default:
			done(answer{refused: true}, nil)
		}
	})
}

// stale is a broken Begin: it believes a replica.
func (l *leader) stale(k gazetteer.Key, in call, a Attempt, err error) (Attempt, error) {
	if err == nil || gazetteer.KindOf(err) != gazetteer.Precondition {
		return a, err
	}
	if l.s.ring[l.s.w.rand.IntN(3)].held[k].version != in.expected {
		return a, err
	}
	e, _ := l.home.ledger.Entry(k)
	return l.home.Begin(k, []gazetteer.Version{e.Version}, l.s.w.terms(), l.now())
}

func (l *leader) write(a *Attempt, v gazetteer.Version, done func(answer)) {
	l.home.Stored(a)
	l.s.store(a.Key, stored{a.Stamp, v}, l, func(durable bool) {
		if !durable {
			l.home.End(a)
			done(answer{unknown: true})
			return
		}
		l.decide(a, v, done)
	})
}

func (l *leader) decide(a *Attempt, v gazetteer.Version, done func(answer)) {
	d := a.Decision(v)
	l.propose(func(g *Ledger) error { _, err := g.Decide(d); return err }, func(ok bool, err error) {
		l.home.End(a)
		confirmed := l.home.MayConfirm(a, l.now()) || l.s.w.f.lateAnswer
		done(answer{unknown: !ok || err != nil || !confirmed})
	})
}

// read is linearizable: what is agreed on, by a process that leads, within its lease.
func (l *leader) read(k gazetteer.Key, tries int, done func(answer, error)) {
	w := l.s.w
	l.verify(func(leads bool) {
		e, err := l.home.Look(k, w.terms(), l.now())
		if w.f.lateAnswer && gazetteer.KindOf(err) == gazetteer.Unavailable {
			err = nil
		}
		switch {
		case !leads:
			done(answer{}, refuse(gazetteer.Unavailable, k, "another leads"))
		case err != nil:
			done(answer{}, err)
		case e.Version == 0 && !w.f.undecided:
			done(answer{}, nil)
		default:
			l.gather(k, e, 20, func(held stored, ahead, ok bool) { l.found(k, held, ahead, ok, tries, done) })
		}
	})
}

func (l *leader) found(k gazetteer.Key, held stored, ahead, ok bool, tries int, done func(answer, error)) {
	w := l.s.w
	switch {
	case ok && (!ahead || w.f.undecided):
		done(answer{version: held.version}, nil)
	case !ok || tries == 0:
		done(answer{}, refuse(gazetteer.Unavailable, k, "no replica has it"))
	default:
		a, err := l.home.Again(k, w.terms(), l.now())
		if err != nil {
			done(answer{}, refuse(gazetteer.Unavailable, k, "ask again"))
			return
		}
		if held.stamp.Compare(a.From.Stamp) <= 0 { // overtaken
			l.home.End(&a)
			l.read(k, tries-1, done)
			return
		}
		w.seen.adopted++
		l.write(&a, held.version, func(answer) { l.read(k, tries-1, done) })
	}
}
