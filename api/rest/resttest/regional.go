// Package resttest has a regional server in memory, for tests of what talks to one over
// REST. It judges changes as a real one does; it has no ring below it.
package resttest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/geo"
	"gazetteer/ring"
)

// partitions is few, so that small listings cross several.
const partitions = 4

// Regional implements region.Regional. Fields may be set before it serves.
type Regional struct {
	// Before is called with every batch of changes, outside any lock; an error is the
	// receipt of all of them. Nil: nothing happens.
	Before func([]region.Change) error
	// Reached is the level that writes reach; 0: what they ask for.
	Reached ring.Ack
	Checks  []region.Check
	Journal []ring.Conflict
	// Down is what every read answers; nil: it works.
	Down error
	// Beyond are other regions, which hold the same records.
	Beyond []gazetteer.RegionID
	// Stale is how old what it knows may be.
	Stale time.Duration
	// Behind is what every read with a session answers; nil: it is behind none.
	Behind error
	// Choices are the planet's regions, in order.
	Choices []region.Choice

	mu       sync.Mutex // guards following
	measured []geo.Measurement
	placed   region.Owners
	types    map[gazetteer.Type]region.TypeSpec
	records  map[gazetteer.Key]gazetteer.Record
	writes   int
}

var _ region.Regional = (*Regional)(nil)

// New returns a regional server with these types, of which the first allows redirects.
func New(types ...gazetteer.Type) *Regional {
	r := &Regional{types: map[gazetteer.Type]region.TypeSpec{}, records: map[gazetteer.Key]gazetteer.Record{}}
	for i, t := range types {
		r.types[t] = region.TypeSpec{Name: t, Mode: "multi", TTL: 30 * time.Second, Redirect: i == 0}
	}
	return r
}

// Name returns region r1, node n1.
func (r *Regional) Name() (gazetteer.RegionID, gazetteer.NodeID) { return "r1", "n1" }

// Ready returns Checks.
func (r *Regional) Ready() []region.Check { return r.Checks }

// Conflicts returns Journal.
func (r *Regional) Conflicts(context.Context) ([]ring.Conflict, error) { return r.Journal, r.Down }

// Resolve ranks as a real regional server does.
func (r *Regional) Resolve(ctx context.Context, q *region.Query, a *region.Answer) error {
	if q.Direct {
		if _, err := r.GetDirect(ctx, q.Key); err != nil {
			return err
		}
	}
	record, by, err := r.GetFrom(ctx, q.Key, q.Region)
	if err = r.behind(q.Session, err); err != nil {
		return err
	}
	spec, _ := r.Type(ctx, q.Key.Type)
	var locator geo.Locator
	var ranker geo.Ranker
	place := locator.Locate(q.Client)
	o := geo.Options{Limit: cmp.Or(q.Limit, region.DefaultLimit), Filter: q.Filter, Prefer: q.Prefer, Avoid: q.Avoid, Policy: spec.Policy, Explain: q.Explain}
	best, rest := ranker.Rank(nil, place, q.Client.Addr, record.Locations, &o)
	*a = region.Answer{Key: q.Key, Version: record.Version, Client: place, Candidates: best, Excluded: rest, Region: by, Node: "n1", TTL: spec.TTL}
	if q.Explain {
		a.PolicyIgnored = spec.Policy.Ignored()
		a.Hops = []region.Hop{{Role: "regional server", Name: "n1", Took: 42 * time.Microsecond}, {Role: "replica", Name: "n1", Took: 7 * time.Microsecond}}
	}
	return nil
}

// Fetch returns a record as a region holds it, Stale old.
func (r *Regional) Fetch(ctx context.Context, w region.Want) (region.Found, error) {
	if w.Direct {
		record, err := r.GetDirect(ctx, w.Key)
		return region.Found{Record: record, Region: "r1", Node: "n1"}, err
	}
	record, by, err := r.GetFrom(ctx, w.Key, w.Region)
	f := region.Found{Record: record, Region: by, Node: "n1", Staleness: r.Stale, Shown: w.Session}
	if err == nil && w.MaxStale > 0 && r.Stale > w.MaxStale {
		err = &gazetteer.Error{Op: "resttest", Kind: gazetteer.Unavailable, Key: w.Key, Pointer: "max_stale", Detail: "what is known is older"}
	}
	return f, r.behind(w.Session, err)
}

// behind is the error of a read in a session.
func (r *Regional) behind(session ring.Token, err error) error {
	if err == nil && !session.None() {
		return r.Behind
	}
	return err
}

// GetFrom returns a record as a region holds it.
func (r *Regional) GetFrom(ctx context.Context, k gazetteer.Key, from gazetteer.RegionID) (gazetteer.Record, gazetteer.RegionID, error) {
	from = cmp.Or(from, "r1")
	if from != "r1" && !slices.Contains(r.Beyond, from) {
		return gazetteer.Record{}, "", missing(gazetteer.Key{Type: gazetteer.RegionsType, ID: gazetteer.ID(from)}, "no such region")
	}
	record, err := r.Get(ctx, k)
	return record, from, err
}

// Get returns a record.
func (r *Regional) Get(ctx context.Context, k gazetteer.Key) (gazetteer.Record, error) {
	if _, err := r.Type(ctx, k.Type); err != nil {
		return gazetteer.Record{}, err
	}
	if err := k.ID.Validate(); err != nil {
		return gazetteer.Record{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	record, ok := r.records[k]
	if !ok {
		return record, missing(k, "no such resource")
	}
	return record, r.Down
}

func missing(k gazetteer.Key, detail string) error {
	return &gazetteer.Error{Op: "resttest", Kind: gazetteer.NotFound, Key: k, Detail: detail}
}

// Type returns a type.
func (r *Regional) Type(_ context.Context, t gazetteer.Type) (region.TypeSpec, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	spec, ok := r.types[t]
	if !ok {
		return spec, missing(gazetteer.Key{Type: t}, "no such type; create it first")
	}
	return spec, r.Down
}

// Types returns all types by name.
func (r *Regional) Types(context.Context) ([]region.TypeSpec, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []region.TypeSpec
	for _, t := range slices.Sorted(maps.Keys(r.types)) {
		out = append(out, r.types[t])
	}
	return out, r.Down
}

// PutType creates or changes a type.
func (r *Regional) PutType(_ context.Context, s region.TypeSpec) (bool, error) {
	if s.Mode != "multi" {
		return false, &gazetteer.Error{Op: "resttest", Kind: gazetteer.Unprocessable, Pointer: "/mode", Detail: "want multi"}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.types[s.Name]
	r.types[s.Name] = s
	return !known, nil
}

// DeleteType removes a type that is empty.
func (r *Regional) DeleteType(ctx context.Context, t gazetteer.Type) error {
	if _, err := r.Type(ctx, t); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for k := range r.records {
		if k.Type == t {
			return &gazetteer.Error{Op: "resttest", Kind: gazetteer.Conflict, Key: gazetteer.Key{Type: t}, Detail: "the type is not empty"}
		}
	}
	delete(r.types, t)
	return nil
}

// List lists partition by partition.
func (r *Regional) List(ctx context.Context, t gazetteer.Type, prefix string, from region.Cursor, limit int) (region.Page, error) {
	if _, err := r.Type(ctx, t); err != nil {
		return region.Page{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	page := region.Page{Staleness: r.Stale}
	for p := from.Partition; p < partitions; p++ {
		for _, k := range r.sortedLocked(t, p) {
			if !strings.HasPrefix(string(k.ID), prefix) || (p == from.Partition && k.ID <= from.After) {
				continue
			}
			if len(page.Records) == limit {
				last := page.Records[limit-1].Key
				page.Next = region.Cursor{Partition: gazetteer.PartitionOf(last, partitions).Index, After: last.ID, More: true}
				return page, nil
			}
			page.Records = append(page.Records, r.records[k])
		}
	}
	return page, nil
}

func (r *Regional) sortedLocked(t gazetteer.Type, p uint32) []gazetteer.Key {
	var out []gazetteer.Key
	for k := range r.records {
		if k.Type == t && gazetteer.PartitionOf(k, partitions).Index == p {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b gazetteer.Key) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Len returns how many resources there are.
func (r *Regional) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.records)
}

// Write performs changes, each for itself.
func (r *Regional) Write(ctx context.Context, cs []region.Change) []region.Receipt {
	out := make([]region.Receipt, len(cs))
	var down error
	if r.Before != nil {
		down = r.Before(cs)
	}
	for i := range cs {
		if out[i].Err = down; down == nil {
			out[i] = r.change(ctx, &cs[i])
		}
	}
	return out
}

func (r *Regional) change(ctx context.Context, c *region.Change) region.Receipt {
	if _, err := r.Type(ctx, c.Key.Type); err != nil {
		return region.Receipt{Err: err}
	}
	if err := judge(c); err != nil {
		return region.Receipt{Err: err}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	old, existed := r.records[c.Key]
	if !allowed(c.If, old.Version, existed) {
		return region.Receipt{Err: &gazetteer.Error{Op: "resttest", Kind: gazetteer.Precondition, Key: c.Key, Detail: "the version is another"}}
	}
	next, created, err := r.applied(c, old, existed)
	if err != nil {
		return region.Receipt{Err: err}
	}
	r.writes++
	next.Version = gazetteer.Version(gazetteer.Hash(fmt.Sprint(c.Key, r.writes)))
	if len(next.Locations) == 0 && c.Op != region.PutResource && next.Attributes == nil {
		next.Version = 0
		delete(r.records, c.Key)
	} else {
		r.records[c.Key] = next
	}
	return region.Receipt{Version: next.Version, Created: created, Reached: cmp.Or(r.Reached, c.Ack)}
}

func allowed(versions []gazetteer.Version, now gazetteer.Version, exists bool) bool {
	if len(versions) == 0 || slices.Contains(versions, now) {
		return true
	}
	return exists && slices.Contains(versions, region.AnyVersion)
}

// applied returns what a record becomes. It shares no slice that the next change writes.
func (r *Regional) applied(c *region.Change, old gazetteer.Record, existed bool) (gazetteer.Record, bool, error) {
	next := gazetteer.Record{Key: c.Key, Attributes: old.Attributes, Locations: slices.Clone(old.Locations)}
	switch c.Op {
	case region.PutResource:
		next.Attributes, next.Locations = slices.Clone(c.Attributes), slices.Clone(c.Locations)
	case region.DeleteResource:
		if !existed {
			return next, false, missing(c.Key, "no such resource")
		}
		return gazetteer.Record{Key: c.Key}, false, nil
	case region.PutLocation:
		before := len(next.Locations)
		next.Locations = without(next.Locations, c.Locations[0].ID)
		existed = len(next.Locations) < before
		next.Locations = append(next.Locations, c.Locations[0])
	case region.DeleteLocation:
		next.Locations = without(next.Locations, c.Location)
		if len(next.Locations) == len(old.Locations) {
			return next, false, missing(c.Key, "no such location")
		}
	}
	slices.SortFunc(next.Locations, func(a, b gazetteer.Location) int { return cmp.Compare(a.ID, b.ID) })
	return next, !existed, nil
}

func without(ls []gazetteer.Location, id gazetteer.LocationID) []gazetteer.Location {
	return slices.DeleteFunc(ls, func(l gazetteer.Location) bool { return l.ID == id })
}

// judge refuses what a regional server refuses.
func judge(c *region.Change) error {
	if err := c.Key.ID.Validate(); err != nil {
		return err
	}
	seen := map[gazetteer.LocationID]bool{}
	size := len(c.Attributes)
	for i := range c.Locations {
		l := &c.Locations[i]
		at := ""
		if c.Op == region.PutResource {
			at = fmt.Sprintf("/locations/%d", i)
		}
		if err := l.Validate(); err != nil {
			e := *err.(*gazetteer.Error)
			e.Pointer = at + e.Pointer
			return &e
		}
		if seen[l.ID] {
			return &gazetteer.Error{Op: "resttest", Kind: gazetteer.Unprocessable, Key: c.Key, Pointer: at + "/id", Detail: "stands twice"}
		}
		seen[l.ID] = true
		size += len(l.ID) + len(l.URL)
	}
	if size > gazetteer.MaxRecordBytes {
		return &gazetteer.Error{Op: "resttest", Kind: gazetteer.TooLarge, Key: c.Key, Detail: fmt.Sprintf("%d bytes, at most %d are allowed for one resource", size, gazetteer.MaxRecordBytes)}
	}
	return nil
}

// Owners returns Placed, for the type asked.
func (r *Regional) Owners(ctx context.Context, t gazetteer.Type) (region.Owners, error) {
	if _, err := r.Type(ctx, t); err != nil {
		return region.Owners{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.placed
	o.Type = t
	return o, r.Down
}

// Place makes a plan the one that is in use.
func (r *Regional) Place(o region.Owners) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.placed = o
}

// GetDirect returns a record if by the plan in use n1, which this server is, holds it.
func (r *Regional) GetDirect(ctx context.Context, k gazetteer.Key) (gazetteer.Record, error) {
	o, err := r.Owners(ctx, k.Type)
	if err != nil {
		return gazetteer.Record{}, err
	}
	if !holds(&o, k) {
		return gazetteer.Record{}, &gazetteer.Error{Op: "resttest", Kind: gazetteer.WrongOwner, Key: k, Plan: o.Epoch, Detail: "it is held elsewhere"}
	}
	return r.Get(ctx, k)
}

func holds(o *region.Owners, k gazetteer.Key) bool {
	if len(o.Placement) == 0 {
		return false
	}
	at := o.Placement[gazetteer.PartitionOf(k, uint32(len(o.Placement))).Index]
	return at >= 0 && slices.ContainsFunc(o.Rings[at].Members, func(m region.Owner) bool { return m.Node == "n1" })
}
