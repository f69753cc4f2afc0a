package region

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

const (
	// refreshEvery bounds how old the view of the types is: what was made, changed or
	// deleted elsewhere is known after this time and the way it takes.
	refreshEvery = 500 * time.Millisecond
	// unknownMax bounds what is remembered of types that do not exist: clients can
	// name as many as they like.
	unknownMax = 1024

	ttlDefault = 30 * time.Second
	ttlMax     = 24 * time.Hour
)

// types is a view of the resources of the type [gazetteer.TypesType], read through: a
// type is looked up when it is first asked for, and again by refresh from then on. One
// that does not exist is asked for at most once in refreshEvery.
type types struct {
	server *Server
	known  atomic.Pointer[map[gazetteer.Type]*TypeSpec]

	mu      sync.Mutex // guards following, and is held by whoever replaces known
	unknown map[gazetteer.Type]time.Time
	// changes counts what this server itself did to types: a look-up that was under
	// way meanwhile may have seen what was before.
	changes uint64
}

func (c *types) init(s *Server) {
	c.server = s
	c.unknown = map[gazetteer.Type]time.Time{}
	c.known.Store(&map[gazetteer.Type]*TypeSpec{})
}

// user returns a type that clients may use.
func (s *Server) user(ctx context.Context, t gazetteer.Type) (*TypeSpec, error) {
	if spec := (*s.types.known.Load())[t]; spec != nil {
		return spec, nil
	}
	return s.types.lookUp(ctx, t)
}

func (c *types) lookUp(ctx context.Context, t gazetteer.Type) (*TypeSpec, error) {
	if t.Validate() != nil || c.isUnknown(t) {
		return nil, unknownType(t)
	}
	return c.readThrough(ctx, t)
}

func (c *types) isUnknown(t gazetteer.Type) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.unknown[t]
	return ok && time.Since(at) < refreshEvery
}

// readThrough asks the cluster of the types, and remembers what it says.
func (c *types) readThrough(ctx context.Context, t gazetteer.Type) (*TypeSpec, error) {
	before := c.changesSoFar()
	r, err := c.server.get(ctx, gazetteer.Key{Type: gazetteer.TypesType, ID: gazetteer.ID(t)})
	if err != nil && gazetteer.KindOf(err) == gazetteer.NotFound {
		c.forget(t, before)
		return nil, unknownType(t)
	}
	if err != nil {
		return nil, err
	}
	spec, err := decodeType(&r, (*c.known.Load())[t])
	if err != nil {
		return nil, err
	}
	c.learn(spec, before)
	return spec, nil
}

func (c *types) changesSoFar() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changes
}

// learn keeps what a look-up found, unless this server has changed a type since.
func (c *types) learn(spec *TypeSpec, before uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes == before {
		c.putLocked(spec)
	}
}

// forget keeps that a look-up found nothing.
func (c *types) forget(t gazetteer.Type, before uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes == before {
		c.dropLocked(t)
	}
}

// changed keeps what this server has written itself; nil for a type it has deleted.
func (c *types) changed(t gazetteer.Type, spec *TypeSpec) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	if spec == nil {
		c.dropLocked(t)
		return
	}
	c.putLocked(spec)
}

func (c *types) putLocked(spec *TypeSpec) {
	delete(c.unknown, spec.Name)
	old := *c.known.Load()
	if same := old[spec.Name]; same != nil && *same == *spec {
		return
	}
	next := maps.Clone(old)
	next[spec.Name] = spec
	c.known.Store(&next)
}

func (c *types) dropLocked(t gazetteer.Type) {
	if len(c.unknown) >= unknownMax {
		clear(c.unknown)
	}
	c.unknown[t] = time.Now()
	if old := *c.known.Load(); old[t] != nil {
		next := maps.Clone(old)
		delete(next, t)
		c.known.Store(&next)
	}
}

// refresh reads every known type again at its pace. A type that cannot be read stays as
// it was: reads go on when the cluster of the types is gone.
func (c *types) refresh(ctx context.Context) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for t := range *c.known.Load() {
				_, _ = c.readThrough(ctx, t)
			}
		}
	}
}

func unknownType(t gazetteer.Type) error {
	return &gazetteer.Error{Op: "region.Type", Kind: gazetteer.NotFound, Key: gazetteer.Key{Type: t},
		Detail: "no such type; create it first"}
}

// typeDocument is a type as its resource's attributes.
type typeDocument struct {
	Mode       string          `json:"mode"`
	TTLSeconds int64           `json:"ttl_seconds"`
	Redirect   bool            `json:"redirect"`
	Policy     json.RawMessage `json:"policy,omitempty"`
	Health     *healthDocument `json:"health,omitempty"`
}

// decodeType reads a stored type. A policy that is the same as in the type known so far
// is not made ready again.
func decodeType(r *gazetteer.Record, known *TypeSpec) (*TypeSpec, error) {
	d := typeDocument{Mode: "multi", TTLSeconds: int64(ttlDefault / time.Second)}
	if len(r.Attributes) > 0 {
		if err := json.Unmarshal(r.Attributes, &d); err != nil {
			return nil, damaged(r.Key, err)
		}
	}
	ttl := time.Duration(min(max(d.TTLSeconds, 0), int64(ttlMax/time.Second))) * time.Second
	return &TypeSpec{Name: gazetteer.Type(r.Key.ID), Mode: d.Mode, TTL: ttl, Redirect: d.Redirect, Health: d.Health.spec(), Policy: policyOf(d.Policy, known)}, nil
}

// Type returns one type.
func (s *Server) Type(ctx context.Context, t gazetteer.Type) (TypeSpec, error) {
	spec, err := s.user(ctx, t)
	if err != nil {
		return TypeSpec{}, s.count.fail(err)
	}
	return *spec, nil
}

// Types returns all types there are, by name. It asks the cluster of the types.
func (s *Server) Types(ctx context.Context) ([]TypeSpec, error) {
	var out []TypeSpec
	for page, err := range s.pages(ctx, gazetteer.TypesType, "", Cursor{}, MaxLimit) {
		if err != nil {
			return nil, s.count.fail(err)
		}
		for i := range page.Records {
			spec, err := decodeType(&page.Records[i], nil)
			if err != nil {
				return nil, s.count.fail(err)
			}
			out = append(out, *spec)
		}
	}
	sortTypes(out)
	return out, nil
}

// PutType creates or changes a type. A new one is ready for writes when this returns, or
// after a second at other servers; if its rings could not be opened in time the type is
// there all the same and they open when they can.
func (s *Server) PutType(ctx context.Context, spec TypeSpec) (created bool, err error) {
	if err := s.checkType(&spec); err != nil {
		return false, s.count.fail(err)
	}
	attributes, err := s.typeAttributes(ctx, &spec)
	if err != nil {
		return false, s.count.fail(err)
	}
	o, err := s.writeType(ctx, Change{Key: typeKey(spec.Name), Op: PutResource, Attributes: attributes})
	if err != nil {
		return false, s.count.fail(err)
	}
	s.types.changed(spec.Name, &spec)
	if o.Created {
		s.awaitRings(ctx, spec.Name)
	}
	return o.Created, nil
}

func (s *Server) checkType(spec *TypeSpec) error {
	if err := spec.Name.Validate(); err != nil {
		return err
	}
	refuse := func(kind gazetteer.Kind, pointer, format string, args ...any) error {
		return &gazetteer.Error{Op: "region.PutType", Kind: kind, Key: gazetteer.Key{Type: spec.Name}, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
	}
	if string(spec.Name) == string(s.region) {
		return refuse(gazetteer.Conflict, "", "a region has this name, and regions and types share one name space")
	}
	if spec.Mode == "" {
		spec.Mode = "multi"
	}
	if spec.Mode != "multi" {
		return refuse(gazetteer.Unprocessable, "/mode", "%q is no mode; \"multi\" is the only one", spec.Mode)
	}
	if spec.TTL == 0 {
		spec.TTL = ttlDefault
	}
	if err := spec.Health.Complete(); err != nil {
		return under("", &Change{Key: gazetteer.Key{Type: spec.Name}}, err)
	}
	spec.TTL = spec.TTL.Truncate(time.Second)
	if spec.TTL < time.Second || spec.TTL > ttlMax {
		return refuse(gazetteer.Unprocessable, "/ttl_seconds", "%d is not between 1 and %d", spec.TTL/time.Second, ttlMax/time.Second)
	}
	return nil
}

// DeleteType removes a type that has no resources. Every partition is asked for one; if
// one cannot be asked the type stays. A resource that is written elsewhere at the same
// moment is not seen: it is stored, and shows again if the type is made again.
func (s *Server) DeleteType(ctx context.Context, t gazetteer.Type) error {
	if _, err := s.user(ctx, t); err != nil {
		return s.count.fail(err)
	}
	page, err := s.list(ctx, t, "", Cursor{}, 1)
	if err != nil {
		return s.count.fail(err)
	}
	if len(page.Records) > 0 {
		return s.count.fail(&gazetteer.Error{Op: "region.DeleteType", Kind: gazetteer.Conflict, Key: page.Records[0].Key,
			Detail: "the type is not empty: this resource is in it; delete its resources first"})
	}
	if _, err := s.writeType(ctx, Change{Key: typeKey(t), Op: DeleteResource}); err != nil {
		return s.count.fail(err)
	}
	s.types.changed(t, nil)
	return nil
}

func typeKey(t gazetteer.Type) gazetteer.Key {
	return gazetteer.Key{Type: gazetteer.TypesType, ID: gazetteer.ID(t)}
}

// writeType writes a resource of the internal type of types.
func (s *Server) writeType(ctx context.Context, c Change) (ring.Outcome, error) {
	w, err := s.ringWrite(&c)
	if err != nil {
		return ring.Outcome{}, err
	}
	o := s.groups.of(c.Key.Type).write(ctx, c.Key.Type, []ring.Write{w}, 0)[0]
	if o.Err == nil && o.Reached < w.Ack {
		o.Err = &gazetteer.Error{Op: "region.PutType", Kind: gazetteer.Unavailable, Key: c.Key,
			Detail: "written on one replica only: too few of its ring are alive; the change travels when they return"}
	}
	return o, atEdge(o.Err)
}

// awaitRings opens the type at all of its rings: a replica opens one that was made at
// run time when it is first asked for it, and serves it when its mates agree that
// nothing is there yet.
func (s *Server) awaitRings(ctx context.Context, t gazetteer.Type) {
	ctx, cancel := context.WithTimeout(ctx, deadlineDefault)
	defer cancel()
	for _, r := range s.groups.plan().Rings(t) {
		if len(r.Partitions) > 0 {
			s.awaitPartition(ctx, r.Partitions[0])
		}
	}
}

func (s *Server) awaitPartition(ctx context.Context, p gazetteer.Partition) {
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		_, err := s.groups.of(p.Type).list(ctx, ListQuery{Partition: p, Limit: 1})
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}
