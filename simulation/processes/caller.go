package processes

import (
	"errors"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"gazetteer"
)

const (
	// faceWithin is how long a client waits for one face before it asks the next.
	faceWithin = 2 * time.Second
	// askWithin is how long a request may take over all faces.
	askWithin = 10 * time.Second
	// shunFor is how long a client asks others first after a face has failed it.
	shunFor = time.Second
)

// doors are the faces that the clients of a region know, nearest first.
type doors struct {
	dial  dialer
	faces []door
	near  int // the first so many are of the region itself
	turn  atomic.Uint32
}

type door struct {
	*face
	shunned *atomic.Int64 // until then, in Unix nanoseconds
}

func (r *run) doorsOf(region gazetteer.RegionID) *doors {
	return newDoors(region, r.ways.dialer(region), r.faces(), r.between)
}

// newDoors orders faces for the clients of a region.
func newDoors(region gazetteer.RegionID, dial dialer, faces []*face, between func(a, b gazetteer.RegionID) time.Duration) *doors {
	d := &doors{dial: dial}
	slices.SortStableFunc(faces, func(a, b *face) int { return int(between(region, a.region) - between(region, b.region)) })
	for _, f := range faces {
		d.faces = append(d.faces, door{f, new(atomic.Int64)})
		if f.region == region {
			d.near++
		}
	}
	return d
}

// order appends the faces as a request tries them: those of the region in turns, then the
// others, and last those that have just failed.
func (d *doors) order(dst []door) []door {
	from := len(dst)
	if d.near > 0 {
		k := int(d.turn.Add(1)) % d.near
		dst = append(append(dst, d.faces[k:d.near]...), d.faces[:k]...)
	}
	dst = append(dst, d.faces[d.near:]...)
	now := time.Now().UnixNano()
	slices.SortStableFunc(dst[from:], func(a, b door) int { return b2i(a.shunned.Load() > now) - b2i(b.shunned.Load() > now) })
	return dst
}

// nearest returns a face of the region itself, nil if it has none.
func (d *doors) nearest() *face {
	if d.near == 0 {
		return nil
	}
	return d.faces[int(d.turn.Add(1))%d.near].face
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// caller is a client that has one request under way.
type caller struct {
	doors *doors
	conns map[*face]*conn
	tries []door
	sent  int // how often the request was sent
}

func newCaller(d *doors) *caller { return &caller{doors: d, conns: map[*face]*conn{}} }

// answer is what came of a request.
type answer struct {
	status int
	body   []byte // good until the next request
	at     *face
	sent   int // how often it was sent, all faces together
}

// ask asks one face after the other until one answers that it is not to be asked again.
func (c *caller) ask(request []byte, r route) (a answer, err error) {
	end := time.Now().Add(askWithin)
	c.sent = 0
	for {
		c.tries = c.doors.order(c.tries[:0])
		for _, d := range c.tries {
			a.at = d.face
			a.status, a.body, err = c.at(d.face, request, r, sooner(time.Now().Add(faceWithin), end))
			a.sent = c.sent
			if err == nil && a.status < 500 && a.status != 429 {
				return a, nil
			}
			d.shunned.Store(time.Now().Add(shunFor).UnixNano())
			if !time.Now().Before(end) {
				return a, err
			}
		}
		time.Sleep(retryAfter)
	}
}

// retryAfter is how long a client waits that no face has answered.
const retryAfter = 100 * time.Millisecond

func sooner(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// at asks one face. A connection that its server has closed while it was idle says nothing
// about the server.
func (c *caller) at(f *face, request []byte, r route, until time.Time) (status int, body []byte, err error) {
	k := c.conns[f]
	idle := k != nil
	if k == nil {
		if k, err = open(c.doors.dial, f, until); err != nil {
			return 0, nil, err
		}
		c.conns[f] = k
	}
	c.sent++
	status, body, err = k.exchange(request, r, until)
	if err != nil || k.last {
		k.net.Close()
		delete(c.conns, f)
	}
	if err != nil && idle && !isLate(err) {
		return c.at(f, request, r, until)
	}
	return status, body, err
}

func isLate(err error) bool {
	var ne net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &ne) && ne.Timeout() || gazetteer.KindOf(err) == gazetteer.Deadline
}

func (c *caller) close() {
	for _, k := range c.conns {
		k.net.Close()
	}
}

// failureOf names how a request ended that has no good answer.
func failureOf(a answer, err error) string {
	switch {
	case err != nil && isLate(err):
		return "deadline"
	case err != nil:
		return "unreachable"
	case a.status >= 500 || a.status == 429:
		return "unavailable"
	}
	return "refused"
}
