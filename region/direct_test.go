package region

import (
	"context"
	"slices"
	"testing"

	"gazetteer"
)

// counted is a replica of this process that counts what it is asked.
type counted struct {
	Tier
	asked int
}

func (c *counted) Read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	c.asked++
	return c.Tier.Read(ctx, dst, k)
}

// entry is a cluster server in one process with a regional server that counts what it is
// asked as such.
type entry struct {
	*ClusterServer
	asked int
}

func (e *entry) Read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	e.asked++
	return e.ClusterServer.Read(ctx, dst, k)
}

// process is node a, which is everything, beside node b.
func process(p Plan, f fakes) (*Server, *entry, *counted) {
	own := &counted{Tier: f["a"]}
	c := &entry{ClusterServer: NewClusterServer(ClusterConfig{Plan: p, Node: "a", Replica: own, Transport: f})}
	return NewServer(Config{Plan: p, Node: "a", Cluster: c, Transport: f}), c, own
}

func twoRings() (fakePlan, fakes) {
	p := fakePlan{servers: []gazetteer.NodeID{"a"}, rings: [][]gazetteer.NodeID{{"a"}, {"b"}}}
	f := fakesOf(p)
	f.stock(gazetteer.Key{Type: gazetteer.TypesType, ID: "mirror"})
	return p, f
}

// TestADirectAnswerSavesTheClusterServer: neither a cluster server nor another process is
// asked, and explain shows the hops that there were.
func TestADirectAnswerSavesTheClusterServer(t *testing.T) {
	p, f := twoRings()
	s, c, own := process(p, f)
	k := mirror(idIn(0, 0))
	f.stock(k, located("x", 1, 1))
	var a Answer
	if err := s.Resolve(t.Context(), &Query{Key: k, Explain: true}, &a); err != nil {
		t.Fatal(err)
	}
	normal, cluster, replica, other := len(a.Hops), c.asked, own.asked, f["b"].called()
	if err := s.Resolve(t.Context(), &Query{Key: k, Explain: true, Direct: true}, &a); err != nil || len(a.Candidates) != 1 {
		t.Fatal(a.Candidates, err)
	}
	if slices.ContainsFunc(a.Hops, func(h Hop) bool { return h.Role == "cluster server" }) || len(a.Hops) >= normal {
		t.Errorf("hops %v, the normal way has %d", a.Hops, normal)
	}
	if r, err := s.GetDirect(t.Context(), k); err != nil || len(r.Locations) != 1 {
		t.Error(r, err)
	}
	if c.asked != cluster || own.asked != replica+2 || f["b"].called() != other {
		t.Errorf("the cluster server was asked %d times more, the replica %d, another process %d",
			c.asked-cluster, own.asked-replica, f["b"].called()-other)
	}
}

func TestADirectRequestToTheWrongServer(t *testing.T) {
	p, f := twoRings()
	s, _, own := process(p, f)
	k := mirror(idIn(1, 0)) // of b
	f.stock(k, located("x", 1, 1))
	var a Answer
	wrong := func(err error) {
		t.Helper()
		if e, ok := err.(*gazetteer.Error); !ok || e.Kind != gazetteer.WrongOwner || e.Plan != p.Epoch() {
			t.Error(err)
		}
	}
	if err := s.Resolve(t.Context(), &Query{Key: k}, &a); err != nil {
		t.Fatal(err)
	}
	before, asked := own.asked, f["b"].called()
	wrong(s.Resolve(t.Context(), &Query{Key: k, Direct: true}, &a))
	_, err := s.GetDirect(t.Context(), k)
	wrong(err)
	if own.asked != before || f["b"].called() != asked {
		t.Error("somebody was asked all the same")
	}
}

// TestADirectMissInAMoveIsNoAnswer: what is not at the owner may be at the other ring.
func TestADirectMissInAMoveIsNoAnswer(t *testing.T) {
	k := mirror(idIn(1, 0))
	for _, moving := range []bool{true, false} {
		p := movingPlan{epoch: 5, moving: moving}
		_, f := pair(p)
		c := NewClusterServer(ClusterConfig{Plan: p, Node: "a", Replica: f["a"], Transport: f})
		out, _, err := c.ReadOwn(t.Context(), nil, k)
		if len(out) != 0 || moving != (err != nil && gazetteer.KindOf(err) == gazetteer.WrongOwner) {
			t.Errorf("moving %v: %q, %v", moving, out, err)
		}
		f["a"].stockOne()
		if out, _, err := c.ReadOwn(t.Context(), nil, k); err != nil || len(out) == 0 {
			t.Errorf("moving %v: what is there is an answer: %v", moving, err)
		}
	}
}

func TestOwnersAreThoseOfThePlan(t *testing.T) {
	p, f := twoRings()
	p.gap = 3
	s, _, _ := process(p, f)
	o, err := s.Owners(t.Context(), "mirror")
	if err != nil || o.Epoch != 3 || !slices.Equal(o.Placement, []int{0, 1, 0, -1}) {
		t.Fatal(o, err)
	}
	if o.Rings[1].Name != "1" || o.Rings[1].Members[0] != (Owner{Node: "b", Live: true}) {
		t.Error(o.Rings)
	}
	if _, err := s.Owners(t.Context(), "none"); gazetteer.KindOf(err) != gazetteer.NotFound {
		t.Error(err)
	}
}
