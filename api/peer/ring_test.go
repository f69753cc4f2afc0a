package peer

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/agent"
	"gazetteer/ring"
	"gazetteer/ring/memstore"
)

// threePlan is one ring of three replicas that own everything.
type threePlan struct{}

func (threePlan) Region() gazetteer.RegionID                       { return "here" }
func (threePlan) Epoch() uint64                                    { return 1 }
func (threePlan) Partitions() uint32                               { return 7 }
func (threePlan) Types() []gazetteer.Type                          { return []gazetteer.Type{gazetteer.TypesType, "mirrors"} }
func (threePlan) ClusterServers(gazetteer.Type) []gazetteer.NodeID { return nil }
func (threePlan) members() []gazetteer.NodeID                      { return []gazetteer.NodeID{"n0", "n1", "n2"} }
func (threePlan) Roles(gazetteer.NodeID) []region.Role             { return []region.Role{region.RoleReplica} }

func (p threePlan) Mirrors(t gazetteer.Type) []ring.Ring { return p.Rings(t) }
func (threePlan) Bridges(gazetteer.Type) []region.Bridge { return nil }
func (threePlan) Dead(gazetteer.NodeID) bool             { return false }

func (p threePlan) Stores() (ids []gazetteer.StoreID) {
	for _, n := range p.members() {
		ids = append(ids, n.Store())
	}
	return ids
}

func (p threePlan) Rings(t gazetteer.Type) []ring.Ring {
	r := ring.Ring{Name: "r", Members: p.members()}
	for i := range p.Partitions() {
		r.Partitions = append(r.Partitions, gazetteer.Partition{Type: t, Index: i})
	}
	return []ring.Ring{r}
}

// member is one process of the ring.
type member struct {
	*Transport
	node  *agent.Node
	lines cutter
}

func startMember(t *testing.T, w *town, n gazetteer.NodeID) *member {
	t.Helper()
	m := &member{}
	c := w.quick(n)
	c.Partitions, c.DeadAfter, c.Dial = threePlan{}.Partitions(), 2*time.Second, m.lines.dial
	store := memstore.New()
	t.Cleanup(func() {
		if err := errors.Join(m.node.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	m.Transport = w.open(c, func(tr *Transport) {
		var err error
		m.node, err = agent.Start(context.Background(), agent.Config{Plan: threePlan{}, Node: n, Store: store, Links: tr, Transport: tr})
		if err != nil {
			t.Fatal(err)
		}
		for role, tier := range m.node.Tiers() {
			tr.HandleInline(role, tier)
		}
	})
	return m
}

// A ring of three processes' worth of agents: what is written at one replica is durable
// at a majority when it is acknowledged, and is read at every other, also when all links
// break all the time.
func TestRingOverThisTransport(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	var members []*member
	for _, n := range (threePlan{}).members() {
		members = append(members, startMember(t, w, n))
	}
	asker := w.open(func() Config { c := w.quick("asker"); c.Partitions = 7; return c }(), nil)
	tier := func(i int) region.Tier { return asker.Tier(threePlan{}.members()[i%3], region.RoleReplica) }
	for i := range 60 {
		k := gazetteer.Key{Type: "mirrors", ID: gazetteer.ID(fmt.Sprint("id-", i))}
		write := ring.Write{Partition: gazetteer.PartitionOf(k, 7), ID: k.ID, Put: []ring.Value{{Body: []byte(k.ID)}}, Ack: ring.AckRing, Deadline: 5 * time.Second}
		eventually(t, "the write is acknowledged by the ring", func() bool {
			out := tier(i).Write(within(t, 6*time.Second), "mirrors", []ring.Write{write})
			return out[0].Err == nil && out[0].Reached == ring.AckRing
		})
		if i%10 == 9 {
			members[i/10%3].lines.cut()
		}
	}
	for i := range 3 {
		for j := range 60 {
			k := gazetteer.Key{Type: "mirrors", ID: gazetteer.ID(fmt.Sprint("id-", j))}
			eventually(t, "every replica has it", func() bool { return readsBack(t, tier(i), k) })
		}
	}
}

func readsBack(t *testing.T, tier region.Tier, k gazetteer.Key) bool {
	b, _, err := tier.Read(context.Background(), nil, k)
	if err != nil {
		return false
	}
	us, err := ring.DecodeRecord(b)
	if err != nil {
		t.Fatal(err)
	}
	return len(us) == 1 && string(us[0].Body) == string(k.ID)
}
