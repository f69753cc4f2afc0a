package ghs

import (
	"cmp"
	"time"
)

// agenda holds what happens next. Of two things due at one time the one planned first
// comes first, so that a run follows from its seed alone.
type agenda struct {
	heap    []planned
	planned uint64
}

type planned struct {
	at    time.Duration
	order uint64
	do    func()
}

func (p *planned) before(q *planned) bool {
	return cmp.Or(cmp.Compare(p.at, q.at), cmp.Compare(p.order, q.order)) < 0
}

func (a *agenda) add(at time.Duration, do func()) {
	a.heap = append(a.heap, planned{at, a.planned, do})
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

// due returns when the next thing happens; ok is false when nothing is planned.
func (a *agenda) due() (at time.Duration, ok bool) {
	if len(a.heap) == 0 {
		return 0, false
	}
	return a.heap[0].at, true
}

// next takes the first thing. There must be one.
func (a *agenda) next() (do func()) {
	do = a.heap[0].do
	last := len(a.heap) - 1
	a.heap[0] = a.heap[last]
	a.heap[last] = planned{}
	a.heap = a.heap[:last]
	a.sink(0)
	return do
}

func (a *agenda) sink(i int) {
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
