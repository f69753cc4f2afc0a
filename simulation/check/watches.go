package check

import "fmt"

// watches holds what each watcher may rely on.
func (c *court) watches() {
	for i := range c.h.Watches {
		c.watch(&c.h.Watches[i])
	}
}

// model is what a watcher has been shown.
type model struct {
	now    map[string]*Event // the last value of each element
	marked map[string]string // the stamps up to the last bookmark: none may be shown again
	fresh  map[string]bool   // elements shown on this connection
}

func newModel() *model {
	return &model{now: map[string]*Event{}, marked: map[string]string{}, fresh: map[string]bool{}}
}

func (c *court) watch(w *Watch) {
	m := newModel()
	for i := range w.Events {
		switch e := &w.Events[i]; e.Kind {
		case Reset:
			m = newModel()
		case Connected:
			clear(m.fresh)
		case Bookmark:
			m.mark()
		case Shown:
			c.order(m, e)
			c.real(e)
			m.show(e)
		}
	}
	c.complete(w, m)
}

// mark notes that whoever comes back goes on from here.
func (m *model) mark() {
	for name, e := range m.now {
		if m.marked[name] < e.Stamp {
			m.marked[name] = e.Stamp
		}
	}
}

func (m *model) show(e *Event) {
	m.now[e.Element] = e
	m.fresh[e.Element] = true
}

// order holds that the values of an element come in the order of their stamps. After a new
// connection it counts from the bookmark.
func (c *court) order(m *model, e *Event) {
	j := c.verdict.Of(InOrder)
	j.Judged++
	last := m.now[e.Element]
	switch {
	case last == nil:
	case m.fresh[e.Element] && e.Stamp < last.Stamp:
		j.breaks("a watch shows an older value after a newer one", Fact{Event: last}, Fact{Event: e})
	case e.Stamp < m.marked[e.Element]:
		j.breaks("a watch that was taken up again shows what is older than its bookmark", Fact{Event: last}, Fact{Event: e})
	}
}

// real holds that what a watch shows was written.
func (c *court) real(e *Event) {
	if e.Value == 0 {
		return
	}
	j := c.verdict.Of(Written)
	j.Judged++
	known := c.element(e.Element)
	switch w := known.writes[e.Value]; {
	case w == nil:
		j.breaks("a watch shows a value that nobody has written there", append(facts(known.refused[e.Value]), Fact{Event: e})...)
	case w.Began > e.At:
		j.breaks("a watch shows a value before it was written", append(facts(w), Fact{Event: e})...)
	}
}

// complete holds that at rest a watcher has been shown what its region holds, of each
// element the last value, and of what is gone that it is.
func (c *court) complete(w *Watch, m *model) {
	j := c.verdict.Of(Complete)
	for i := range c.h.Rest {
		if c.h.Rest[i].Door != w.Door {
			continue
		}
		for _, name := range c.names() {
			j.Judged++
			var shown Value
			last := m.now[name]
			if last != nil {
				shown = last.Value
			}
			held := c.h.Rest[i].Held[name].Value
			if shown == held {
				continue
			}
			evidence := facts(c.elements[name].writes[held])
			if last != nil {
				evidence = append(evidence, Fact{Event: last})
			}
			j.breaks(fmt.Sprintf("%s holds %d of %s, and the watch there has shown %d last", w.Door, held, name, shown), evidence...)
		}
	}
}
