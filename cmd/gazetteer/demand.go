package main

import (
	"context"
	"encoding/json"
	"net/url"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/api/client"
)

// counts are what one regional server has been asked since it started.
type counts struct {
	Node          string
	UptimeSeconds float64 `json:"uptime_seconds"`
	Demand        []typeDemand
}

// typeDemand is a count, or a rate a second.
type typeDemand struct {
	Type          string
	Reads, Writes float64
}

func countsOf(ctx context.Context, k *client.Client) (c counts, err error) {
	text, err := k.Status(ctx)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, &gazetteer.Error{Op: "gazetteer.counts", Kind: gazetteer.Unavailable, Err: err, Detail: "the answer is not understood"}
	}
	return c, nil
}

// since returns what a server was asked a second between two looks at its counts, by its own
// clock. One that has started anew in between began to count then.
func (c *counts) since(before *counts) map[string]typeDemand {
	from, old := before.UptimeSeconds, map[string]typeDemand{}
	if c.UptimeSeconds < from {
		from = 0
	} else {
		for _, d := range before.Demand {
			old[d.Type] = d
		}
	}
	took := max(c.UptimeSeconds-from, time.Millisecond.Seconds())
	out := map[string]typeDemand{}
	for _, d := range c.Demand {
		was := old[d.Type]
		out[d.Type] = typeDemand{d.Type, (d.Reads - was.Reads) / took, (d.Writes - was.Writes) / took}
	}
	return out
}

// observed is what all regional servers of a region were asked a second for a while.
type observed struct {
	took      time.Duration
	servers   []string              // that were looked at
	unreached []string              // that did not answer
	demand    map[string]typeDemand // by type
}

// entry is a regional server to look at.
type entry struct {
	node          string
	client        *client.Client
	before, after counts
	err           error
}

// sampleDemand looks twice at the server asked, and at all others that have a REST face.
func (a *app) sampleDemand(ctx context.Context, members []client.Member, while time.Duration) (observed, error) {
	entries, err := a.entries(ctx, members)
	if err != nil {
		return observed{}, err
	}
	a.look(ctx, entries, func(e *entry) *counts { return &e.before })
	select {
	case <-time.After(while):
	case <-ctx.Done():
		return observed{}, ctx.Err()
	}
	a.look(ctx, entries, func(e *entry) *counts { return &e.after })
	return united(entries, while), nil
}

// entries returns the server asked first, without which there is nothing to say.
func (a *app) entries(ctx context.Context, members []client.Member) ([]*entry, error) {
	asked := new(entry)
	err := a.ask(ctx, nil, func(ctx context.Context, k *client.Client) error {
		c, err := countsOf(ctx, k)
		asked.node, asked.client = c.Node, k
		return err
	})
	if err != nil {
		return nil, err
	}
	entries := []*entry{asked}
	for _, m := range members {
		if m.HTTP == "" || m.Node == asked.node || m.State == "leaving" {
			continue
		}
		k, err := client.New(client.Config{Addr: a.scheme() + "://" + m.HTTP})
		entries = append(entries, &entry{node: m.Node, client: k, err: err})
	}
	return entries, nil
}

// scheme is how the server asked is reached; the others are reached likewise.
func (a *app) scheme() string {
	if u, err := url.Parse(a.addr); err == nil && u.Scheme != "" {
		return u.Scheme
	}
	return "http"
}

// look reads the counts of all servers at once.
func (a *app) look(ctx context.Context, entries []*entry, to func(*entry) *counts) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	var all sync.WaitGroup
	for _, e := range entries {
		if e.err == nil {
			all.Go(func() { *to(e), e.err = countsOf(ctx, e.client) })
		}
	}
	all.Wait()
}

// united adds up what the servers were asked.
func united(entries []*entry, took time.Duration) observed {
	s := observed{took: took, demand: map[string]typeDemand{}}
	for _, e := range entries {
		if e.err != nil {
			s.unreached = append(s.unreached, e.node)
			continue
		}
		s.servers = append(s.servers, e.node)
		for t, d := range e.after.since(&e.before) {
			sum := s.demand[t]
			s.demand[t] = typeDemand{t, sum.Reads + d.Reads, sum.Writes + d.Writes}
		}
	}
	return s
}
