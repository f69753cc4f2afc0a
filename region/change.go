package region

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/ring"
)

const deadlineDefault = 5 * time.Second

// Write performs changes. Those of one type go down together and share transactions.
func (s *Server) Write(ctx context.Context, cs []Change) []Receipt {
	s.count.writes.Add(uint64(len(cs)))
	receipts := make([]Receipt, len(cs))
	s.writeGroups(ctx, s.sort(ctx, cs, receipts), cs, receipts)
	for i := range receipts {
		_ = s.count.fail(receipts[i].Err)
	}
	return receipts
}

// writes are those of one type, with their places among the changes.
type writes struct {
	t     gazetteer.Type
	ws    []ring.Write
	which []int
}

// sort checks the changes and gathers the writes they come to by type, in the order of
// each type's first. Those that are refused have their receipt.
func (s *Server) sort(ctx context.Context, cs []Change, receipts []Receipt) []*writes {
	var groups []*writes
	for i := range cs {
		w, err := s.admit(ctx, &cs[i])
		if err != nil {
			receipts[i].Err = err
			continue
		}
		at := slices.IndexFunc(groups, func(g *writes) bool { return g.t == cs[i].Key.Type })
		if at < 0 {
			at = len(groups)
			groups = append(groups, &writes{t: cs[i].Key.Type})
		}
		groups[at].ws = append(groups[at].ws, w)
		groups[at].which = append(groups[at].which, i)
	}
	return groups
}

func (s *Server) admit(ctx context.Context, c *Change) (ring.Write, error) {
	if c.Key.Type.Internal() {
		return ring.Write{}, refuse(c, gazetteer.Denied, "", "the type is internal to the service")
	}
	if _, err := s.user(ctx, c.Key.Type); err != nil {
		return ring.Write{}, err
	}
	s.demand.of(c.Key.Type).writes.Add(1)
	return s.ringWrite(c)
}

func (s *Server) writeGroups(ctx context.Context, groups []*writes, cs []Change, receipts []Receipt) {
	if len(groups) == 1 { // as nearly always
		s.writeGroup(ctx, groups[0], cs, receipts)
		return
	}
	var all sync.WaitGroup
	for _, g := range groups {
		all.Go(func() { s.writeGroup(ctx, g, cs, receipts) })
	}
	all.Wait()
}

func (s *Server) writeGroup(ctx context.Context, g *writes, cs []Change, receipts []Receipt) {
	group, start := s.groups.of(g.t), time.Now()
	out := group.write(ctx, g.t, g.ws, group.turn.Add(1))
	s.writeElsewhere(ctx, g.t, g.ws, out, start)
	for i, o := range out {
		receipts[g.which[i]] = receipt(&cs[g.which[i]], &o)
	}
}

// receipt says what an outcome means for a change.
func receipt(c *Change, o *ring.Outcome) Receipt {
	r := Receipt{Version: o.Version, Reached: o.Reached, Shown: o.Shown, Err: atEdge(o.Err)}
	switch {
	case o.Err != nil && c.Op == RenewLease && gazetteer.KindOf(o.Err) == gazetteer.NotFound:
		return Receipt{Err: noLocation(c, o.Err)}
	case o.Err != nil:
		return Receipt{Err: r.Err}
	case c.Op == PutResource:
		r.Created = o.Created
	case c.Op == PutLocation:
		r.Created = !o.Existed
	case c.Op == DeleteResource && o.Created:
		r.Err = unknownResource(c.Key)
	case c.Op == DeleteLocation && !o.Existed:
		r.Err = refuse(c, gazetteer.NotFound, "", "the resource has no location %q", c.Location)
	}
	return r
}

// ringWrite checks a change and encodes it.
func (s *Server) ringWrite(c *Change) (ring.Write, error) {
	if err := c.Key.ID.Validate(); err != nil {
		return ring.Write{}, err
	}
	w := ring.Write{
		Partition: gazetteer.PartitionOf(c.Key, s.partitions), ID: c.Key.ID,
		If: c.If, Ack: cmp.Or(c.Ack, ring.AckRing), Deadline: cmp.Or(c.Deadline, deadlineDefault),
	}
	var err error
	switch c.Op {
	case PutResource:
		w.Replace = true
		w.Put, err = c.wholeResource()
	case DeleteResource:
		w.Replace = true
	case PutLocation:
		w.Put, err = s.oneLocation(c)
	case DeleteLocation:
		w.Delete, err = []gazetteer.LocationID{c.Location}, c.Location.Validate()
	case RenewLease:
		w.Put, err = s.renew(c)
	default:
		err = refuse(c, gazetteer.Invalid, "", "operation %d is not known", c.Op)
	}
	return w, err
}

// wholeResource encodes the elements of a resource. The attributes are always among
// them: they say that the resource was written as a whole, also if it has none.
func (c *Change) wholeResource() ([]ring.Value, error) {
	if len(c.Locations) > gazetteer.MaxLocations {
		return nil, refuse(c, gazetteer.TooLarge, "/locations", "%d locations, at most %d are allowed", len(c.Locations), gazetteer.MaxLocations)
	}
	attributes, err := c.attributes()
	if err != nil {
		return nil, err
	}
	values := make([]ring.Value, 1, 1+len(c.Locations))
	values[0] = attributes
	for i := range c.Locations {
		v, err := c.value(&c.Locations[i])
		if err != nil {
			return nil, under(fmt.Sprintf("/locations/%d", i), c, err)
		}
		values = append(values, v)
	}
	if err := c.checkDistinct(); err != nil {
		return nil, err
	}
	return values, c.checkRecord(values)
}

func (s *Server) oneLocation(c *Change) ([]ring.Value, error) {
	if len(c.Locations) != 1 {
		return nil, refuse(c, gazetteer.Invalid, "", "%d locations, want the one to put", len(c.Locations))
	}
	v, err := c.value(&c.Locations[0])
	if err != nil || c.Lease == 0 {
		return []ring.Value{v}, under("", c, err)
	}
	lease, err := s.renewal(c, c.Locations[0].ID)
	return []ring.Value{v, lease}, err
}

func (c *Change) attributes() (ring.Value, error) {
	if len(c.Attributes) > gazetteer.MaxElementBytes {
		return ring.Value{}, refuse(c, gazetteer.TooLarge, "/attributes", "%d bytes, at most %d are allowed", len(c.Attributes), gazetteer.MaxElementBytes)
	}
	if len(c.Attributes) > 0 && (c.Attributes[0] != '{' || !json.Valid(c.Attributes)) {
		return ring.Value{}, refuse(c, gazetteer.Unprocessable, "/attributes", "not a JSON object")
	}
	v := ring.Value{Body: []byte{}}
	if len(c.Attributes) > 0 && string(c.Attributes) != "{}" {
		v.Body = pb.AppendAttributes(v.Body, c.Attributes)
	}
	return v, checkElement(c, "/attributes", &v)
}

func (c *Change) value(l *gazetteer.Location) (ring.Value, error) {
	if err := l.Validate(); err != nil {
		return ring.Value{}, err
	}
	if i := firstUnsorted(l.Labels); i > 0 {
		return ring.Value{}, refuse(c, gazetteer.Unprocessable, "/labels", "label %q stands behind %q; labels are sorted by key, and none is there twice", l.Labels[i].Key, l.Labels[i-1].Key)
	}
	v := ring.Value{Location: l.ID, Body: pb.AppendLocation([]byte{}, l)}
	return v, checkElement(c, "", &v)
}

// firstUnsorted returns the place of the first label that is not above the one before
// it, 0 if there is none.
func firstUnsorted(ls []gazetteer.Label) int {
	for i := 1; i < len(ls); i++ {
		if ls[i].Key <= ls[i-1].Key {
			return i
		}
	}
	return 0
}

func checkElement(c *Change, pointer string, v *ring.Value) error {
	if n := len(v.Location) + len(v.Body); n > gazetteer.MaxElementBytes {
		return refuse(c, gazetteer.TooLarge, pointer, "%d bytes, at most %d are allowed for one element", n, gazetteer.MaxElementBytes)
	}
	return nil
}

// checkRecord refuses a resource that is too large before it goes anywhere. What a single
// location adds to one that exists only its replica can reckon.
func (c *Change) checkRecord(values []ring.Value) error {
	sum := 0
	for i := range values {
		sum += len(values[i].Location) + len(values[i].Body)
	}
	if sum > gazetteer.MaxRecordBytes {
		return refuse(c, gazetteer.TooLarge, "", "%d bytes, at most %d are allowed for one resource", sum, gazetteer.MaxRecordBytes)
	}
	return nil
}

func (c *Change) checkDistinct() error {
	seen := make(map[gazetteer.LocationID]int, len(c.Locations))
	for i := range c.Locations {
		id := c.Locations[i].ID
		if j, twice := seen[id]; twice {
			return refuse(c, gazetteer.Unprocessable, fmt.Sprintf("/locations/%d/id", i), "%q is the id of location %d, too", id, j)
		}
		seen[id] = i
	}
	return nil
}

func refuse(c *Change, kind gazetteer.Kind, pointer, format string, args ...any) error {
	return &gazetteer.Error{Op: "region.Write", Kind: kind, Key: c.Key, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
}

// under says in which part of the document an error's pointer is, and of which resource.
func under(pointer string, c *Change, err error) error {
	var e *gazetteer.Error
	if !errors.As(err, &e) {
		return err
	}
	return &gazetteer.Error{Op: "region.Write", Kind: e.Kind, Key: c.Key, Pointer: pointer + e.Pointer, Detail: e.Detail, Err: e.Err}
}
