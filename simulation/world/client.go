package world

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// State is how a process is.
type State uint8

// The states.
const (
	Up     State = iota
	Paused       // it takes what comes, and answers when it goes on
	Down         // the process has ended, its machine refuses for it
	Gone         // with its machine: nobody refuses
)

// Answer is what a replica says to a request. What stands in it is of the element of the
// key's attributes.
type Answer struct {
	// Failed says why it is none: Unserved, WrongOwner, Unavailable, Deadline. A request
	// that was carried out has Done.
	Done   bool
	Failed gazetteer.Kind
	// Reached is the level of acknowledgement of a write.
	Reached ring.Ack
	// Value and Stamp are of the element as the replica has it after the request; Found is
	// false if it holds none.
	Found bool
	Value uint64
	Stamp gazetteer.Stamp
	// Session covers what was shown or written.
	Session ring.Token
}

// write is a client's write on its way.
type write struct {
	key     gazetteer.Key
	part    gazetteer.Partition
	digest  uint64
	deletes bool
	session ring.Token
	fact    int32
	ack     ring.Ack
	done    func(Answer)
}

// Partition returns the slice of ids that a key belongs to.
func (w *World) Partition(k gazetteer.Key) gazetteer.Partition {
	return gazetteer.PartitionOf(k, w.scenario.Partitions)
}

// Owners appends the replicas of the ring that owns a key in a region, in ring order; none
// if the region or the type is not known.
func (w *World) Owners(dst []gazetteer.NodeID, r gazetteer.RegionID, k gazetteer.Key) []gazetteer.NodeID {
	g := w.byRegion[r]
	if g == nil {
		return dst
	}
	part := w.Partition(k)
	for _, h := range g.shards {
		if slices.Contains(h.parts, part) {
			for _, p := range h.members {
				dst = append(dst, p.id)
			}
		}
	}
	return dst
}

// State says how a replica's process is. Nobody is behind a name that is not known.
func (w *World) State(n gazetteer.NodeID) State {
	p := w.byID[n]
	switch {
	case p == nil || p.core == nil && p.gone:
		return Gone
	case p.core == nil:
		return Down
	case p.paused:
		return Paused
	}
	return Up
}

// Ready reports whether a replica serves all that it hosts.
func (w *World) Ready(n gazetteer.NodeID) bool {
	p := w.byID[n]
	return p != nil && p.servesAll()
}

// Serving reports whether a replica serves a key.
func (w *World) Serving(n gazetteer.NodeID, k gazetteer.Key) bool {
	p := w.byID[n]
	return p != nil && p.core != nil && p.serving[w.Partition(k)].Reads
}

// Stock puts a resource into the catalogue that every replica holds when the planet
// starts: its attributes, which have the value that [World.Initial] tells, and so many
// locations. It has no effect afterwards.
func (w *World) Stock(k gazetteer.Key, locations int) {
	if w.started {
		return
	}
	if _, ok := w.stock[k]; !ok {
		w.stock[k] = gazetteer.Hash(k.String())
		w.books.stocks(k, w.stock[k], locations)
	}
}

// Initial is the value that the catalogue gave a key; false if it has none.
func (w *World) Initial(k gazetteer.Key) (uint64, bool) {
	v, ok := w.stock[k]
	return v, ok
}

// Read asks a replica that is up. One that stands still answers when it goes on; one that
// ends before never does. A read does not pass the core's loop.
func (w *World) Read(n gazetteer.NodeID, k gazetteer.Key, session ring.Token, done func(Answer)) {
	p := w.byID[n]
	switch {
	case p == nil || p.core == nil:
		return
	case p.paused:
		p.waiting = append(p.waiting, func() { w.Read(n, k, session, done) })
		return
	}
	done(p.read(k, session))
}

func (p *process) read(k gazetteer.Key, session ring.Token) Answer {
	part := p.world.Partition(k)
	if s, hosted := p.serving[part]; !hosted {
		return Answer{Failed: gazetteer.WrongOwner}
	} else if !s.Reads {
		return Answer{Failed: gazetteer.Unserved}
	}
	held := ring.Holding{Partition: part}
	if !session.Equal(ring.Token{}) {
		if p.saving { // the core is ahead of the store: it speaks of what is not saved yet
			held.Vector = p.world.books.vector(p, part)
		} else {
			held, _ = p.core.Holding(part)
		}
		if !held.Covers(session) {
			return Answer{Failed: gazetteer.Deadline}
		}
	}
	return p.show(k, held, session)
}

// show is what the store holds of a resource.
func (p *process) show(k gazetteer.Key, held ring.Holding, session ring.Token) Answer {
	us, err := p.disk.store.Resource(held.Partition, k.ID)
	if err != nil {
		return Answer{Failed: gazetteer.KindOf(err)}
	}
	a := Answer{Done: true, Session: held.Shown(session, us)}
	for i := range us {
		if u := &us[i]; u.Element.Location == "" {
			a.Stamp, a.Found = u.Stamp, !u.Tombstone
			a.Value = valueOf(u.Body)
		}
	}
	return a
}

func bodyOf(value uint64) []byte { return binary.BigEndian.AppendUint64(nil, value) }

func valueOf(body []byte) uint64 {
	if len(body) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(body)
}

// Write gives a replica that is up a new value of a resource's attributes. The answer
// comes when the level is reached or the deadline is over.
func (w *World) Write(n gazetteer.NodeID, k gazetteer.Key, value uint64, ack ring.Ack, session ring.Token, deadline time.Duration, done func(Answer)) {
	w.propose(n, k, ring.Write{Put: []ring.Value{{Body: bodyOf(value)}}, Ack: ack, Deadline: deadline}, session, done)
}

// Delete deletes a whole resource.
func (w *World) Delete(n gazetteer.NodeID, k gazetteer.Key, ack ring.Ack, deadline time.Duration, done func(Answer)) {
	w.propose(n, k, ring.Write{Replace: true, Ack: ack, Deadline: deadline}, ring.Token{}, done)
}

func (w *World) propose(n gazetteer.NodeID, k gazetteer.Key, wr ring.Write, session ring.Token, done func(Answer)) {
	p := w.byID[n]
	if p == nil || p.core == nil {
		return
	}
	w.tokens++
	wr.Token, wr.Partition, wr.ID = w.tokens, w.Partition(k), k.ID
	wr.Deadline += w.agenda.Now() - p.began
	o := &write{key: k, part: wr.Partition, session: session, fact: noFact, ack: wr.Ack, done: done, deletes: wr.Replace}
	if len(wr.Put) > 0 {
		o.digest = gazetteer.HashBytes(wr.Put[0].Body)
	}
	p.give(func(r *ring.Replica) {
		if at, hosted := p.world.partIndex[wr.Partition]; !hosted || !slices.Contains(p.shard.parts, p.world.parts[at]) {
			done(Answer{Failed: gazetteer.WrongOwner})
			return
		}
		p.writes[wr.Token] = o
		r.Propose(wr)
	})
}

// answer gives a client the outcome of his write.
func (p *process) answer(out *ring.Outcome) {
	o := p.writes[out.Token]
	if o == nil {
		return
	}
	delete(p.writes, out.Token)
	if out.Err != nil {
		o.done(Answer{Failed: gazetteer.KindOf(out.Err)})
		return
	}
	if out.Reached >= ring.AckRing && o.fact != noFact {
		p.world.books.acknowledged(p, o.fact)
		p.world.log.node(p.id, fmt.Sprintf("acknowledges %s", o.key))
	}
	a := p.show(o.key, ring.Holding{Partition: o.part}, o.session)
	a.Reached, a.Session = out.Reached, o.session.Merge(out.Shown)
	if out.Reached < o.ack && o.fact != noFact { // where nothing changed there is nothing to reach
		a.Done, a.Failed = false, gazetteer.Deadline
	}
	o.done(a)
}
