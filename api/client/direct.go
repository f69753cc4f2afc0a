package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/api/rest/problem"
)

// A direct client keeps the plan of each type it reads and asks a replica itself. Whatever
// comes of that but an answer, it asks once more the normal way: a plan that is out of date
// costs one request and never an answer.

// Plan says which replicas hold which resources of a type in one region.
type Plan struct {
	Region     string `json:"region"`
	Epoch      uint64 `json:"epoch"`
	Type       string `json:"type"`
	Partitions uint32 `json:"partitions"` // of the planet
	Rings      []struct {
		Name    string   `json:"name"`
		Members []Holder `json:"members"` // in ring order
	} `json:"rings"`
	// Placement has the owner of each partition, as an index into Rings; -1: nobody.
	Placement []int `json:"placement"`
}

// Holder is one replica.
type Holder struct {
	Node string `json:"node"`
	HTTP string `json:"http,omitempty"` // host:port; empty: not known
	Live bool   `json:"live"`
}

// Plan returns the plan of a type in the region that answers.
func (c *Client) Plan(ctx context.Context, t string) (p Plan, err error) {
	r := &request{method: http.MethodGet, path: []string{"v1", "plan"}, query: url.Values{"type": {t}}}
	_, _, err = c.into(ctx, r, &p)
	return p, err
}

// Owners returns the members of the ring that owns a resource, nil if nobody does.
func (p *Plan) Owners(id string) []Holder {
	if p.Partitions == 0 {
		return nil
	}
	k := gazetteer.Key{Type: gazetteer.Type(p.Type), ID: gazetteer.ID(id)}
	at := int(gazetteer.PartitionOf(k, p.Partitions).Index)
	if at >= len(p.Placement) || p.Placement[at] < 0 || p.Placement[at] >= len(p.Rings) {
		return nil
	}
	return p.Rings[p.Placement[at]].Members
}

const (
	planAge      = time.Minute // then it is asked for again: new members take their part
	planRest     = time.Second // between two questions for it
	planTypesMax = 1024        // types whose plans are kept
)

// plans are those that a client keeps, by type.
type plans struct {
	scheme string // of the members' faces: that of the first address
	turn   atomic.Uint32

	mu    sync.Mutex // guards following
	kept  map[string]*kept
	doors map[string]*door // of members, by host:port
}

// kept is what a client knows of one type.
type kept struct {
	plan  *Plan     // nil: none
	stale bool      // somebody has seen that it no longer holds
	until time.Time // when it is asked for again
	asked bool      // somebody is asking
}

// read sends a lookup to a replica, or else the normal way.
func (c *Client) read(ctx context.Context, t, id string, r *request, v any) error {
	if c.plans != nil && !r.query.Has("region") {
		if p := c.planOf(ctx, t); p != nil {
			if done, err := c.ask(ctx, p, id, r, v); done {
				return err
			}
		}
	}
	_, _, err := c.into(ctx, r, v)
	return err
}

// ask asks a member of the owning ring. It reports whether that settles it.
func (c *Client) ask(ctx context.Context, p *Plan, id string, r *request, v any) (bool, error) {
	d := c.plans.member(p, id, time.Now())
	if d == nil {
		return false, nil
	}
	direct := *r
	direct.query = url.Values{"direct": {"1"}}
	for name, values := range r.query {
		direct.query[name] = values
	}
	err := c.decode(ctx, d, &direct, v)
	switch {
	case err == nil || isFinal(err):
		d.worked()
		return true, err
	case ctx.Err() != nil:
		return true, err
	}
	d.failed(time.Now())
	c.plans.doubt(p, err)
	return false, nil
}

// decode asks one address once and decodes what it says.
func (c *Client) decode(ctx context.Context, d *door, r *request, v any) error {
	res, err := c.once(ctx, d, r, nextAfter)
	if err != nil {
		return err
	}
	return decoded(ctx, res, v)
}

// isFinal reports whether asking the normal way would give the same answer: a replica that
// owns a resource knows that there is none.
func isFinal(err error) bool {
	var p *Problem
	return errors.As(err, &p) && (p.Code == problem.UnknownResource || p.Code == problem.UnknownType)
}

// member returns where to ask for a resource: the next member that lives, whose address is
// known and that has not failed lately. Nil: nowhere.
func (s *plans) member(p *Plan, id string, now time.Time) *door {
	owners := p.Owners(id)
	from := s.turn.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range owners {
		m := &owners[(int(from)+i)%len(owners)]
		if m.HTTP == "" || !m.Live {
			continue
		}
		if d := s.doorLocked(m.HTTP); !d.rests(now) {
			return d
		}
	}
	return nil
}

func (s *plans) doorLocked(addr string) *door {
	d := s.doors[addr]
	if d == nil {
		d = &door{base: &url.URL{Scheme: s.scheme, Host: addr}}
		s.doors[addr] = d
	}
	return d
}

// doubt notes that a plan did not lead to an answer, unless the member that was asked goes by
// an older one.
func (s *plans) doubt(p *Plan, err error) {
	var said *Problem
	if errors.As(err, &said) && said.Code == problem.Misdirected && said.Plan < p.Epoch {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.kept[p.Type]; k != nil && k.plan == p {
		k.stale = true
	}
}

// planOf returns the plan to go by, nil for none. Where a newer one is due the first caller
// asks for it; until it has come the others go by the old one, if nothing is known against
// that.
func (c *Client) planOf(ctx context.Context, t string) *Plan {
	k, ask := c.plans.take(t, time.Now())
	if !ask {
		return k
	}
	p, err := c.Plan(ctx, t)
	if err != nil {
		return c.plans.give(t, nil)
	}
	p.Type = t
	return c.plans.give(t, &p)
}

// take returns the plan that is kept, and whether the caller is to ask for a newer one.
func (s *plans) take(t string, now time.Time) (p *Plan, ask bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.kept[t]
	if k == nil {
		if len(s.kept) >= planTypesMax {
			return nil, false
		}
		k = new(kept)
		s.kept[t] = k
	}
	due := now.After(k.until) || k.stale && now.After(k.until.Add(planRest-planAge))
	if due && !k.asked {
		k.asked = true
		return nil, true
	}
	if k.stale {
		return nil, false
	}
	return k.plan, false
}

// give takes the answer to a question for a plan; nil: there was none. What was kept goes on
// to serve then, unless it is known not to hold.
func (s *plans) give(t string, p *Plan) *Plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.kept[t]
	k.asked, k.until = false, time.Now().Add(planAge)
	switch {
	case p != nil:
		k.plan, k.stale = p, false
		s.sweepLocked()
	case k.plan == nil || k.stale:
		k.plan, k.stale = nil, true
	}
	if k.stale {
		return nil
	}
	return k.plan
}

// sweepLocked forgets the addresses that no plan names any more.
func (s *plans) sweepLocked() {
	named := map[string]bool{}
	for _, k := range s.kept {
		if k.plan == nil {
			continue
		}
		for i := range k.plan.Rings {
			for _, m := range k.plan.Rings[i].Members {
				named[m.HTTP] = true
			}
		}
	}
	for addr := range s.doors {
		if !named[addr] {
			delete(s.doors, addr)
		}
	}
}
