package control

import (
	"context"
	"sync"
	"sync/atomic"
)

// View is the plan as one process knows it. It only ever goes forward: a plan that is
// older, or another region's, does not take the place of the one in use, whoever offers
// it and however late (the cause of the AWS outage of 2025-10-19).
type View struct {
	plan atomic.Pointer[Plan]

	mu      sync.Mutex // guards following, and that plan only goes forward
	changed chan struct{}
}

// Plan returns the newest plan known, nil before the first.
func (v *View) Plan() *Plan { return v.plan.Load() }

// Changed returns a channel that is closed when the plan changes after the call. Ask for
// it first and read the plan then, so no change is missed.
func (v *View) Changed() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.changed == nil {
		v.changed = make(chan struct{})
	}
	return v.changed
}

// Wait returns the plan once its epoch is at least this.
func (v *View) Wait(ctx context.Context, epoch uint64) (*Plan, error) {
	for {
		changed := v.Changed()
		if p := v.Plan(); p != nil && p.epoch >= epoch {
			return p, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, waitError(ctx, "plan %d has not arrived", epoch)
		}
	}
}

// offer takes a plan if it is newer than the one in use.
func (v *View) offer(p *Plan) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !p.follows(v.plan.Load()) {
		return false
	}
	v.plan.Store(p)
	if v.changed != nil {
		close(v.changed)
		v.changed = nil
	}
	return true
}

// follows reports whether a plan may take the place of another.
func (p *Plan) follows(old *Plan) bool {
	return old == nil || p.epoch > old.epoch && p.region == old.region && p.partitions == old.partitions
}
