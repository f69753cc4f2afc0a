package planet

import (
	"context"
	"sync"
	"time"
)

// lead makes this process do the leader's chores whenever it leads the region's group.
func (p *Planet) lead() {
	for {
		leader, changed := p.Group.Leader()
		if leader.Self {
			p.leadUntil(changed)
		}
		select {
		case <-changed:
		case <-p.ctx.Done():
			return
		}
	}
}

// leadAgain is how long a leader rests whose chores have failed.
const leadAgain = time.Second

// leadUntil does the chores until another process leads.
func (p *Planet) leadUntil(changed <-chan struct{}) {
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	go func() {
		select {
		case <-changed:
			cancel()
		case <-ctx.Done():
		}
	}()
	for ctx.Err() == nil {
		if err := p.Group.Barrier(ctx); err == nil {
			p.chores(ctx)
		}
		select {
		case <-time.After(leadAgain):
		case <-ctx.Done():
		}
	}
}

func (p *Planet) chores(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	p.join(ctx) // before all else: the voice begins with the contact, and what the directory names is joined
	all.Go(func() { p.keep(ctx) })
	all.Go(func() { p.stayInTouch(ctx) })
	if err := p.speak(ctx); err != nil && ctx.Err() == nil {
		p.Logger.Warn("the region's voice begins anew", "error", err)
	}
	cancel()
}
