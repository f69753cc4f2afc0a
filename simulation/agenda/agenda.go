// Package agenda is virtual time: what happens next, in an order that follows from what
// was planned alone.
package agenda

import "time"

// Agenda holds what is planned. Of two things due at one time the one planned first comes
// first, so that a run follows from its seed alone. The zero value stands at time 0 with
// nothing planned. It is for one goroutine.
type Agenda struct {
	heap    []planned
	planned uint64
	now     time.Duration
	steps   uint64
}

type planned struct {
	at    time.Duration
	order uint64
	do    func()
}

func (p *planned) before(q *planned) bool {
	return p.at < q.at || p.at == q.at && p.order < q.order
}

// Now is how much virtual time has passed.
func (a *Agenda) Now() time.Duration { return a.now }

// Steps is how many things have happened.
func (a *Agenda) Steps() uint64 { return a.steps }

// Busy reports whether anything is planned.
func (a *Agenda) Busy() bool { return len(a.heap) > 0 }

// After plans something for some time from now; at once, behind all that is due now, if
// that is not above 0.
func (a *Agenda) After(in time.Duration, do func()) { a.At(a.now+in, do) }

// At plans something for a time; what is past is due now.
func (a *Agenda) At(at time.Duration, do func()) {
	a.heap = append(a.heap, planned{max(at, a.now), a.planned, do})
	a.planned++
	for i := len(a.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !a.heap[i].before(&a.heap[up]) {
			return
		}
		a.heap[i], a.heap[up] = a.heap[up], a.heap[i]
		i = up
	}
}

// Step lets the next thing happen. It reports false, and time stands still, when nothing
// is due until then.
func (a *Agenda) Step(until time.Duration) bool {
	if len(a.heap) == 0 || a.heap[0].at > until {
		return false
	}
	a.now = a.heap[0].at
	a.steps++
	a.take()()
	return true
}

// Run lets everything happen that is due until then, and what that plans; afterwards it
// is then.
func (a *Agenda) Run(until time.Duration) {
	for a.Step(until) {
	}
	a.now = max(a.now, until)
}

func (a *Agenda) take() (do func()) {
	do = a.heap[0].do
	last := len(a.heap) - 1
	a.heap[0] = a.heap[last]
	a.heap[last] = planned{}
	a.heap = a.heap[:last]
	a.sink(0)
	return do
}

func (a *Agenda) sink(i int) {
	for {
		first := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < len(a.heap) && a.heap[down].before(&a.heap[first]) {
				first = down
			}
		}
		if first == i {
			return
		}
		a.heap[i], a.heap[first] = a.heap[first], a.heap[i]
		i = first
	}
}
