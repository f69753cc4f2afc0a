package planet

import (
	"bytes"
	"context"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/control"
)

// keep is the leader's chore: the directory says what the region is now, and the
// region's plan what the directory says of others.
func (p *Planet) keep(ctx context.Context) {
	tick := time.NewTicker(p.Every)
	defer tick.Stop()
	for {
		changed := p.Group.View().Changed()
		if err := p.keepOnce(ctx); err != nil && ctx.Err() == nil {
			p.Logger.Warn("the directory of regions was not brought up to date", "error", err)
		}
		select {
		case <-tick.C:
		case <-changed:
			// What changed may be what we have just written: a short rest gathers more.
			select {
			case <-time.After(p.Every / 4):
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (p *Planet) keepOnce(ctx context.Context) error {
	all, err := p.directory(ctx)
	if err != nil {
		return err
	}
	if err := p.publish(ctx, find(all, p.self)); err != nil {
		return err
	}
	for i := range all {
		if err := p.note(ctx, &all[i]); err != nil {
			return err
		}
	}
	return nil
}

// directory reads the records of all regions. One that cannot be read is left out: one
// bad record must not hide the others.
func (p *Planet) directory(ctx context.Context) ([]Record, error) {
	stored, err := p.Server.Regions(ctx)
	if err != nil {
		return nil, err
	}
	var out []Record
	for i := range stored {
		r, err := recordOf(&stored[i])
		if err != nil {
			p.Logger.Error("a region's record cannot be read", "region", string(stored[i].Key.ID), "error", err)
			continue
		}
		out = append(out, r)
	}
	return out, nil
}

// publish says what this region is, if the directory says something else. A region that
// was removed says nothing more.
func (p *Planet) publish(ctx context.Context, now *Record) error {
	own := describe(p.plan(), p.Group.ID(), p.Place)
	if now != nil && (now.Standing.State == Removed || own.equal(&now.Description)) {
		return nil
	}
	return p.describeAs(ctx, p.self, own, nil)
}

// describeAs writes a region's description and, unless nil, its standing.
func (p *Planet) describeAs(ctx context.Context, r gazetteer.RegionID, d Description, s *Standing) error {
	attributes, err := encode(d)
	if err != nil {
		return err
	}
	c := region.RegionChange{Attributes: attributes}
	if s != nil {
		l := s.location()
		c.Location = &l
	}
	return p.Server.WriteRegion(ctx, r, c)
}

func (p *Planet) stand(ctx context.Context, r gazetteer.RegionID, s Standing) error {
	l := s.location()
	return p.Server.WriteRegion(ctx, r, region.RegionChange{Location: &l})
}

// note brings what the directory says of another region into this region's plan, from
// which all its processes have it. A region that the directory does not name stays: a
// directory that is not filled yet must not make a region forget its neighbours.
func (p *Planet) note(ctx context.Context, r *Record) error {
	if r.Name == p.self {
		return nil
	}
	value, known := p.plan().Peers()[r.Name]
	if !r.Standing.joined() {
		if !known {
			return nil
		}
		return p.Group.Lead(ctx, control.DropPeer{Region: r.Name})
	}
	now, err := r.peer()
	if err != nil || bytes.Equal(now, value) {
		return err
	}
	return p.Group.Lead(ctx, control.SetPeer{Region: r.Name, Value: now})
}

// edit has the region agree on a change of its plan.
func (p *Planet) edit(ctx context.Context, make func() control.Edit) error {
	_, err := p.Group.Edit(ctx, func(plan *control.Plan) (control.Command, error) {
		return control.Command{Expect: plan.Epoch(), Edit: make()}, nil
	})
	return err
}
