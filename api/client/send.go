package client

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"gazetteer"
)

// send sends a request, and again if that is safe and may help: at the next address, or
// after a pause where all were tried. It returns the response of a success; the caller
// closes its body.
func (c *Client) send(ctx context.Context, r *request) (*http.Response, error) {
	c.budget.earn()
	tried := map[*door]bool{}
	d, _ := c.doors.next(tried, time.Now())
	for try := 0; ; try++ {
		res, err := c.once(ctx, d, r, c.patienceFor(r, try))
		if err == nil {
			d.worked()
			return res, nil
		}
		c.learn(ctx, d, err)
		if try >= c.retries || ctx.Err() != nil || !c.again(r, err) {
			return nil, err
		}
		tried[d] = true
		next, all := c.doors.next(tried, time.Now())
		// Who goes on to another address because nobody was there adds no load to anyone.
		free := !all && neverTaken(err)
		if !free && !c.budget.spend() || all && pause(ctx, try) != nil {
			return nil, err
		}
		d = next
	}
}

// learn passes an address over for a while if nobody answers there.
func (c *Client) learn(ctx context.Context, d *door, err error) {
	if ctx.Err() == nil && (isLost(err) || errors.Is(err, errSlow)) {
		d.failed(time.Now())
	}
}

// again reports whether a failed request may be sent once more: if nobody was there to
// take it, or if doing it twice is like doing it once and it may end better. What an
// answer says is final where there is nobody else to ask.
func (c *Client) again(r *request, err error) bool {
	if neverTaken(err) {
		return true
	}
	if !r.repeatable() {
		return false
	}
	return isLost(err) || len(c.doors) > 1 && (errors.Is(err, errSlow) || elsewhere(err))
}

// repeatable reports whether doing a request twice is like doing it once. Of the methods
// here all but POST and PATCH are so (RFC 9110, section 9.2.2), unless they are
// conditional: then the second would be refused for what the first has done.
func (r *request) repeatable() bool {
	conditional := r.header.Get("If-Match") != "" || r.header.Get("If-None-Match") != ""
	return r.method != http.MethodPost && r.method != http.MethodPatch && !conditional
}

// neverTaken reports whether nobody was there to take a request.
func neverTaken(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial"
}

// isLost reports whether the connection failed.
func isLost(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// elsewhere reports whether another region may do better than the one that answered so.
func elsewhere(err error) bool {
	var p *Problem
	if errors.As(err, &p) && p.Status == http.StatusTooManyRequests {
		return false // they would have to say the same
	}
	switch gazetteer.KindOf(err) {
	case gazetteer.Unavailable, gazetteer.Unserved, gazetteer.WrongOwner, gazetteer.Deadline, gazetteer.Internal, gazetteer.Behind:
		return true
	}
	return false
}

// nextAfter is how long an address may take to begin its answer to a read while there is
// another one: the longest way around the earth takes a sixth of it.
const nextAfter = 2 * time.Second

// patienceFor returns how long one try may take to be answered; 0: as long as it takes.
func (c *Client) patienceFor(r *request, try int) time.Duration {
	read := r.method == http.MethodGet || r.method == http.MethodHead
	if !read || try >= min(c.retries, len(c.doors)-1) {
		return 0
	}
	return nextAfter
}

// errSlow ends a try for that reason.
var errSlow = errors.New("the server does not begin to answer")

// within sends a request that is given up if its answer has not begun in time.
func (c *Client) within(q *http.Request, patience time.Duration) (*http.Response, error) {
	if patience == 0 {
		return c.http.Do(q)
	}
	ctx, cancel := context.WithCancelCause(q.Context())
	timer := time.AfterFunc(patience, func() { cancel(errSlow) })
	defer timer.Stop()
	res, err := c.http.Do(q.WithContext(ctx))
	if err != nil {
		if context.Cause(ctx) == errSlow {
			err = errSlow
		}
		cancel(nil)
		return nil, err
	}
	res.Body = &released{res.Body, cancel}
	return res, nil
}

// released ends its request's context when it is closed.
type released struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *released) Close() error {
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
