package agent

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/control"
	"gazetteer/ring"
	"gazetteer/ring/memstore"
)

// hand is links that a test moves by hand, and the group that is told of them.
type hand struct {
	h LinkHandler

	mu      sync.Mutex // guards following
	wanted  []gazetteer.NodeID
	told    []string
	settled atomic.Uint64
}

func (l *hand) Start(h LinkHandler)                 { l.h = h }
func (l *hand) Send(gazetteer.NodeID, ring.Message) {}

func (l *hand) Want(nodes []gazetteer.NodeID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wanted = slices.Clone(nodes)
}

func (l *hand) tell(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, fmt.Sprintf(format, args...))
}

func (l *hand) Alive(n gazetteer.NodeID, up bool)                              { l.tell("%s %v", n, up) }
func (l *hand) ReportUnseen(n gazetteer.NodeID)                                { l.tell("%s unseen", n) }
func (l *hand) Settled() uint64                                                { return l.settled.Load() }
func (l *hand) Apply(context.Context, control.Command) (epoch uint64, _ error) { return 0, nil }

// planOf returns a plan in which a mirrors a type with these.
func planOf(t *testing.T, epoch uint64, mirrors ...gazetteer.NodeID) *control.Plan {
	t.Helper()
	d := control.Description{Region: "here", Epoch: epoch, Partitions: 4}
	for _, n := range []gazetteer.NodeID{"a", "b", "c", "front"} {
		roles := []region.Role{region.RoleCluster, region.RoleReplica}
		if n == "front" {
			roles = append(roles, region.RoleRegion)
		}
		d.Nodes = append(d.Nodes, control.Node{Name: n, Addr: string(n) + ":1", Roles: roles})
	}
	d.Default = control.Cluster{Servers: []gazetteer.NodeID{"front"}, Rings: []control.Ring{{Name: "others", Members: []gazetteer.NodeID{"front"}}}}
	d.Types = map[gazetteer.Type]control.Cluster{"maps": {Servers: []gazetteer.NodeID{"front"}, Rings: []control.Ring{{Name: "r", Members: append(mirrors, "a")}}}}
	p, err := control.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A link that both ends have given up falls silent. Whoever took that for a death would
// call members dead for good: nobody would hear any more that they live.
func TestALinkThatWasGivenUpTellsOfNoDeath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &hand{}
		n, err := Start(context.Background(), Config{Plan: planOf(t, 1, "b"), Node: "a", Store: memstore.New(), Links: l, Group: l, Alive: l.Alive})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		l.h.Alive("b", true)
		l.h.Alive("c", true) // the other end has its plan already
		synctest.Wait()
		n.Replan(planOf(t, 2, "c"))
		synctest.Wait()
		l.h.Alive("b", false) // as a link that is no more
		l.h.Alive("c", false)
		synctest.Wait()
		if want := []gazetteer.NodeID{"c"}; !slices.Equal(l.wanted, want) {
			t.Errorf("links are wanted to %v, want %v", l.wanted, want)
		}
		if want := []string{"b true", "c true", "b unseen", "c false"}; !slices.Equal(l.told, want) {
			t.Errorf("the group was told %q, want %q", l.told, want)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
}
