package planet

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"gazetteer"
)

// On a planet of more than ten regions pings are too slow to tell in time that a region is
// gone. There each region watches a few others at the full pace. Who hears nothing of one
// that it watches tells all others its doubt; a doubt is no more than a reason to ping that
// region at once, and what does not answer that is silent. So nobody is taken for silent by
// hearsay, and what a region sends in a second does not grow with the planet.
const (
	// watchedNext is how many regions are watched because they follow by name: so each
	// region has as many watchers, wherever it is. watchedNear is how many of the nearest
	// are watched, to which most clients would be sent.
	watchedNext = 3
	watchedNear = 3
	// doubtAfter is how long a region that is watched may say nothing: a pace, and what a
	// ping may take more than the one before. doubtTick is how often that is looked at.
	doubtAfter = pingEvery + 300*time.Millisecond
	doubtTick  = 100 * time.Millisecond
	// doubtLeast and doubtBeyond bound how long a region that is doubted may take to
	// answer: the least in all, and beyond its round trip.
	doubtLeast  = 800 * time.Millisecond
	doubtBeyond = 500 * time.Millisecond
	// checkedMost is how many servers of a region that is doubted are pinged at a time.
	checkedMost = 4
)

// watch pings the regions that this one watches, and tells of those that say nothing.
func (p *Planet) watch() {
	tick := time.NewTicker(doubtTick)
	defer tick.Stop()
	var asked time.Time
	for {
		if now := time.Now(); p.pingPace() > pingEvery {
			if now.Sub(asked) >= pingEvery {
				asked = now
				p.askWatched()
			}
			p.tellDoubts(p.rtts.unheard(now))
		}
		select {
		case <-tick.C:
		case <-p.ctx.Done():
			return
		}
	}
}

// askWatched sends one ping to each region that is watched.
func (p *Planet) askWatched() {
	watched := watchedBy(p.self, p.plan().PeerNames(), p.rtts.nearest(watchedNear))
	p.rtts.watch(watched, time.Now())
	for _, name := range watched {
		turn := p.rtts.turn(name)
		e, err := p.entry(name, turn)
		if err != nil {
			continue
		}
		p.threads.Go(func() {
			if !p.touch(name, e.Node) {
				p.rtts.failed(name, turn)
			}
		})
	}
}

// watchedBy returns the regions that self watches, each once.
func watchedBy(self gazetteer.RegionID, others, near []gazetteer.RegionID) []gazetteer.RegionID {
	ring := append(slices.Clone(others), self)
	slices.Sort(ring)
	at := slices.Index(ring, self)
	var out []gazetteer.RegionID
	for i := 1; i <= watchedNext && i < len(ring); i++ {
		out = append(out, ring[(at+i)%len(ring)])
	}
	for _, name := range near {
		if slices.Contains(others, name) && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// touch sends one ping, and notes its answer.
func (p *Planet) touch(name gazetteer.RegionID, n gazetteer.NodeID) bool {
	ctx, cancel := context.WithTimeout(p.ctx, pingTimeout)
	defer cancel()
	_, err := p.Network.PingNode(ctx, n)
	if err == nil {
		p.rtts.hear(name)
	}
	return err == nil
}

// doubtRequest tells servers of other regions whom the sender does not hear any more.
type doubtRequest struct {
	Regions []gazetteer.RegionID `json:"regions"`
}

type doubtReply struct{}

// tellDoubts doubts regions, and has all servers of the others doubt them. One that does
// not take it finds out by its own pings.
func (p *Planet) tellDoubts(doubted []gazetteer.RegionID) {
	if len(doubted) == 0 {
		return
	}
	p.threads.Go(func() { p.check(doubted) })
	others, now, pace := p.others(), time.Now(), p.pingPace()
	for i := range others {
		r := &others[i]
		if p.rtts.quiet(r.Name, now, pace, len(r.Entries)) || slices.Contains(doubted, r.Name) {
			continue
		}
		for _, e := range r.Entries {
			p.threads.Go(func() { p.tellDoubt(e.Node, doubted) })
		}
	}
}

func (p *Planet) tellDoubt(n gazetteer.NodeID, doubted []gazetteer.RegionID) {
	ctx, cancel := context.WithTimeout(p.ctx, pingTimeout)
	defer cancel()
	_ = ask(ctx, p.toNode(n), "doubt", doubtRequest{doubted}, &doubtReply{})
}

// doubt takes the doubts of another region. It answers when they are settled.
func (p *Planet) doubt(_ context.Context, q doubtRequest) (doubtReply, error) {
	p.check(p.rtts.doubt(q.Regions, time.Now()))
	return doubtReply{}, nil
}

// check pings the servers of regions that are doubted: one answer ends the doubt.
func (p *Planet) check(doubted []gazetteer.RegionID) {
	var pings sync.WaitGroup
	for _, name := range doubted {
		if r := find(p.others(), name); r != nil {
			for _, e := range r.Entries[:min(len(r.Entries), checkedMost)] {
				pings.Go(func() { p.touch(name, e.Node) })
			}
		}
	}
	pings.Wait()
}

// nearest returns the regions of the shortest round trips.
func (r *rtts) nearest(most int) []gazetteer.RegionID {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []gazetteer.RegionID
	for name, k := range r.all {
		if !k.heard.IsZero() {
			all = append(all, name)
		}
	}
	slices.SortFunc(all, func(a, b gazetteer.RegionID) int {
		return cmp.Or(cmp.Compare(r.all[a].smoothed, r.all[b].smoothed), cmp.Compare(a, b))
	})
	return all[:min(len(all), most)]
}

// watch says which regions are watched from now on. Their silence counts from then.
func (r *rtts) watch(watched []gazetteer.RegionID, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, k := range r.all {
		switch {
		case !slices.Contains(watched, name):
			k.watched = time.Time{}
		case k.watched.IsZero():
			k.watched = now
		}
	}
}

// unheard begins to doubt the watched regions that say nothing, and returns them.
func (r *rtts) unheard(now time.Time) (out []gazetteer.RegionID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, k := range r.all {
		if !k.watched.IsZero() && now.Sub(k.watched) >= doubtAfter && now.Sub(k.heard) >= doubtAfter && k.begin(now) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// doubt begins to doubt regions, and returns those that were not doubted before.
func (r *rtts) doubt(names []gazetteer.RegionID, now time.Time) (out []gazetteer.RegionID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		if k := r.all[name]; k != nil && k.begin(now) {
			out = append(out, name)
		}
	}
	return out
}

// begin begins a doubt, if there is somebody to doubt and no doubt yet.
func (k *rtt) begin(now time.Time) bool {
	if k.heard.IsZero() || !k.doubted.IsZero() {
		return false
	}
	k.doubted = now
	return true
}

// settled reports whether a region that is doubted has had the time to answer.
func (k *rtt) settled(now time.Time) bool {
	return !k.doubted.IsZero() && now.Sub(k.doubted) >= max(doubtLeast, k.smoothed+doubtBeyond)
}

// say notes a word of the region.
func (k *rtt) say(now time.Time) { k.heard, k.doubted, k.failed = now, time.Time{}, 0 }

// failed has the next server of a region asked, unless that is so already.
func (r *rtts) failed(name gazetteer.RegionID, turn int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.all[name]; k != nil && k.turn == turn {
		k.turn++
	}
}
