package region

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/ring"
)

const fakePartitions = 4

// fakePlan is a region with rings of given members. Partition i belongs to the ring
// i modulo their number.
type fakePlan struct {
	servers []gazetteer.NodeID
	rings   [][]gazetteer.NodeID
	gap     int // a partition that no ring owns; 0 for none
}

func (p fakePlan) Region() gazetteer.RegionID                         { return "here" }
func (p fakePlan) Epoch() uint64                                      { return 3 }
func (p fakePlan) Partitions() uint32                                 { return fakePartitions }
func (p fakePlan) Roles(gazetteer.NodeID) []Role                      { return []Role{RoleRegion} }
func (p fakePlan) Stores() []gazetteer.StoreID                        { return nil }
func (p fakePlan) Types() []gazetteer.Type                            { return []gazetteer.Type{gazetteer.TypesType} }
func (p fakePlan) ClusterServers(t gazetteer.Type) []gazetteer.NodeID { return p.servers }

func (p fakePlan) Rings(t gazetteer.Type) []ring.Ring {
	out := make([]ring.Ring, len(p.rings))
	for i := range p.rings {
		out[i] = ring.Ring{Name: fmt.Sprint(i), Members: p.rings[i]}
	}
	for i := range uint32(fakePartitions) {
		if p.gap == 0 || int(i) != p.gap {
			r := &out[int(i)%len(out)]
			r.Partitions = append(r.Partitions, gazetteer.Partition{Type: t, Index: i})
		}
	}
	return out
}

func (p fakePlan) Mirrors(t gazetteer.Type) []ring.Ring { return p.Rings(t) }
func (p fakePlan) Bridges(gazetteer.Type) []Bridge      { return nil }
func (p fakePlan) Dead(gazetteer.NodeID) bool           { return false }

// fakes are the servers of other nodes, by name.
type fakes map[gazetteer.NodeID]*fake

func (f fakes) Tier(n gazetteer.NodeID, r Role) Tier { return f[n] }

// fakesOf returns one fake for each node, which all hold the same.
func fakesOf(p fakePlan) fakes {
	held := &shelf{records: map[gazetteer.Key][]gazetteer.Update{}, encoded: map[gazetteer.Key][]byte{}}
	out := fakes{}
	for _, n := range append(slices.Concat(p.rings...), p.servers...) {
		out[n] = &fake{node: n, shelf: held}
	}
	return out
}

// shelf is what fakes hold together.
type shelf struct {
	mu      sync.Mutex // guards following
	records map[gazetteer.Key][]gazetteer.Update
	encoded map[gazetteer.Key][]byte
	clock   gazetteer.Clock
}

// fake is a tier that answers from a shelf, or with an error while it has one.
type fake struct {
	node  gazetteer.NodeID
	shelf *shelf
	delay time.Duration

	mu     sync.Mutex // guards following
	err    error
	calls  int
	writes [][]ring.Write
	held   []ring.Conflict
}

func (f *fake) fail(k gazetteer.Kind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = &gazetteer.Error{Op: "fake", Kind: k, Detail: string(f.node)}
}

func (f *fake) heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = nil
}

func (f *fake) called() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *fake) call(ctx context.Context) error {
	f.mu.Lock()
	err, delay := f.err, f.delay
	f.calls++
	f.mu.Unlock()
	if delay == 0 {
		return err
	}
	select {
	case <-ctx.Done():
		return &gazetteer.Error{Op: "fake", Kind: gazetteer.Deadline, Err: ctx.Err()}
	case <-time.After(delay):
		return err
	}
}

func (f *fake) Read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	if err := f.call(ctx); err != nil {
		return dst, ReadInfo{}, err
	}
	f.shelf.mu.Lock()
	defer f.shelf.mu.Unlock()
	info := ReadInfo{Node: f.node, Ring: "0"}
	if WantsHops(ctx) {
		info.Hops = []Hop{{Role: "replica", Name: string(f.node)}}
	}
	return append(dst, f.shelf.encoded[k]...), info, nil
}

func (f *fake) Write(ctx context.Context, t gazetteer.Type, ws []ring.Write) []ring.Outcome {
	if err := f.call(ctx); err != nil {
		out := make([]ring.Outcome, len(ws))
		for i := range out {
			out[i] = ring.Outcome{Token: ws[i].Token, Err: err}
		}
		return out
	}
	f.mu.Lock()
	f.writes = append(f.writes, slices.Clone(ws))
	f.mu.Unlock()
	var out []ring.Outcome
	for i := range ws {
		out = append(out, f.shelf.write(t, &ws[i]))
	}
	return out
}

func (s *shelf) write(t gazetteer.Type, w *ring.Write) ring.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock++
	k := gazetteer.Key{Type: t, ID: w.ID}
	o := ring.Outcome{Token: w.Token, Created: len(s.records[k]) == 0, Existed: true, Reached: w.Ack}
	kept := map[gazetteer.LocationID]gazetteer.Update{}
	for _, u := range s.records[k] {
		if !w.Replace {
			kept[u.Element.Location] = u
		}
	}
	for _, v := range w.Put {
		if _, ok := kept[v.Location]; !ok {
			o.Existed = false
		}
		kept[v.Location] = gazetteer.Update{Element: gazetteer.Element{ID: w.ID, Location: v.Location},
			Stamp: gazetteer.Stamp{Clock: s.clock}, Position: gazetteer.Position{Seq: uint64(s.clock)}, Body: v.Body}
	}
	for _, l := range w.Delete {
		if _, ok := kept[l]; !ok {
			o.Existed = false
		}
		delete(kept, l)
	}
	s.records[k] = nil
	for _, u := range kept {
		s.records[k] = append(s.records[k], u)
	}
	slices.SortFunc(s.records[k], func(a, b gazetteer.Update) int { return cmp.Compare(a.Element.Location, b.Element.Location) })
	s.encoded[k] = ring.AppendRecord(nil, s.records[k])
	o.Version = ring.VersionOf(s.records[k])
	return o
}

func (f *fake) List(ctx context.Context, q ListQuery) (ListPage, error) {
	if err := f.call(ctx); err != nil {
		return ListPage{}, err
	}
	f.shelf.mu.Lock()
	defer f.shelf.mu.Unlock()
	var ids []gazetteer.ID
	for k, us := range f.shelf.records {
		mine := gazetteer.PartitionOf(k, fakePartitions) == q.Partition
		if mine && len(us) > 0 && k.ID > q.After && strings.HasPrefix(string(k.ID), q.Prefix) {
			ids = append(ids, k.ID)
		}
	}
	slices.Sort(ids)
	page := ListPage{More: len(ids) > q.Limit}
	for _, id := range ids[:min(q.Limit, len(ids))] {
		k := gazetteer.Key{Type: q.Partition.Type, ID: id}
		page.IDs = append(page.IDs, id)
		page.Records = append(page.Records, ring.AppendRecord(nil, f.shelf.records[k]))
	}
	return page, nil
}

func (f *fake) Conflicts(ctx context.Context, t gazetteer.Type) ([]ring.Conflict, error) {
	if err := f.call(ctx); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []ring.Conflict
	for _, c := range f.held {
		if c.Partition.Type == t {
			out = append(out, c)
		}
	}
	return out, nil
}

// stock puts a resource on the shelf.
func (f fakes) stock(k gazetteer.Key, locations ...gazetteer.Location) {
	for _, one := range f {
		w := ring.Write{ID: k.ID, Replace: true, Put: []ring.Value{{Body: []byte{}}}}
		for i := range locations {
			w.Put = append(w.Put, ring.Value{Location: locations[i].ID, Body: pb.AppendLocation(nil, &locations[i])})
		}
		one.shelf.write(k.Type, &w)
		return
	}
}

// regional returns a regional server over fakes of cluster servers, who know the type
// mirror.
func regional(t interface{ Helper() }, nodes ...gazetteer.NodeID) (*Server, fakes) {
	t.Helper()
	plan := fakePlan{servers: nodes, rings: [][]gazetteer.NodeID{nodes}}
	f := fakesOf(plan)
	f.stock(gazetteer.Key{Type: gazetteer.TypesType, ID: "mirror"})
	return NewServer(Config{Plan: plan, Node: "front", Transport: f}), f
}

func mirror(id string) gazetteer.Key { return gazetteer.Key{Type: "mirror", ID: gazetteer.ID(id)} }

func located(id string, lat, lon float64) gazetteer.Location {
	return gazetteer.Location{ID: gazetteer.LocationID(id), URL: "https://" + id + ".example/",
		Point: gazetteer.Point{Lat: lat, Lon: lon}, Located: true, Weight: 1}
}
