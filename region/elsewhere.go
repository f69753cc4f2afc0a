package region

import (
	"context"
	"fmt"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// Elsewhere is what a regional server knows of the regional servers of other regions.
type Elsewhere interface {
	// Nearest returns those to ask in place of this one, best first: of regions that
	// are not down and not draining, by measured round trip.
	Nearest() []Far
	// Of returns a server of one region; false if the planet has no such region.
	Of(r gazetteer.RegionID) (Far, bool)
	// Sites returns the regions of the planet, this one included; none while they are
	// not known. The slice is shared and does not change. It is asked for each lookup.
	Sites() []Site
}

// Far is a regional server of another region.
type Far struct {
	Region gazetteer.RegionID
	Tier   Tier
}

// farMax is how many other regions a request is carried to that its own cannot answer,
// farPatience how long each may take with the longest way.
const (
	farMax      = 2
	farPatience = 2 * time.Second
)

// Tier returns this regional server as others ask it: for whatever type, by what the
// clusters of this region say. It never asks further, so no request goes round.
func (s *Server) Tier() Tier { return front{s} }

// front is a regional server as a tier.
type front struct{ s *Server }

func (f front) Read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	if !k.Type.Internal() {
		f.s.demand.of(k.Type).reads.Add(1)
	}
	out, info, err := f.s.groups.of(k.Type).read(ctx, dst, k)
	info.Region = f.s.region
	return out, info, err
}

func (f front) Write(ctx context.Context, t gazetteer.Type, ws []ring.Write) []ring.Outcome {
	if !t.Internal() {
		f.s.demand.of(t).writes.Add(uint64(len(ws)))
	}
	g := f.s.groups.of(t)
	return g.write(ctx, t, ws, g.turn.Add(1))
}

func (f front) List(ctx context.Context, q ListQuery) (ListPage, error) {
	return f.s.groups.of(q.Partition.Type).list(ctx, q)
}

func (f front) Conflicts(ctx context.Context, t gazetteer.Type) ([]ring.Conflict, error) {
	return f.s.groups.of(t).conflicts(ctx, t)
}

// read asks the clusters of this region, and if none of their servers can answer now, the
// nearest others: the data is there, too.
func (s *Server) read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	out, info, err := s.groups.of(k.Type).read(ctx, dst, k)
	if err == nil || s.elsewhere == nil || !elsewhere(err) {
		return out, info, err
	}
	for i, far := range s.elsewhere.Nearest() {
		if i == farMax || ctx.Err() != nil {
			break
		}
		if out, info, ferr := far.read(ctx, dst, k); ferr == nil {
			s.count.carried.Add(1)
			return out, info, nil
		}
	}
	return dst, info, err
}

// readAt asks one region, for a request that names it; "" is the one that can answer.
func (s *Server) readAt(ctx context.Context, dst []byte, k gazetteer.Key, r gazetteer.RegionID) ([]byte, ReadInfo, error) {
	switch {
	case r == "":
		return s.read(ctx, dst, k)
	case r == s.region:
		return s.groups.of(k.Type).read(ctx, dst, k)
	case s.elsewhere != nil:
		if far, ok := s.elsewhere.Of(r); ok {
			return far.read(ctx, dst, k)
		}
	}
	return dst, ReadInfo{}, &gazetteer.Error{Op: "region.Route", Kind: gazetteer.NotFound, Pointer: "region",
		Key:    gazetteer.Key{Type: gazetteer.RegionsType, ID: gazetteer.ID(r)},
		Detail: fmt.Sprintf("no region %.80q is known here; this is %s", r, s.region)}
}

func (f Far) read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, farPatience)
	defer cancel()
	out, info, err := f.Tier.Read(ctx, dst, k)
	t := TripOf(ctx)
	if err == nil && !info.Covered && t.asks() {
		err = unaware(k)
	}
	if err != nil {
		return dst, info, err
	}
	info.Region = f.Region
	if t != nil && t.Hops {
		info.Hops = append([]Hop{{Role: "region", Name: string(f.Region), Took: time.Since(start)}}, info.Hops...)
	}
	return out, info, nil
}

// writeElsewhere gives the writes that no cluster of this region took to the nearest
// other region; from there they travel back when they can.
func (s *Server) writeElsewhere(ctx context.Context, t gazetteer.Type, ws []ring.Write, out []ring.Outcome, start time.Time) {
	if again, _ := undone(out, ws); len(again) == 0 || s.elsewhere == nil {
		return
	}
	for i, far := range s.elsewhere.Nearest() {
		again, _ := undone(out, ws)
		if i == farMax || len(again) == 0 || ctx.Err() != nil {
			return
		}
		for j, o := range far.Tier.Write(ctx, t, subset(ws, again, time.Since(start))) {
			if o.Err == nil {
				s.count.carried.Add(1)
			}
			out[again[j]] = o
		}
	}
}
