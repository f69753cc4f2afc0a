package peer

import (
	"context"
	"slices"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/ring"
)

// regionTier is the regional server of another region: it answers for any type.
func regionTier(name gazetteer.RegionID) *fakeTier {
	return &fakeTier{
		read: func(_ context.Context, dst []byte, k gazetteer.Key) ([]byte, region.ReadInfo, error) {
			return append(dst, k.String()...), region.ReadInfo{Node: "b", Ring: "r", Region: name}, nil
		},
		write: func(_ context.Context, t gazetteer.Type, ws []ring.Write) []ring.Outcome {
			return []ring.Outcome{{Version: gazetteer.Version(len(t))}}
		},
		list: func(_ context.Context, q region.ListQuery) (region.ListPage, error) {
			return region.ListPage{IDs: []gazetteer.ID{gazetteer.ID(q.Partition.Type)}, Records: [][]byte{nil}}, nil
		},
		conflicts: func(_ context.Context, t gazetteer.Type) ([]ring.Conflict, error) {
			cs := sampleConflicts(1)
			cs[0].Partition.Type = t
			return cs, nil
		},
	}
}

// abroad returns a transport of region "here", and node b of region "there".
func abroad(t *testing.T) (*town, node, node) {
	w := newTown(t)
	c := w.quick("b")
	c.Region = "there"
	b := w.linking(c)
	b.Handle(region.RoleRegion, regionTier("there"))
	return w, w.linking(w.quick("a")), b
}

// A request names any type, also one that the asking region does not have.
func TestAnotherRegionAnswersForAnyType(t *testing.T) {
	_, a, _ := abroad(t)
	tier := a.Tier("b", region.RoleRegion)
	for _, typ := range []gazetteer.Type{gazetteer.TypesType, gazetteer.RegionsType, "mirrors", "x"} {
		ctx := within(t, patience)
		k := gazetteer.Key{Type: typ, ID: "a/%2F é"}
		got, info, err := tier.Read(ctx, nil, k)
		if err != nil || string(got) != k.String() || info.Region != "there" || info.Node != "b" {
			t.Errorf("read %q, %+v, %v", got, info, err)
		}
		if out := tier.Write(ctx, typ, []ring.Write{{ID: "a"}}); out[0].Err != nil || out[0].Version != gazetteer.Version(len(typ)) {
			t.Errorf("wrote %+v", out)
		}
		if page, err := tier.List(ctx, region.ListQuery{Partition: gazetteer.Partition{Type: typ}}); err != nil || page.IDs[0] != gazetteer.ID(typ) {
			t.Errorf("listed %+v, %v", page, err)
		}
		if cs, err := tier.Conflicts(ctx, typ); err != nil || cs[0].Partition.Type != typ {
			t.Errorf("conflicts %+v, %v", cs, err)
		}
	}
}

func TestRegionsAreLinked(t *testing.T) {
	_, a, b := abroad(t)
	a.Want([]gazetteer.NodeID{"b"})
	eventually(t, "the link is up", func() bool { return a.times("linked b") == 1 && b.times("linked a") == 1 })
	a.Send("b", ring.Greet{Store: 1})
	b.Send("a", ring.Greet{Store: 2})
	eventually(t, "both have greeted", func() bool { return len(a.from("b")) == 1 && len(b.from("a")) == 1 })
}

// A node whose address was wrong is dialled at its new one without a wait.
func TestANewAddressIsDialledAtOnce(t *testing.T) {
	w, _, b := abroad(t)
	there := w.resolve("b")
	w.move("b", "127.0.0.1:1")
	c := w.quick("c")
	c.RetryMin, c.RetryMax, c.Conns = time.Hour, time.Hour, 1
	caller := w.open(c, nil)
	b.HandleService("s", echoService)
	for range 2 {
		if _, err := caller.CallNode(within(t, patience), "b", "s", nil); gazetteer.KindOf(err) != gazetteer.Unavailable {
			t.Fatalf("at an address of nobody: %v", err)
		}
	}
	w.move("b", there)
	if _, err := caller.CallNode(within(t, patience), "b", "s", nil); err != nil {
		t.Error(err)
	}
}

// Requests and the link follow a node that starts again somewhere else.
func TestNodesMove(t *testing.T) {
	w, a, b := abroad(t)
	a.Want([]gazetteer.NodeID{"b"})
	eventually(t, "the link is up", func() bool { return a.times("linked b") == 1 })
	b.Close()
	c := w.quick("b")
	c.Region = "there"
	again := w.linking(c)
	again.HandleService("s", echoService)
	eventually(t, "it is asked at its new address", func() bool {
		_, err := a.CallNode(within(t, patience), "b", "s", nil)
		return err == nil
	})
	eventually(t, "it is linked at its new address", func() bool { return slices.Contains(again.all(), "linked a") })
}
