package ring

import (
	"bytes"

	"gazetteer"
)

// offer holds u against what the mirror holds of its element: the higher stamp wins,
// whatever came first. It reports whether u was new and won. The loser goes into the
// conflict journal if the winner's writer had not seen it.
func (r *Replica) offer(m *mirror, u gazetteer.Update) bool {
	g := r.resource(m.partition, u.Element.ID)
	held, ok := g.held(u.Element.Location)
	if !ok {
		r.accept(g, u)
		return true
	}
	switch c := u.Stamp.Compare(held.Stamp); {
	case c > 0:
		r.conflict(m, held, u)
		r.accept(g, u)
		return true
	case c < 0:
		r.count.Superseded++
		r.conflict(m, u, held)
		return false
	}
	r.count.Duplicates++
	return false
}

func (r *Replica) accept(g *resource, u gazetteer.Update) {
	r.clock.observe(u.Stamp.Clock)
	r.batch.put(g, u)
	r.count.Applied++
}

// conflict journals a loser that the winner does not cover: it was written at the same
// time by somebody who had not seen the winner. Equal content is no conflict.
func (r *Replica) conflict(m *mirror, loser, winner gazetteer.Update) {
	if winner.Context.Covers(loser.Position) || same(loser, winner) || r.settled(loser, winner) {
		return
	}
	r.journal(m, loser, winner.Stamp)
}

// settled reports whether a loser lies so far back that every replica knows it, the
// winner's writer included: then the first replica that saw both has journaled it, if
// there was a conflict. Only of origins that the stable stamp counts can this be said.
func (r *Replica) settled(loser, winner gazetteer.Update) bool {
	return loser.Stamp.Clock < r.stable && !r.ended(loser.Position.Origin) && !r.ended(winner.Position.Origin)
}

func (r *Replica) journal(m *mirror, loser gazetteer.Update, winner gazetteer.Stamp) {
	r.batch.journal = append(r.batch.journal, Conflict{m.partition, loser, winner, r.now.Wall})
	r.count.Conflicts++
}

func same(a, b gazetteer.Update) bool {
	return a.Tombstone == b.Tombstone && bytes.Equal(a.Body, b.Body)
}

// write makes a new update of this origin, with a stamp above all that was applied, and
// stores it. The context says what of the element its writer had seen.
func (r *Replica) write(m *mirror, g *resource, u gazetteer.Update, seen gazetteer.Vector) gazetteer.Update {
	u.Position = gazetteer.Position{Origin: r.origin, Seq: m.vector.At(r.origin) + 1}
	u.Stamp.Origin = r.origin
	u.Context = seen
	r.batch.put(g, u)
	r.raise(m, u.Position)
	r.batch.saveFirst = true
	r.count.Written++
	return u
}

// seen is the context for a write over what is held: its position and its own context.
// What was replaced below the stable stamp needs no naming: nobody holds it any more. What
// is held needs it: a mirror that knows of the stable stamp later would take it for a
// conflict.
func (r *Replica) seen(held gazetteer.Update) gazetteer.Vector {
	if held.Stamp.Clock < r.stable {
		return gazetteer.Vector(nil).Raise(held.Position)
	}
	return held.Context.Clone().Raise(held.Position)
}
