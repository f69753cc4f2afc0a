package memstore

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gazetteer"
)

// partition holds one partition's updates, by resource and by position. A nil partition
// is an empty one.
type partition struct {
	resources map[gazetteer.ID][]gazetteer.Update // sorted by location; a list is never changed, only replaced
	index     map[gazetteer.Origin][]entry        // sorted by seq
	shared    bool                                // by a snapshot or a clone: copy before a change
	young     map[gazetteer.ID]bool               // whose lists the save under way has made: nobody has seen them
}

// entry says that the winning update of an element is the origin's seq-th.
type entry struct {
	seq     uint64
	element gazetteer.Element
}

func newPartition() *partition {
	return &partition{resources: map[gazetteer.ID][]gazetteer.Update{}, index: map[gazetteer.Origin][]entry{}}
}

func (q *partition) clone() *partition {
	c := &partition{resources: maps.Clone(q.resources), index: maps.Clone(q.index)}
	for o, es := range c.index {
		c.index[o] = slices.Clone(es)
	}
	return c
}

func (q *partition) resource(id gazetteer.ID) []gazetteer.Update {
	if q == nil {
		return nil
	}
	return q.resources[id]
}

func (q *partition) update(e gazetteer.Element) gazetteer.Update {
	us := q.resource(e.ID)
	i, ok := findLocation(us, e.Location)
	if !ok {
		return gazetteer.Update{}
	}
	return us[i]
}

// put makes u the update held of its element.
func (q *partition) put(u gazetteer.Update) {
	us := q.resources[u.Element.ID]
	i, ok := findLocation(us, u.Element.Location)
	if !q.young[u.Element.ID] {
		us = append(make([]gazetteer.Update, 0, len(us)+1), us...)
		q.note(u.Element.ID)
	}
	if ok {
		q.unindex(us[i].Position)
		us[i] = u
	} else {
		us = slices.Insert(us, i, u)
	}
	q.resources[u.Element.ID] = us
	q.reindex(u.Position, u.Element)
}

// note remembers that a resource's list is new.
func (q *partition) note(id gazetteer.ID) {
	if q.young == nil {
		q.young = map[gazetteer.ID]bool{}
	}
	q.young[id] = true
}

func (q *partition) remove(e gazetteer.Element) {
	us := q.resources[e.ID]
	i, ok := findLocation(us, e.Location)
	if !ok {
		return
	}
	q.unindex(us[i].Position)
	if len(us) == 1 {
		delete(q.resources, e.ID)
		return
	}
	q.resources[e.ID] = slices.Delete(slices.Clone(us), i, i+1)
}

func (q *partition) reindex(p gazetteer.Position, e gazetteer.Element) {
	es := q.index[p.Origin]
	i, ok := findSeq(es, p.Seq)
	if ok {
		es[i].element = e
		return
	}
	q.index[p.Origin] = slices.Insert(es, i, entry{p.Seq, e})
}

func (q *partition) unindex(p gazetteer.Position) {
	es := q.index[p.Origin]
	i, ok := findSeq(es, p.Seq)
	switch {
	case !ok:
	case len(es) == 1:
		delete(q.index, p.Origin)
	default:
		q.index[p.Origin] = slices.Delete(es, i, i+1)
	}
}

// live returns the ids above after that have a live element, in byte order.
func (q *partition) live(after gazetteer.ID) []gazetteer.ID {
	if q == nil {
		return nil
	}
	var ids []gazetteer.ID
	for id, us := range q.resources {
		if id > after && slices.ContainsFunc(us, func(u gazetteer.Update) bool { return !u.Tombstone }) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// scan yields the updates above the vector and after the position, by position.
func (q *partition) scan(above gazetteer.Vector, after gazetteer.Position, yield func(gazetteer.Update) bool) {
	if q == nil {
		return
	}
	for _, o := range slices.SortedFunc(maps.Keys(q.index), gazetteer.Origin.Compare) {
		es := q.index[o]
		for _, e := range es[firstAbove(es, o, above, after):] {
			if !yield(q.update(e.element)) {
				return
			}
		}
	}
}

// firstAbove returns the index of the first of an origin's entries that a scan yields.
func firstAbove(es []entry, o gazetteer.Origin, above gazetteer.Vector, after gazetteer.Position) int {
	seq := above.At(o)
	switch c := o.Compare(after.Origin); {
	case c < 0:
		return len(es)
	case c == 0:
		seq = max(seq, after.Seq)
	}
	i, ok := findSeq(es, seq)
	if ok {
		i++
	}
	return i
}

func findSeq(es []entry, seq uint64) (int, bool) {
	return slices.BinarySearchFunc(es, seq, func(e entry, seq uint64) int { return cmp.Compare(e.seq, seq) })
}

func findLocation(us []gazetteer.Update, l gazetteer.LocationID) (int, bool) {
	return slices.BinarySearchFunc(us, l, func(u gazetteer.Update, l gazetteer.LocationID) int {
		return strings.Compare(string(u.Element.Location), string(l))
	})
}
