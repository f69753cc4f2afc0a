package client

import (
	"net/url"
	"sync/atomic"
	"time"
)

// A door is one address at which requests are taken. One that failed is passed over for a
// while, twice as long after each further failure; then requests try it again.
type door struct {
	base     *url.URL
	until    atomic.Int64 // Unix nanoseconds; 0 while all is well
	failures atomic.Int32
}

const (
	restMin = time.Second
	restMax = 16 * time.Second
)

func (d *door) failed(now time.Time) {
	n := d.failures.Add(1)
	d.until.Store(now.Add(min(restMin<<min(n-1, 10), restMax)).UnixNano())
}

func (d *door) worked() {
	if d.until.Load() != 0 {
		d.failures.Store(0)
		d.until.Store(0)
	}
}

func (d *door) rests(now time.Time) bool { return d.until.Load() > now.UnixNano() }

// doors are those of one client, the one to prefer first.
type doors []*door

// next returns the door for one more try: of those that the request has not tried the
// first that does not rest, else the first of them. Once all were tried it begins anew.
func (ds doors) next(tried map[*door]bool, now time.Time) (d *door, again bool) {
	var fallback *door
	for _, d := range ds {
		switch {
		case tried[d]:
		case !d.rests(now):
			return d, false
		case fallback == nil:
			fallback = d
		}
	}
	if fallback != nil {
		return fallback, false
	}
	clear(tried)
	d, _ = ds.next(tried, now)
	return d, true
}
