package ring_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// tracef prints one line of what happened, if anybody reads it.
func (w *world) tracef(n *node, format string, args ...any) {
	if w.trace != nil {
		fmt.Fprintf(w.trace, "%s%s: %s\n", w.timestamp(), n.id, fmt.Sprintf(format, args...))
	}
}

func (w *world) timestamp() string {
	if w.timeless {
		return ""
	}
	return fmt.Sprintf("%9.3f ", float64(w.now)/float64(time.Millisecond))
}

// position tells a position by the node's name, its life if it is not the first, and
// the sequence number.
func (w *world) position(p gazetteer.Position) string {
	return fmt.Sprintf("%s.%d", w.origin(p.Origin), p.Seq)
}

func (w *world) origin(o gazetteer.Origin) string {
	c := w.books.origins[o]
	switch {
	case c == nil:
		return fmt.Sprintf("%x", o.Incarnation)
	case c.life == 1:
		return string(c.node.id)
	}
	return fmt.Sprintf("%s%d", c.node.id, c.life)
}

func (w *world) stamp(s gazetteer.Stamp) string {
	return fmt.Sprintf("%d.%d%s", s.Clock.UnixMilli()-epoch, uint16(s.Clock), w.origin(s.Origin))
}

func (w *world) vector(v gazetteer.Vector) string {
	parts := make([]string, len(v))
	for i, p := range v {
		parts[i] = w.position(p)
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, " ") + "}"
}

func (w *world) update(p gazetteer.Partition, u *gazetteer.Update) string {
	name := string(u.Element.ID)
	if u.Element.Location != "" {
		name += "/" + string(u.Element.Location)
	}
	name = w.part(p) + name
	value := string(u.Body)
	if u.Tombstone {
		value = "gone"
	}
	s := fmt.Sprintf("%s=%s %s", name, value, w.position(u.Position))
	if !w.timeless {
		s += " at " + w.stamp(u.Stamp)
		if len(u.Context) > 0 {
			s += " seen " + w.vector(u.Context)
		}
	}
	return s
}

// part tells a partition where there are several.
func (w *world) part(p gazetteer.Partition) string {
	if len(w.parts) == 1 {
		return ""
	}
	return fmt.Sprintf("%d:", p.Index)
}

func (w *world) traceAction(x *action, n *node) {
	if w.trace != nil {
		fmt.Fprintf(w.trace, "%s> %s %s %d %d %d\n", w.timestamp(), actionNames[x.kind], n.id, x.b, x.c, x.d)
	}
}

func (w *world) tracePlan(n *node) {
	if w.trace == nil || w.timeless {
		return
	}
	var s []string
	for _, r := range n.plan.Rings {
		s = append(s, fmt.Sprintf("ring %v", r.Members))
	}
	for _, e := range n.plan.Edges {
		s = append(s, fmt.Sprintf("edge to %s", e.Peer))
	}
	w.tracef(n, "follows plan %d: %s", n.plan.Epoch, strings.Join(s, ", "))
}

func (w *world) traceSave(n *node, s *ring.Save) {
	if w.trace == nil {
		return
	}
	for i := range s.Remove {
		w.tracef(n, "remove %s", w.update(s.Remove[i].Partition, &s.Remove[i].Update))
	}
	for i := range s.Put {
		w.tracef(n, "save %s", w.update(s.Put[i].Partition, &s.Put[i].Update))
	}
	for i := range s.Journal {
		w.tracef(n, "journal %s", w.update(s.Journal[i].Partition, &s.Journal[i].Loser))
	}
	for _, p := range w.parts {
		if up, ok := s.Raise[p]; ok {
			w.traceRaise(n, &up)
		}
	}
}

func (w *world) traceRaise(n *node, up *ring.PartitionState) {
	if up.Filled {
		w.tracef(n, "filled")
	}
	if len(up.Vector) > 0 {
		w.tracef(n, "holds %s", w.vector(up.Vector))
	}
	if len(up.Collected) > 0 {
		w.tracef(n, "collected %s", w.vector(up.Collected))
	}
}

func (w *world) traceOutcome(n *node, o *write, out *ring.Outcome) {
	if w.trace == nil {
		return
	}
	level := [...]string{"none", "local", "ring", "regions"}[out.Reached]
	if out.Err != nil {
		level = out.Err.Error()
	}
	w.tracef(n, "write %d of %s: %s", o.Token, o.ID, level)
}

func (w *world) traceSend(n, to *node, m ring.Message) {
	if w.trace == nil {
		return
	}
	if s := w.message(m); s != "" {
		fmt.Fprintf(w.trace, "%s%s: %s->%s %s\n", w.timestamp(), n.id, n.id, to.id, s)
	}
}

// message tells a message in a few words; "" for those a trace leaves out.
func (w *world) message(m ring.Message) string {
	switch m := m.(type) {
	case ring.Greet:
		return "greet"
	case ring.Match:
		return "match: your vector is mine"
	case ring.Ask:
		return "ask for a hello"
	case ring.Leave:
		return "leave"
	case ring.Hello:
		s := fmt.Sprintf("%shello %d, I hold %s", w.part(m.Partition), m.Session, w.vector(m.Vector))
		if !m.Filled {
			s += ", not filled"
		}
		if len(m.Collected) > 0 {
			s += ", collected " + w.vector(m.Collected)
		}
		if m.Resume != nil {
			s += ", go on after " + w.position(m.Resume.After)
		}
		return s
	case ring.Begin:
		if m.Whole {
			return w.part(m.Partition) + fmt.Sprintf("whole scan of %s, collected %s", w.vector(m.Snapshot), w.vector(m.Collected))
		}
		return w.part(m.Partition) + "scan of " + w.vector(m.Snapshot)
	case ring.Elements:
		return w.elementsOf(&m)
	case ring.Mark:
		if m.Founding {
			return w.part(m.Partition) + "founding mark " + w.vector(m.Vector)
		}
		return w.part(m.Partition) + "mark " + w.vector(m.Vector)
	case ring.Report:
		if w.timeless {
			return ""
		}
		return fmt.Sprintf("%sreport %s %s", w.part(m.Partition), m.By, w.vector(m.Durable))
	case ring.Reach:
		return fmt.Sprintf("%sreach of tree %d, all %v: %s", w.part(m.Partition), m.Tree, m.All, w.vector(m.Durable))
	}
	return ""
}

func (w *world) elementsOf(m *ring.Elements) string {
	var parts []string
	for i := range m.Updates {
		parts = append(parts, w.update(m.Partition, &m.Updates[i]))
	}
	kind := "scanned "
	if m.Live {
		kind = ""
	}
	return kind + strings.Join(parts, ", ")
}

// traceState prints what every node holds, for a schedule that came to no good end.
func (w *world) traceState() {
	if w.trace == nil {
		return
	}
	for _, n := range w.nodes {
		if n.r == nil {
			w.tracef(n, "is down, out of the plan: %v, stopped: %v", w.newest().without(n), n.stopped)
			continue
		}
		w.tracef(n, "plan %d of %d, stable up to %d", n.plan.Epoch, w.newest().epoch, n.r.Stable().UnixMilli()-epoch)
		w.tracef(n, "%s", n.r.Inspect(epoch))
		for _, p := range w.parts {
			w.tracef(n, "%v serves %+v, holds %s", p.Index, n.serving[p], w.vector(n.r.Vector(p)))
			for _, u := range n.disk.content(p) {
				w.tracef(n, "   %s", w.update(p, &u))
			}
		}
	}
}
