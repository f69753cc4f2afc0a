package peer

import "sync"

// maxAddrs bounds the addresses that are remembered, with a connection or without. The
// one that was not asked for longest makes room.
const maxAddrs = 256

// addrPools are the pools of those who are asked by address alone.
type addrPools struct {
	mu    sync.Mutex // guards all below
	pools map[string]*addrPool
	asked uint64 // how often a pool was asked for
}

type addrPool struct {
	*pool
	last uint64 // addrPools.asked when it was asked for last
}

// pool returns the pool of an address. One connection is enough: it is asked seldom.
func (a *addrPools) pool(t *Transport, addr string) *pool {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.pools[addr]
	if p == nil {
		if len(a.pools) >= maxAddrs {
			a.forgetLocked()
		}
		p = &addrPool{pool: newPool(t, target{addr: addr}, 1, addrIdle)}
		a.pools[addr] = p
	}
	a.asked++
	p.last = a.asked
	return p.pool
}

// forgetLocked drops the pool that was not asked for longest. Its connection ends when
// nobody waits for a reply on it.
func (a *addrPools) forgetLocked() {
	var oldest string
	for addr, p := range a.pools {
		if o := a.pools[oldest]; o == nil || p.last < o.last {
			oldest = addr
		}
	}
	a.pools[oldest].retire()
	delete(a.pools, oldest)
}

// retire has all connections made anew when they are next needed.
func (a *addrPools) retire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.pools {
		p.retire()
	}
}
