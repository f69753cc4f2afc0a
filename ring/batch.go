package ring

import (
	"iter"
	"slices"

	"gazetteer"
)

// batch gathers what one Ready will ask for.
type batch struct {
	saveFirst bool
	sends     []Envelope
	afters    []Envelope
	close     []ScanID
	scans     []Scan
	more      []ScanID
	outcomes  []Outcome
	journal   []Conflict
	expire    int64

	drops   []gazetteer.Partition
	raise   map[gazetteer.Partition]*PartitionState
	raisedM []*mirror // in the order of their first raise
	// touched are the resources read since the last Ready, with what has become of
	// them: reads see the batch's own writes.
	touched map[resourceKey]*resource
	order   []*resource
	changed bool
}

type resourceKey struct {
	partition gazetteer.Partition
	id        gazetteer.ID
}

// resource is one resource as it will be when the batch is saved.
type resource struct {
	key      resourceKey
	index    int       // in batch.order
	elements []element // sorted by location
}

// element is one element of a touched resource: what the store holds and what it will.
type element struct {
	stored, now      gazetteer.Update
	isStored, exists bool
	dirty            bool
}

func (b *batch) reset() {
	*b = batch{
		raise:   map[gazetteer.Partition]*PartitionState{},
		touched: map[resourceKey]*resource{},
	}
}

func (b *batch) send(to gazetteer.NodeID, m Message)  { b.sends = append(b.sends, Envelope{to, m}) }
func (b *batch) after(to gazetteer.NodeID, m Message) { b.afters = append(b.afters, Envelope{to, m}) }

// raised returns what the batch will merge into a mirror's remembered state.
func (b *batch) raised(m *mirror) *PartitionState {
	s := b.raise[m.partition]
	if s == nil {
		s = &PartitionState{}
		b.raise[m.partition] = s
		b.raisedM = append(b.raisedM, m)
	}
	return s
}

// clean reports whether nothing waits to be saved: then what the mirrors say is durable.
func (b *batch) clean() bool {
	return !b.changed && len(b.drops)+len(b.raise)+len(b.journal) == 0
}

// raise moves a mirror's vector up to p, durable with this batch.
func (r *Replica) raise(m *mirror, p gazetteer.Position) {
	m.raise(p)
	s := r.batch.raised(m)
	s.Vector = s.Vector.Raise(p)
}

// take builds the Ready and begins a new batch.
func (b *batch) take(r *Replica) Ready {
	out := Ready{
		SaveFirst: b.saveFirst, Send: b.sends, After: b.afters,
		Close: b.close, Scans: b.scans, More: b.more, Outcomes: b.outcomes,
		Save: Save{Drop: b.drops, Journal: b.journal, Expire: b.expire},
	}
	for _, res := range b.order {
		res.save(&out.Save)
	}
	if len(b.raise) > 0 {
		out.Save.Raise = make(map[gazetteer.Partition]PartitionState, len(b.raise))
		for p, s := range b.raise {
			out.Save.Raise[p] = *s
		}
	}
	if !out.Save.Empty() {
		out.Save.Clock = r.clock.last
	}
	b.reset()
	return out
}

func (g *resource) save(s *Save) {
	for _, e := range g.elements {
		switch {
		case !e.dirty:
		case e.exists:
			s.Put = append(s.Put, Held{g.key.partition, e.now})
		case e.isStored:
			s.Remove = append(s.Remove, Held{g.key.partition, e.stored})
		}
	}
}

// resource returns one resource as the batch has left it. A store that cannot read
// stops the process: the driver's Reader sees to that, and returns no more.
func (r *Replica) resource(p gazetteer.Partition, id gazetteer.ID) *resource {
	k := resourceKey{p, id}
	if g := r.batch.touched[k]; g != nil {
		return g
	}
	held, err := r.cfg.Reader.Resource(p, id)
	if err != nil {
		panic(ReadError{err})
	}
	g := &resource{key: k, index: len(r.batch.order), elements: make([]element, len(held), len(held)+1)}
	for i, u := range held {
		g.elements[i] = element{stored: u, now: u, isStored: true, exists: true}
	}
	r.batch.touched[k] = g
	r.batch.order = append(r.batch.order, g)
	return g
}

// ReadError is what a Replica panics with when its Reader fails: it cannot go on, and
// the driver stops the process (fail-stop, DESIGN 8a).
type ReadError struct{ Err error }

func (e ReadError) Error() string { return "ring: reading the store: " + e.Err.Error() }
func (e ReadError) Unwrap() error { return e.Err }

func (g *resource) find(l gazetteer.LocationID) (int, bool) {
	return slices.BinarySearchFunc(g.elements, l, func(e element, l gazetteer.LocationID) int {
		switch at := e.at(); {
		case at < l:
			return -1
		case at > l:
			return 1
		}
		return 0
	})
}

func (e *element) lives() bool { return e.exists && !e.now.Tombstone }

func (e *element) at() gazetteer.LocationID {
	if e.exists {
		return e.now.Element.Location
	}
	return e.stored.Element.Location
}

// held returns the update that the resource holds of one element.
func (g *resource) held(l gazetteer.LocationID) (gazetteer.Update, bool) {
	if i, ok := g.find(l); ok && g.elements[i].exists {
		return g.elements[i].now, true
	}
	return gazetteer.Update{}, false
}

func (b *batch) put(g *resource, u gazetteer.Update) {
	i, ok := g.find(u.Element.Location)
	if !ok {
		g.elements = slices.Insert(g.elements, i, element{})
	}
	e := &g.elements[i]
	e.now, e.exists, e.dirty = u, true, true
	b.changed = true
}

func (b *batch) remove(g *resource, l gazetteer.LocationID) {
	if i, ok := g.find(l); ok {
		e := &g.elements[i]
		if !e.isStored {
			g.elements = slices.Delete(g.elements, i, i+1)
			return
		}
		e.exists, e.dirty = false, true
		b.changed = true
	}
}

// live returns the updates of a resource that are no tombstones. What stands beside its
// locations is not among them.
func (g *resource) live() []gazetteer.Update {
	var out []gazetteer.Update
	for _, e := range g.elements {
		if e.lives() && !e.now.Element.Location.IsBeside() {
			out = append(out, e.now)
		}
	}
	return out
}

// scanMirror yields what a mirror holds above a vector as the batch has left it, in no
// particular order. A caller may change only the element it is given.
func (r *Replica) scanMirror(m *mirror, above gazetteer.Vector) iter.Seq[gazetteer.Update] {
	return func(yield func(gazetteer.Update) bool) {
		touched := len(r.batch.order) // resources touched from here on are as stored
		for u, err := range r.cfg.Reader.Scan(m.partition, above) {
			if err != nil {
				panic(ReadError{err})
			}
			if g := r.batch.touched[resourceKey{m.partition, u.Element.ID}]; g != nil && g.index < touched {
				continue
			}
			if !yield(u) {
				return
			}
		}
		for _, g := range r.batch.order[:touched] {
			if g.key.partition != m.partition {
				continue
			}
			for _, e := range slices.Clone(g.elements) {
				if e.exists && !above.Covers(e.now.Position) && !yield(e.now) {
					return
				}
			}
		}
	}
}
