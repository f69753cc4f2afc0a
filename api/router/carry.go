package router

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// firstPatience is how long the first region may take to begin its answer to a read,
// while there is another one that could be asked.
const firstPatience = 2 * time.Second

// errSlow ends an attempt for that reason.
var errSlow = errors.New("the region does not begin to answer")

// A carrier sends a request to its targets. For the proxy above it is one round trip.
type carrier struct{ r *Router }

// RoundTrip implements http.RoundTripper.
func (c carrier) RoundTrip(q *http.Request) (*http.Response, error) {
	j := q.Context().Value(journeyKey{}).(*journey)
	more := len(j.targets) > 1
	var patience time.Duration
	if more && repeatable(q) && j.body == nil {
		patience = c.r.patience
	}
	res, err := c.attempt(q, j.targets[0], patience)
	if !more || q.Context().Err() != nil || !c.again(q, j, res, err) {
		return res, err
	}
	c.r.count.retries.Add(1)
	j.lost, j.lostAfter = &j.targets[0], time.Since(j.started)
	second, err2 := c.attempt(q, j.targets[1], 0)
	if res != nil && (err2 != nil || failing(second)) {
		if second != nil {
			second.Body.Close()
		}
		j.lost = nil
		return res, nil // it is no worse, and nearer
	}
	if res != nil {
		res.Body.Close()
	}
	return second, err2
}

// again reports whether the next region is to be asked. A request that nobody took is
// sent again, whatever it is: it has cost no server anything. Others only if doing them
// twice is like doing them once, no byte of a body is gone, and the budget allows it.
func (c carrier) again(q *http.Request, j *journey, res *http.Response, err error) bool {
	switch {
	case err == nil && !failing(res):
		return false
	case j.body.begun():
		return false
	case err != nil && isRefused(err):
		return true
	}
	return repeatable(q) && c.r.mayRetry()
}

// failing reports whether another region may do better. What is not supported or does not
// fit here (501, 507) is so everywhere.
func failing(res *http.Response) bool {
	switch res.StatusCode {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// repeatable reports whether doing a request twice is like doing it once (RFC 9110,
// section 9.2.2). A conditional write is not: it could be refused by what it has done
// itself.
func repeatable(q *http.Request) bool {
	switch q.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	case http.MethodPut, http.MethodDelete:
		return q.Header.Get("If-Match") == "" && q.Header.Get("If-None-Match") == ""
	}
	return false
}

// isRefused reports whether nobody was there to take the request.
func isRefused(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial"
}

// attempt sends the request to one target. With patience it gives up if the answer has
// not begun by then.
func (c carrier) attempt(q *http.Request, t target, patience time.Duration) (*http.Response, error) {
	to, err := url.Parse(t.url)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(q.Context())
	if patience > 0 {
		timer := time.AfterFunc(patience, func() { cancel(errSlow) })
		defer timer.Stop()
	}
	one, u := q.WithContext(ctx), *q.URL
	u.Scheme, u.Host = to.Scheme, to.Host
	one.URL = &u
	if j := q.Context().Value(journeyKey{}).(*journey); j.body != nil {
		one.Body = j.body // not the proxy's: that one is closed with the first attempt
	}
	res, err := c.r.transport.RoundTrip(one)
	if err != nil {
		if isRefused(err) && q.Context().Err() == nil {
			c.r.refused(t.url)
		}
		if context.Cause(ctx) == errSlow {
			err = errSlow
		}
		cancel(nil)
		return nil, err
	}
	res.Body = &releasedBody{res.Body, cancel}
	return res, nil
}

// releasedBody ends its request's context when it is closed.
type releasedBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *releasedBody) Close() error {
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}

// patientWriter gives a client time for each part of the answer, not for the whole.
type patientWriter struct {
	http.ResponseWriter
	conn *http.ResponseController
	idle time.Duration
}

// Unwrap is for http.ResponseController.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *patientWriter) WriteHeader(status int) {
	w.extend()
	w.ResponseWriter.WriteHeader(status)
}

func (w *patientWriter) Write(p []byte) (int, error) {
	w.extend()
	return w.ResponseWriter.Write(p)
}

func (w *patientWriter) extend() {
	_ = w.conn.SetWriteDeadline(time.Now().Add(w.idle)) // without deadlines it lasts as long as it lasts
}
