package agent

import (
	"context"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// perform does what the core asks for, in the order that [ring.Ready] prescribes.
func (a *agent) perform(ctx context.Context, r ring.Ready) error {
	if !r.SaveFirst {
		a.send(r.Send)
	}
	if !r.Save.Empty() {
		if err := a.save(ctx, &r.Save); err != nil {
			return err
		}
		a.observe(&r.Save)
		a.committed(&r.Save)
	}
	if ctx.Err() != nil {
		return nil // it may not be saved: nothing that speaks of it may go out
	}
	if r.SaveFirst {
		a.send(r.Send)
	}
	a.send(r.After)
	a.cancelScans(r.Close)
	a.openScans(r.Scans)
	a.readOn(r.More)
	a.take(&r)
	a.showHoldings(!r.Save.Empty())
	a.answer(r.Outcomes)
	a.answer(a.refused)
	a.refused = a.refused[:0]
	return nil
}

func (a *agent) answer(outcomes []ring.Outcome) {
	for _, o := range outcomes {
		a.settle(o)
	}
}

func (a *agent) send(es []ring.Envelope) {
	for _, e := range es {
		a.links.Send(e.To, hop(e.Message, a.clock.Now().Mono-a.now.Mono))
	}
}

// save commits. While the disk is full it tries again: the store has then done nothing
// of the save, the core cannot go back behind it, and reads need the process alive.
// Whoever waits for a write of this batch learns at its deadline that it is not known
// what will become of it.
func (a *agent) save(ctx context.Context, s *ring.Save) error {
	for {
		err := a.store.Save(s)
		if err == nil {
			a.stalled.Store(nil)
			return nil
		}
		if gazetteer.KindOf(err) != gazetteer.Full {
			return storeFailed("saving", err)
		}
		a.stalled.Store(&gazetteer.Error{Op: "agent.Save", Kind: gazetteer.Full, Err: err,
			Detail: "the disk is full; reads go on, writes wait for room"})
		a.begin()
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(probeEvery):
		}
	}
}

// take keeps what the core says about itself, and shows it to readers.
func (a *agent) take(r *ring.Ready) {
	if r.Serving != nil {
		a.serving = r.Serving
	}
	if r.Peers != nil {
		a.want(r.Peers)
	}
	if r.Serving != nil || r.Peers != nil {
		a.publish()
	}
	counters := a.core.Counters()
	a.counters.Store(&counters)
	a.showLeases()
	if a.now.Mono-a.agedAt >= tickEvery {
		a.agedAt = a.now.Mono
		for _, g := range a.ages {
			g.set(a)
		}
	}
}

// want keeps links to these nodes from now on.
func (a *agent) want(nodes []gazetteer.NodeID) {
	old := a.wanted
	a.wanted = nodes
	a.links.Want(nodes)
	for _, n := range nodes {
		if a.alive[n] && !slices.Contains(old, n) {
			a.tellAlive(n, true) // the other end has wanted the link before
		}
	}
	for _, n := range old {
		if a.group != nil && !slices.Contains(nodes, n) {
			a.group.ReportUnseen(n)
		}
	}
}
