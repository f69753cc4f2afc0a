package check

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// court holds a history while it is judged.
type court struct {
	h        *History
	terms    Terms
	elements map[string]*element
	verdict  *Verdict
}

// Judge says which promises a history contradicts. It does not change it.
func Judge(h *History, t Terms) *Verdict {
	c := &court{h: h, terms: t, elements: map[string]*element{}, verdict: &Verdict{}}
	if c.terms.From == "" {
		c.terms.From = Local
	}
	for _, p := range promises {
		c.verdict.Promises = append(c.verdict.Promises, &Judgement{Promise: p})
	}
	c.index()
	c.kept()
	c.reads()
	c.sessions()
	c.watches()
	c.equal()
	c.versions()
	c.winners()
	c.verdict.Invalid = c.invalid()
	return c.verdict
}

func (c *court) index() {
	for i := range c.h.Ops {
		if o := &c.h.Ops[i]; o.Kind.writes() {
			c.element(o.Element).add(o)
		}
	}
	for _, e := range c.elements {
		e.seal()
	}
	for _, j := range c.h.Journal {
		c.element(j.Element).excuse(j.Value)
	}
}

func (c *court) element(name string) *element {
	e := c.elements[name]
	if e == nil {
		e = newElement()
		c.elements[name] = e
	}
	return e
}

func (c *court) names() []string { return slices.Sorted(maps.Keys(c.elements)) }

// defaultMinRate is the least that a run must ask to prove anything (etcd's rule).
const defaultMinRate = 100

// invalid says why the run proves nothing.
func (c *court) invalid() string {
	least := c.terms.MinRate
	if least == 0 {
		least = defaultMinRate
	}
	span := c.terms.Calm
	if span == 0 {
		span = c.h.Loaded
	}
	n := 0
	for i := range c.h.Ops {
		if o := &c.h.Ops[i]; o.Kind != List && o.Outcome != Unknown && o.Ended <= span {
			n++
		}
	}
	rate := float64(n) / max(span.Seconds(), 1e-9)
	switch {
	case least > 0 && rate < least:
		return fmt.Sprintf("%.0f operations a second were answered, and it takes %.0f to prove anything", rate, least)
	case c.h.JournalCut:
		return "the conflict journal has more entries than it tells: losers cannot be accounted for"
	case len(c.h.Rest) == 0:
		return "nobody said what the regions hold at rest"
	}
	return ""
}

// kept holds that what was acknowledged is there at the end, or something that may have
// come after it, or that it stands in the journal.
func (c *court) kept() {
	j := c.verdict.Of(Kept)
	for _, name := range c.names() {
		e := c.elements[name]
		var last *Op // acknowledged at a level that binds: the one that began last
		for _, o := range e.acked {
			if o.Level.atLeast(c.terms.From) {
				j.Judged++
				if last == nil || o.Began > last.Began {
					last = o
				}
			}
		}
		if last != nil {
			c.keptIn(j, name, e, last)
		}
	}
}

func (c *court) keptIn(j *Judgement, name string, e *element, last *Op) {
	for _, rest := range c.h.Rest {
		if made, hidden := e.hides(last, rest.Held[name].Value, forever); hidden {
			what := "nothing"
			if made != nil {
				what = "an older value"
			}
			j.breaks(fmt.Sprintf("%s holds %s of %s", rest.Door, what, name), facts(last, made)...)
			return
		}
	}
}

// reads holds each read against what was written anywhere.
func (c *court) reads() {
	shown, fresh := c.verdict.Of(Written), c.verdict.Of(Fresh)
	for i := range c.h.Ops {
		r := &c.h.Ops[i]
		if r.Kind.writes() || r.Outcome != Done {
			continue
		}
		e := c.element(r.Element)
		c.written(shown, e, r)
		if r.Staleness != nil && !r.Degraded {
			c.fresh(fresh, e, r)
		}
	}
}

// written holds that a value was written, not refused, and not yet to come.
func (c *court) written(j *Judgement, e *element, r *Op) {
	if r.Value == 0 {
		return
	}
	j.Judged++
	switch w := e.writes[r.Value]; {
	case e.refused[r.Value] != nil && w == nil:
		j.breaks("a value is shown whose write was refused", facts(e.refused[r.Value], r)...)
	case w == nil:
		j.breaks("a value is shown that nobody has written there", facts(r)...)
	case w.Began > r.Ended:
		j.breaks("a value is shown before it was written", facts(w, r)...)
	}
}

// fresh holds that an answer which says how old it may be shows what was acknowledged
// before that. It was given after the request began, so that moment is safe to count from.
func (c *court) fresh(j *Judgement, e *element, r *Op) {
	w := e.before(r.Began - *r.Staleness)
	if w == nil {
		return
	}
	j.Judged++
	if made, hidden := e.hides(w, r.Value, r.Ended); hidden {
		j.breaks(fmt.Sprintf("an answer that is at most %v old lacks what was acknowledged %v before it was asked for", *r.Staleness, millis(r.Began-w.Ended)), facts(w, r, made)...)
	}
}

// equal holds that all regions hold the same at rest, with the same versions.
func (c *court) equal() {
	j := c.verdict.Of(Equal)
	if len(c.h.Rest) < 2 {
		return
	}
	first := &c.h.Rest[0]
	for i := range c.h.Rest[1:] {
		other := &c.h.Rest[i+1]
		all := maps.Clone(first.Held)
		maps.Copy(all, other.Held)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			j.Judged++
			if a, b := first.Held[name], other.Held[name]; a != b {
				j.breaks(fmt.Sprintf("%s: %s holds %d in version %q, %s holds %d in version %q", name, first.Door, a.Value, a.Version, other.Door, b.Value, b.Version),
					facts(c.elements[name].ofValue(a.Value), c.elements[name].ofValue(b.Value))...)
			}
		}
	}
}

func (e *element) ofValue(v Value) *Op {
	if e == nil {
		return nil
	}
	return e.writes[v]
}

// versions holds that equal versions of a resource are equal content. The other way round
// need not be: who gave up on an answer may have had the same value written twice.
func (c *court) versions() {
	j := c.verdict.Of(OneContent)
	type tag struct{ element, version string }
	seen := map[tag]*Op{}
	for i := range c.h.Ops {
		o := &c.h.Ops[i]
		if o.Outcome != Done || o.Version == "" || o.Kind.writes() {
			continue
		}
		t := tag{o.Element, o.Version}
		switch first := seen[t]; {
		case first == nil:
			seen[t] = o
		case first.Value != o.Value:
			j.Judged++
			j.breaks("one version was shown with two contents", facts(first, o)...)
		default:
			j.Judged++
		}
	}
}

// winners holds that two compare-and-sets do not both win the same version.
func (c *court) winners() {
	j := c.verdict.Of(OneWinner)
	type tag struct{ element, version string }
	won := map[tag]*Op{}
	for i := range c.h.Ops {
		o := &c.h.Ops[i]
		if o.Kind != CompareAndSet || o.Outcome != Done {
			continue
		}
		j.Judged++
		t := tag{o.Element, o.Expects}
		if first := won[t]; first != nil {
			j.breaks("two compare-and-sets have won the same version", facts(first, o)...)
		}
		won[t] = o
	}
}

// sessions holds what each session may rely on. Its operations follow one another.
func (c *court) sessions() {
	yours, back := c.verdict.Of(YourWrites), c.verdict.Of(Monotonic)
	type seen struct {
		client  int
		element string
	}
	wrote, read := map[seen]*Op{}, map[seen]*Op{} // the newest each; of read the reads
	for _, o := range c.inOrder() {
		if !o.Session || o.Outcome != Done {
			continue
		}
		at := seen{o.Client, o.Element}
		if o.Kind.writes() {
			wrote[at] = o
			continue
		}
		e := c.element(o.Element)
		if w := wrote[at]; w != nil {
			yours.Judged++
			if made, hidden := e.hides(w, o.Value, o.Ended); hidden {
				yours.breaks("a session does not see its own write", facts(w, o, made)...)
			}
		}
		if r := read[at]; r != nil {
			c.forward(back, e, r, o)
		}
		if o.Value != 0 {
			read[at] = o
		}
	}
}

// forward holds that a later read of a session shows nothing older than an earlier one.
func (c *court) forward(j *Judgement, e *element, r, later *Op) {
	w := e.writes[r.Value]
	if w == nil {
		return
	}
	j.Judged++
	if made, hidden := e.hides(w, later.Value, later.Ended); hidden {
		j.breaks("a session is shown an older value after a newer one", facts(w, r, later, made)...)
	}
}

// inOrder returns the operations by when they began.
func (c *court) inOrder() []*Op {
	out := make([]*Op, len(c.h.Ops))
	for i := range c.h.Ops {
		out[i] = &c.h.Ops[i]
	}
	slices.SortStableFunc(out, func(a, b *Op) int { return int(min(max(a.Began-b.Began, -1), time.Duration(1))) })
	return out
}
