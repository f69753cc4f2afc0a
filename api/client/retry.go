package client

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// A budget bounds retries by the number of requests: each earns a tenth of one, up to so
// many. When a server is down, its clients then send a tenth more than before instead of
// several times as much.
type budget struct {
	mu     sync.Mutex // guards following
	tokens float64
	most   float64
}

const (
	budgetMax  = 10  // kept with one address
	budgetMany = 100 // kept with more: what is under way when one dies goes elsewhere at once
	perRequest = 0.1
	firstPause = 50 * time.Millisecond
)

func budgetOf(doors int) int {
	if doors > 1 {
		return budgetMany
	}
	return budgetMax
}

// fill sets how many retries are kept for when they are needed, and gives them all.
func (b *budget) fill(most int) { b.tokens, b.most = float64(most), float64(most) }

func (b *budget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = min(b.tokens+perRequest, b.most)
}

func (b *budget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// pause waits before a further try, each time four times as long and jittered, so that
// clients that failed together do not come back together.
func pause(ctx context.Context, try int) error {
	d := firstPause << (2 * try)
	t := time.NewTimer(d/2 + rand.N(d))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
