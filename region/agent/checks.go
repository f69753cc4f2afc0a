package agent

import (
	"context"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region"
	"gazetteer/region/health"
	"gazetteer/ring"
)

// turnsAtOnce is how many changes of health are written in one call.
const turnsAtOnce = 1000

// checks is what a [health.Checker] needs of a node: it checks the locations of the
// partitions whose leases the node decides, so each is checked by one node of the region.
type checks struct {
	agent *agent
	types *region.Server
}

var _ health.Source = checks{}

// Specs returns the checks of the types that are held here and have any.
func (c checks) Specs(ctx context.Context) (map[gazetteer.Type]health.Spec, error) {
	specs := map[gazetteer.Type]health.Spec{}
	hosted, _ := c.agent.shelf.get()
	for _, t := range hosted {
		if t.Internal() {
			continue
		}
		spec, err := c.types.Type(ctx, t)
		if err != nil && gazetteer.KindOf(err) != gazetteer.NotFound {
			return nil, err
		}
		if err == nil && spec.Health.Checks() {
			specs[t] = spec.Health
		}
	}
	return specs, nil
}

// Targets reads the locations of a type from the store.
func (c checks) Targets(ctx context.Context, t gazetteer.Type) (ts []health.Target, err error) {
	r := roll{home: c.agent.view.Load().plan.Region()}
	for _, p := range *c.agent.leading.Load() {
		if p.Type != t {
			continue
		}
		if err := r.read(ctx, c.agent, p); err != nil {
			return nil, err
		}
	}
	if len(r.orphans) > 0 {
		c.write(ctx, r.orphans)
	}
	return r.targets, nil
}

// roll gathers the locations of partitions.
type roll struct {
	home    gazetteer.RegionID
	targets []health.Target
	orphans []ring.Write // that delete what is beside no location any more
	buf     []byte
	down    map[uint64]gazetteer.LocationID
}

func (r *roll) read(ctx context.Context, a *agent, p gazetteer.Partition) error {
	for id, err := range a.store.List(p, "") {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil && a.ended() {
			err = &gazetteer.Error{Op: "agent.Targets", Kind: gazetteer.Unavailable, Detail: "the node is stopping"}
		}
		if err != nil {
			return err
		}
		if r.buf, err = a.store.AppendRecord(r.buf[:0], p, id); err != nil {
			return err
		}
		r.resource(p, id)
	}
	return nil
}

// resource adds the locations of one record. What cannot be read is not checked.
func (r *roll) resource(p gazetteer.Partition, id gazetteer.ID) {
	from := len(r.targets)
	r.down = map[uint64]gazetteer.LocationID{}
	v := ring.View(r.buf)
	for v.Next() {
		switch {
		case v.Tombstone || len(v.Location) == 0:
		case besideAny(v.Location):
			r.known(gazetteer.LocationID(v.Location), v.Body)
		default:
			r.location(p, id, &v)
		}
	}
	for i := from; i < len(r.targets); i++ {
		t := &r.targets[i]
		if _, said := r.down[t.Location.Hash()]; said {
			t.Down = true
			delete(r.down, t.Location.Hash())
		}
	}
	for _, l := range r.down {
		r.orphans = append(r.orphans, ring.Write{Partition: p, ID: id, Delete: []gazetteer.LocationID{l}, Ack: ring.AckLocal, Deadline: leaseWrite})
	}
}

func (r *roll) known(l gazetteer.LocationID, body []byte) {
	b, ok := l.Beside()
	if !ok || b.Aspect != gazetteer.Checked || b.Region != r.home {
		return
	}
	if h, err := pb.DecodeHealth(body); err == nil && h.Down {
		r.down[b.Location] = l
	}
}

func (r *roll) location(p gazetteer.Partition, id gazetteer.ID, v *ring.RecordView) {
	var l gazetteer.Location
	if pb.DecodeLocation(append([]byte(nil), v.Body...), &l) == nil {
		r.targets = append(r.targets, health.Target{Partition: p, Name: health.Name{ID: id, Location: gazetteer.LocationID(v.Location)}, URL: l.URL})
	}
}

// Turn writes what has changed into the elements of this region. A location that has gone
// meanwhile needs nothing; anything else that fails is found by the next checks.
func (c checks) Turn(ctx context.Context, t gazetteer.Type, turns []health.Turn) {
	home, now := c.agent.view.Load().plan.Region(), time.Now().UnixMilli()
	ws := make([]ring.Write, len(turns))
	for i := range turns {
		turn := &turns[i]
		name := gazetteer.Beside{Aspect: gazetteer.Checked, Location: turn.Location.Hash(), Region: home}
		body := pb.AppendHealth([]byte{}, &pb.HealthBody{Down: turn.Down, Since: now})
		ws[i] = ring.Write{
			Partition: turn.Partition, ID: turn.ID, Ack: ring.AckLocal, Deadline: leaseWrite,
			Put: []ring.Value{{Location: name.Element(), Body: body}},
		}
	}
	c.write(ctx, ws)
}

func (c checks) write(ctx context.Context, ws []ring.Write) {
	for len(ws) > 0 {
		n := min(len(ws), turnsAtOnce)
		c.agent.Write(ctx, ws[:n])
		ws = ws[n:]
	}
}
