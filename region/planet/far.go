package planet

import (
	"context"
	"maps"
	"slices"
	"sync"

	"gazetteer"
)

// far is what the branches of this region in the tree have said about their relays.
type far struct {
	mu       sync.Mutex // guards all below
	news     chan struct{}
	watchers map[gazetteer.RegionID]*watcher
	said     map[gazetteer.RegionID]map[gazetteer.Type]*relays
	addrs    map[gazetteer.NodeID]string
}

// watcher asks one region for its relays until it is stopped.
type watcher struct {
	stop  context.CancelFunc
	types []gazetteer.Type
}

func (f *far) init() {
	f.news = make(chan struct{})
	f.watchers = map[gazetteer.RegionID]*watcher{}
	f.said = map[gazetteer.RegionID]map[gazetteer.Type]*relays{}
	f.addrs = map[gazetteer.NodeID]string{}
}

// changed returns a channel that is closed when a region says something new.
func (f *far) changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.news
}

// relays returns what a region said about a type, nil if nothing yet.
func (f *far) relays(r gazetteer.RegionID, t gazetteer.Type) *relays {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.said[r][t]
}

func (f *far) address(n gazetteer.NodeID) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.addrs[n]
}

// watch makes the regions that are asked those named, about these types. What others
// said is forgotten: when they come back, their relays may be others.
func (f *far) watch(p *Planet, branches []gazetteer.RegionID, types []gazetteer.Type) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for r, w := range f.watchers {
		if !slices.Contains(branches, r) || !slices.Equal(w.types, types) {
			w.stop()
			delete(f.watchers, r)
		}
		if !slices.Contains(branches, r) {
			delete(f.said, r)
		}
	}
	for _, r := range branches {
		if f.watchers[r] != nil || len(types) == 0 || p.ctx.Err() != nil {
			continue
		}
		ctx, stop := context.WithCancel(p.ctx)
		f.watchers[r] = &watcher{stop, slices.Clone(types)}
		p.threads.Go(func() { p.askWhere(ctx, r, types) })
	}
}

// hear keeps what a region said, and tells whoever waits if it is new.
func (f *far) hear(r gazetteer.RegionID, said map[gazetteer.Type]*relays) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if maps.EqualFunc(f.said[r], said, (*relays).equal) {
		return
	}
	f.said[r] = said
	for _, s := range said {
		for _, n := range s.Nodes {
			f.addrs[n.Node] = n.Addr
		}
	}
	close(f.news)
	f.news = make(chan struct{})
}

func (r *relays) equal(o *relays) bool {
	return slices.Equal(r.Nodes, o.Nodes) && slices.Equal(r.Of, o.Of)
}
