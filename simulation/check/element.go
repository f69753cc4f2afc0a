package check

import (
	"cmp"
	"slices"
	"time"
)

// element is what is known of one element, from all operations.
type element struct {
	writes  map[Value]*Op // puts
	deletes []*Op
	refused map[Value]*Op

	acked []*Op // by when they ended
	last  []*Op // of acked up to here, the one that began last

	// excused is the latest end of a write that lost against a concurrent one and says so in
	// the journal: its loss explains that what began before it is not seen.
	excused time.Duration
}

// never is before every operation.
const never = time.Duration(-1)

func newElement() *element {
	return &element{writes: map[Value]*Op{}, refused: map[Value]*Op{}, excused: never}
}

func (e *element) add(o *Op) {
	switch {
	case o.Outcome == Refused:
		e.refused[o.Value] = o
		return
	case o.Kind == Delete:
		e.deletes = append(e.deletes, o)
	default:
		e.writes[o.Value] = o
	}
	if o.Outcome == Done {
		e.acked = append(e.acked, o)
	}
}

// seal ends adding.
func (e *element) seal() {
	slices.SortFunc(e.acked, func(a, b *Op) int { return cmp.Compare(a.Ended, b.Ended) })
	for i, o := range e.acked {
		if i > 0 && e.last[i-1].Began > o.Began {
			o = e.last[i-1]
		}
		e.last = append(e.last, o)
	}
}

// excuse takes an entry of the journal. Of a deletion nobody can say which one it was.
func (e *element) excuse(v Value) {
	if o := e.writes[v]; v != 0 && o != nil {
		e.excused = max(e.excused, o.over())
		return
	}
	if v == 0 && len(e.deletes) > 0 {
		e.excused = forever
	}
}

// before returns, of the acknowledged writes that ended before a moment, the one that began
// last; nil if there is none.
func (e *element) before(t time.Duration) *Op {
	i, _ := slices.BinarySearchFunc(e.acked, t, func(o *Op, t time.Duration) int {
		if o.Ended < t {
			return -1
		}
		return 1
	})
	if i == 0 {
		return nil
	}
	return e.last[i-1]
}

// maker returns the write that a value shown by some moment comes from, and from when on
// that write cannot take effect any more. That an element does not exist may come from any
// deletion that had begun: the one that is over last is taken, nil if there is none.
func (e *element) maker(v Value, by time.Duration) (*Op, time.Duration) {
	if v != 0 {
		if o := e.writes[v]; o != nil {
			return o, o.over()
		}
		return nil, forever // reported as never written
	}
	var latest *Op
	end := never
	for _, o := range e.deletes {
		if o.Began <= by && o.over() > end {
			latest, end = o, o.over()
		}
	}
	return latest, end
}

// hides returns whether a value, shown by some moment, contradicts that a write had to be
// seen there: it was made by what was over before that write began, and no loser in the
// journal explains it. Made is what made it, nil if nothing did.
func (e *element) hides(w *Op, v Value, by time.Duration) (made *Op, hidden bool) {
	made, end := e.maker(v, by)
	return made, made != w && end < w.Began && e.excused < w.Began
}

// facts are operations as evidence; nil is left out.
func facts(os ...*Op) (out []Fact) {
	for _, o := range os {
		if o != nil {
			out = append(out, Fact{Op: o})
		}
	}
	return out
}
