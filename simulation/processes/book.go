package processes

import (
	"sync"
)

// book knows what all clients have written, and so which answers can be true.
//
// Invariant: an answer shows a value that was written to that resource. A client that has
// had a write acknowledged by its own region is not shown there, by a region that is one
// process, what it knew to be older: a value that it had been shown, or had acknowledged,
// before it began that write.
type book struct {
	pages []*page // by fleet; nil for fleets that are elsewhere, which may have written anything
}

// value is what a write leaves in a resource: the nth of a fleet.
type value struct{ fleet, n int }

// page is what one fleet has written.
type page struct {
	mu     sync.Mutex // guards all below
	writes []write    // by number
	held   map[int]*held
}

// write is one of them.
type write struct {
	resource int
	// again says that it was sent more than once: one of the times may be carried out
	// later than others that followed, and leave its value with a newer stamp.
	again bool
}

// held is what a fleet knows of one resource in its own region.
type held struct {
	acknowledged int           // the latest of its writes that was, plus one
	known        map[value]int // values that were there, and how many writes it had begun then
}

func newBook(fleets int) *book {
	b := &book{}
	for range fleets {
		b.pages = append(b.pages, &page{held: map[int]*held{}})
	}
	return b
}

// begin gives a write its number.
func (p *page) begin(resource int) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes = append(p.writes, write{resource: resource})
	return len(p.writes) - 1
}

// repeat says that a write was sent more than once.
func (p *page) repeat(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes[n].again = true
}

// acknowledge says that the fleet's own region has done a write.
func (p *page) acknowledge(fleet, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.of(p.writes[n].resource)
	h.acknowledged = max(h.acknowledged, n+1)
	h.learn(value{fleet, n}, len(p.writes))
}

func (h *held) learn(v value, begun int) {
	if _, known := h.known[v]; !known {
		h.known[v] = begun
	}
}

func (p *page) of(resource int) *held {
	h := p.held[resource]
	if h == nil {
		h = &held{known: map[value]int{}}
		p.held[resource] = h
	}
	return h
}

// floor is the number of the latest acknowledged write to a resource, plus one: a read
// that begins now is held to it.
func (p *page) floor(resource int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.held[resource]; h != nil {
		return h.acknowledged
	}
	return 0
}

// show says that the fleet's own region has shown a value.
func (p *page) show(resource int, v value) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of(resource).learn(v, len(p.writes))
}

// isOld reports whether a value was there before the write of a floor began.
func (p *page) isOld(resource int, v value, floor int) bool {
	if floor == 0 {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	begun, known := p.of(resource).known[v]
	return known && begun < floor
}

// verdict is what an answer is found to be.
type verdict int

const (
	right verdict = iota
	stale         // older than what this client has had acknowledged
	wrong
)

// wasWritten reports whether somebody has begun to write a value to a resource.
func (b *book) wasWritten(resource int, v value) bool {
	if v.fleet < 0 || v.fleet >= len(b.pages) || v.n < 0 {
		return false
	}
	p := b.pages[v.fleet]
	if p == nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return v.n < len(p.writes) && p.writes[v.n].resource == resource
}

func (b *book) isAgain(v value) bool {
	p := b.pages[v.fleet]
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.writes[v.n].again
}

// judge judges a value that a fleet was shown in its own region, nil for none, by a read
// that began at a floor.
func (b *book) judge(fleet, resource, floor int, v *value) verdict {
	p := b.pages[fleet]
	switch {
	case v == nil && floor > 0:
		return stale
	case v == nil:
		return right
	case !b.wasWritten(resource, *v):
		return wrong
	case !b.isAgain(*v) && p.isOld(resource, *v, floor):
		return stale
	}
	p.show(resource, *v)
	return right
}
