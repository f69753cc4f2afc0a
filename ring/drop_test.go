package ring_test

import (
	"fmt"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/ring/memstore"
)

// few are nodes that all see each other, with links between those that want them; what
// is sent arrives at once.
type few struct {
	t     *testing.T
	now   time.Duration
	nodes []*one
	links map[[2]gazetteer.NodeID]bool
}

type one struct {
	id       gazetteer.NodeID
	r        *ring.Replica
	store    *memstore.Store
	wants    []gazetteer.NodeID
	serving  map[gazetteer.Partition]ring.Serving
	outcomes []ring.Outcome
	mail     []ring.Envelope
}

func newFew(t *testing.T, names ...gazetteer.NodeID) *few {
	f := &few{t: t, links: map[[2]gazetteer.NodeID]bool{}}
	for _, n := range names {
		o := &one{id: n, store: memstore.New()}
		f.nodes = append(f.nodes, o)
		f.begin(o)
	}
	return f
}

func (f *few) begin(o *one) {
	r, err := ring.New(ring.Config{Self: o.id, Incarnation: 1 + uint64(f.now), Reader: o.store, State: o.store.State()})
	if err != nil {
		f.t.Fatal(err)
	}
	o.r = r
	o.r.Tick(f.clock())
	for _, m := range f.nodes {
		if m != o {
			o.r.Alive(m.id, true)
		}
	}
}

func (f *few) clock() ring.Now { return ring.Now{Wall: epoch + f.now.Milliseconds(), Mono: f.now} }

// pass lets time pass, step by step, until nothing is under way.
func (f *few) pass(d time.Duration) {
	for end := f.now + d; f.now < end; {
		f.now += 50 * time.Millisecond
		for _, o := range f.nodes {
			o.r.Tick(f.clock())
		}
		f.settle()
	}
}

func (f *few) settle() {
	for busy, rounds := true, 0; busy; rounds++ {
		if rounds > 1000 {
			f.t.Fatal("they talk for ever")
		}
		busy = false
		for _, o := range f.nodes {
			busy = f.perform(o) || busy
		}
		f.link()
		for _, o := range f.nodes {
			mail := o.mail
			o.mail = nil
			for _, e := range mail {
				busy = true
				f.node(e.To).r.Step(o.id, e.Message)
				switch e.Message.(type) {
				case ring.Begin, ring.Elements, ring.Mark:
					o.r.Sent(e.To, 1)
				}
			}
		}
	}
}

func (f *few) perform(o *one) bool {
	rd := o.r.Ready()
	if err := o.store.Save(&rd.Save); err != nil {
		f.t.Fatal(err)
	}
	for _, e := range append(rd.Send, rd.After...) {
		if f.links[[2]gazetteer.NodeID{o.id, e.To}] {
			o.mail = append(o.mail, e)
		}
	}
	if rd.Peers != nil {
		o.wants = rd.Peers
	}
	if rd.Serving != nil {
		o.serving = rd.Serving
	}
	o.outcomes = append(o.outcomes, rd.Outcomes...)
	for _, s := range rd.Scans {
		c := ring.Chunk{ID: s.ID, Done: true}
		for u, err := range o.store.Scan(s.Partition, s.Above) {
			if err != nil {
				f.t.Fatal(err)
			}
			c.Updates = append(c.Updates, u)
		}
		o.r.Scanned(c)
	}
	return len(rd.Scans) > 0 || !rd.Save.Empty()
}

func (f *few) link() {
	for _, o := range f.nodes {
		for _, n := range o.wants {
			if to := f.node(n); !f.links[[2]gazetteer.NodeID{o.id, n}] {
				f.links[[2]gazetteer.NodeID{o.id, n}], f.links[[2]gazetteer.NodeID{n, o.id}] = true, true
				o.r.Linked(n)
				to.r.Linked(o.id)
			}
		}
	}
}

func (f *few) node(n gazetteer.NodeID) *one {
	for _, o := range f.nodes {
		if o.id == n {
			return o
		}
	}
	f.t.Fatalf("no node %s", n)
	return nil
}

// plans gives every node the rings that it is a member of, and edges between the first
// members of any two.
func (f *few) plans(rings ...ring.Ring) {
	for _, o := range f.nodes {
		p := ring.Plan{Epoch: uint64(f.now)}
		for _, m := range f.nodes {
			p.Stores = append(p.Stores, m.id.Store())
		}
		for _, r := range rings {
			for _, n := range r.Members {
				if n == o.id {
					p.Rings = append(p.Rings, r)
				} else {
					p.Edges = append(p.Edges, ring.Edge{Peer: n, Partitions: r.Partitions})
				}
			}
		}
		o.r.Configure(p)
	}
	f.settle()
}

var dropped = gazetteer.Partition{Type: "sim", Index: 0}

func ringOn(n gazetteer.NodeID) ring.Ring {
	return ring.Ring{Name: "of " + string(n), Members: []gazetteer.NodeID{n}, Partitions: []gazetteer.Partition{dropped}}
}

// put writes resources at a node and returns how many it took.
func (f *few) put(n gazetteer.NodeID, prefix string, many int) (taken int) {
	o := f.node(n)
	for i := range many {
		o.r.Propose(ring.Write{Partition: dropped, ID: gazetteer.ID(fmt.Sprint(prefix, i)), Ack: ring.AckRing, Put: []ring.Value{{Body: []byte(prefix)}}})
	}
	f.settle()
	for _, out := range o.outcomes {
		if out.Err == nil {
			taken++
		}
	}
	o.outcomes = nil
	return taken
}

func (f *few) held(n gazetteer.NodeID) (many int) {
	for range f.node(n).store.Scan(dropped, nil) {
		many++
	}
	return many
}

// A partition moves from a to b, whom a asks what it holds before it drops everything, and
// comes back.
func TestADroppedPartitionComesBackWhole(t *testing.T) {
	f := newFew(t, "a", "b")
	f.plans(ringOn("a"))
	if n := f.put("a", "first", 2500); n != 2500 {
		t.Fatalf("%d writes were taken", n)
	}
	f.plans(ringOn("a"), ringOn("b"))
	f.pass(time.Second)
	a, b := f.node("a").r, f.node("b").r
	if !a.Holds(dropped, "b", a.Vector(dropped)) || !b.Holds(dropped, "b", a.Vector(dropped)) {
		t.Fatal("a does not know that b holds all")
	}
	if told, ok := b.Told(dropped, "a"); !ok || !told.Equal(a.Vector(dropped)) {
		t.Errorf("a has told b %v, %v", told, ok)
	}
	f.plans(ringOn("b"))
	a.Drop(dropped)
	f.pass(50 * time.Millisecond)
	if _, ok := f.node("a").store.State().Partitions[dropped]; ok || f.held("a") == 0 || f.held("a") == 2500 {
		t.Errorf("in the first step state %v, %d left; want no state, and some elements", ok, f.held("a"))
	}
	f.put("b", "second", 10)
	f.pass(time.Second)
	if n := f.held("a"); n != 0 {
		t.Errorf("%d elements are left", n)
	}
	f.plans(ringOn("a"), ringOn("b"))
	f.pass(time.Second)
	if f.held("a") != 2510 || !f.node("a").serving[dropped].Writes {
		t.Errorf("back again: %d elements, %+v", f.held("a"), f.node("a").serving[dropped])
	}
	if n := f.put("a", "third", 1); n != 1 || f.held("b") != 2511 {
		t.Errorf("%d taken, b holds %d", n, f.held("b"))
	}
}

// A partition that comes back while its elements go is filled all the same, and what had
// been deleted elsewhere meanwhile stays so.
func TestADroppedPartitionComesBackHalfGone(t *testing.T) {
	f := newFew(t, "a", "b")
	f.plans(ringOn("a"))
	f.put("a", "x", 1500)
	f.plans(ringOn("a"), ringOn("b"))
	f.pass(time.Second)
	f.plans(ringOn("b"))
	f.node("a").r.Drop(dropped)
	f.pass(50 * time.Millisecond)
	left := f.held("a")
	f.node("b").r.Propose(ring.Write{Partition: dropped, ID: "x1499", Replace: true})
	f.settle()
	f.plans(ringOn("a"), ringOn("b"))
	f.pass(time.Second)
	if left == 0 || left == 1500 {
		t.Errorf("%d elements were left when it came back; the test says nothing", left)
	}
	us, _ := f.node("a").store.Resource(dropped, "x1499")
	if f.held("a") != 1500 || len(us) != 1 || !us[0].Tombstone {
		t.Errorf("a holds %d elements, and of the deleted one %v", f.held("a"), us)
	}
}

// A position never stands for two contents: an origin that has dropped what it wrote takes
// no writes there before it holds that again.
func TestNoWriteBelowWhatWasDropped(t *testing.T) {
	f := newFew(t, "a", "b")
	f.plans(ringOn("a"))
	f.put("a", "x", 5)
	f.plans()
	f.node("a").r.Drop(dropped)
	f.pass(100 * time.Millisecond)
	f.plans(ringOn("a")) // nobody holds it any more: it is founded anew
	f.pass(5 * time.Second)
	if n := f.put("a", "y", 1); n != 0 {
		t.Error("a position was given a second time")
	}
	f.begin(f.node("a"))
	f.links = map[[2]gazetteer.NodeID]bool{}
	f.plans(ringOn("a"))
	f.pass(5 * time.Second)
	if n := f.put("a", "y", 1); n != 1 {
		t.Error("another incarnation takes no writes")
	}
}

// A partition that is hosted is not dropped, whoever asks.
func TestHostedPartitionsStay(t *testing.T) {
	f := newFew(t, "a")
	f.plans(ringOn("a"))
	f.put("a", "x", 3)
	f.node("a").r.Drop(dropped)
	f.pass(time.Second)
	if st := f.node("a").store.State().Partitions[dropped]; f.held("a") != 3 || !st.Filled {
		t.Errorf("%d elements, %+v", f.held("a"), st)
	}
}

// Of two rings that have a partition the last one's members count.
func TestTheLastRingOfAPartitionAcknowledges(t *testing.T) {
	f := newFew(t, "a", "b")
	both := ring.Ring{Name: "both", Members: []gazetteer.NodeID{"a", "b"}, Partitions: []gazetteer.Partition{dropped}}
	for _, o := range []struct {
		rings []ring.Ring
		want  ring.Ack
	}{
		{[]ring.Ring{both, ringOn("a")}, ring.AckRing},
		{[]ring.Ring{ringOn("a"), both}, ring.AckLocal},
	} {
		a := f.node("a")
		a.r.Configure(ring.Plan{Epoch: 1, Rings: o.rings})
		f.pass(5 * time.Second)
		a.r.Alive("b", false)
		f.put("a", "x", 1)
		a.r.Propose(ring.Write{Partition: dropped, ID: "y", Ack: ring.AckRing, Put: []ring.Value{{Body: []byte{1}}}})
		f.settle()
		if len(a.outcomes) != 1 || a.outcomes[0].Reached != o.want {
			t.Errorf("got %+v, want %v", a.outcomes, o.want)
		}
		a.outcomes = nil
	}
}

// A feed that one end's plan has no more need of goes on in both directions as long as
// the other's has: what that one holds has to get away.
func TestAFeedThatOneEndWantsGoesBothWays(t *testing.T) {
	f := newFew(t, "a", "b")
	f.plans(ringOn("a"), ringOn("b"))
	f.pass(5 * time.Second)
	stores := []gazetteer.StoreID{gazetteer.NodeID("a").Store(), gazetteer.NodeID("b").Store()}
	f.node("a").r.Configure(ring.Plan{Epoch: 9, Stores: stores, Rings: []ring.Ring{ringOn("a")}})
	f.pass(time.Second)
	if f.put("b", "of b", 3); f.held("a") != 3 {
		t.Errorf("a holds %d of 3 elements that b wrote", f.held("a"))
	}
	if f.put("a", "of a", 2); f.held("b") != 5 {
		t.Errorf("b holds %d of 5", f.held("b"))
	}
	f.node("b").r.Configure(ring.Plan{Epoch: 9, Stores: stores, Rings: []ring.Ring{ringOn("b")}})
	f.pass(time.Second)
	if f.put("a", "more", 1); f.held("b") != 5 {
		t.Error("the feed goes on, and nobody wants it")
	}
	if _, ok := f.node("a").r.Told(dropped, "b"); ok {
		t.Error("what b held when it left is taken for what it holds")
	}
}

// What a plan takes back in the same moment in which a link opens does not come before the
// Greet that it takes back: the peer would take the feed for wanted.
func TestALeaveComesBehindItsGreet(t *testing.T) {
	f := newFew(t, "a", "b")
	stores := []gazetteer.StoreID{gazetteer.NodeID("a").Store(), gazetteer.NodeID("b").Store()}
	wants := func(n gazetteer.NodeID, edges ...ring.Edge) {
		f.node(n).r.Configure(ring.Plan{Epoch: 9, Stores: stores, Rings: []ring.Ring{ringOn(n)}, Edges: edges})
	}
	to := func(n gazetteer.NodeID) ring.Edge {
		return ring.Edge{Peer: n, Partitions: []gazetteer.Partition{dropped}}
	}
	wants("a")
	wants("b")
	f.pass(time.Second)
	f.put("b", "before", 1)
	f.links = map[[2]gazetteer.NodeID]bool{{"a", "b"}: true, {"b", "a"}: true}
	wants("a", to("b"))
	f.node("a").r.Linked("b")
	wants("a")
	f.node("b").r.Linked("a")
	f.pass(time.Second)
	wants("b", to("a"))
	f.pass(time.Second)
	if f.put("b", "x", 2); f.held("a") != 3 {
		t.Errorf("a holds %d of 3 elements that b wrote", f.held("a"))
	}
}
