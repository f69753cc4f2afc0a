package planet

import (
	"context"
	"math/rand/v2"
	"time"

	"gazetteer"
)

// whereRequest asks a region who its relays are.
type whereRequest struct {
	Types []gazetteer.Type `json:"types"`
	// After is the epoch of the plan of the last reply. The next comes when there is a
	// newer one, or after a while without.
	After uint64 `json:"after,omitempty"`
}

// whereReply names the relays of each type that was asked for.
type whereReply struct {
	Epoch  uint64                     `json:"epoch"`
	Relays map[gazetteer.Type]*relays `json:"relays,omitempty"` // nil: as before
}

const (
	// whereWait is how long a region keeps a question to which nothing has changed;
	// whereTimeout how long its answer may take, with the longest way.
	whereWait    = 4 * time.Second
	whereTimeout = whereWait + 3*time.Second
	// whereAgain is the least time between two questions to one region.
	whereAgain = 100 * time.Millisecond
	// whereTypesMax bounds the types of one question.
	whereTypesMax = 2000
)

// askWhere keeps up with the relays of one region.
func (p *Planet) askWhere(ctx context.Context, r gazetteer.RegionID, types []gazetteer.Type) {
	var epoch uint64
	for turn := 0; ctx.Err() == nil; turn++ {
		pause := whereAgain
		reply, err := p.whereAt(ctx, r, turn, whereRequest{Types: types, After: epoch})
		switch {
		case err != nil:
			p.Logger.Debug("a region does not say who its relays are", "region", string(r), "error", err)
			epoch, pause = 0, whereAgain+rand.N(5*whereAgain)
		case reply.Relays != nil:
			epoch = reply.Epoch
			p.far.hear(r, reply.Relays)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

func (p *Planet) whereAt(ctx context.Context, r gazetteer.RegionID, turn int, q whereRequest) (reply whereReply, err error) {
	e, err := p.entry(r, turn)
	if err != nil {
		return reply, err
	}
	ctx, cancel := context.WithTimeout(ctx, whereTimeout)
	defer cancel()
	if err := ask(ctx, p.toNode(e.Node), "where", q, &reply); err != nil {
		return reply, err
	}
	for _, s := range reply.Relays {
		if err := s.check(p.plan().Partitions()); err != nil {
			return reply, refuse("Where", gazetteer.Invalid, "", "region %s answered: %v", r, err)
		}
	}
	return reply, nil
}

// entry returns one regional server of another region: the first, or after failures the
// next.
func (p *Planet) entry(r gazetteer.RegionID, turn int) (Entry, error) {
	record := find(p.others(), r)
	if record == nil {
		return Entry{}, refuse("Entry", gazetteer.NotFound, "", "the directory has no region %q", r)
	}
	if len(record.Entries) == 0 {
		return Entry{}, refuse("Entry", gazetteer.Unavailable, "", "region %s names no regional server", r)
	}
	return record.Entries[turn%len(record.Entries)], nil
}

// where answers another region.
func (p *Planet) where(ctx context.Context, q whereRequest) (whereReply, error) {
	if len(q.Types) > whereTypesMax {
		return whereReply{}, refuse("Where", gazetteer.TooLarge, "/types", "%d types, want at most %d", len(q.Types), whereTypesMax)
	}
	wait := time.NewTimer(whereWait)
	defer wait.Stop()
	for {
		changed := p.Group.View().Changed()
		plan := p.plan()
		if plan.Epoch() != q.After {
			return p.relaysBy(q.Types), nil
		}
		select {
		case <-changed:
		case <-wait.C:
			return whereReply{Epoch: plan.Epoch()}, nil
		case <-ctx.Done():
			return whereReply{}, ctx.Err()
		}
	}
}

func (p *Planet) relaysBy(types []gazetteer.Type) whereReply {
	plan := p.plan()
	out := whereReply{Epoch: plan.Epoch(), Relays: map[gazetteer.Type]*relays{}}
	addr := func(n gazetteer.NodeID) string {
		node, err := plan.Node(n)
		if err != nil {
			return ""
		}
		return node.Addr
	}
	for _, t := range types {
		out.Relays[t] = relaysOf(plan, t, addr)
	}
	return out
}
