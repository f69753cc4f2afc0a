package drive

import (
	"context"
	"net/http"
	"sync/atomic"
)

// sessionHeader carries what a session has seen, in requests and answers.
const sessionHeader = "Gazetteer-Session"

// session is what one client has seen, as the servers put it. A client does one thing at
// a time.
type session struct {
	token string
	fresh bool // the last answer brought a token
}

type sessionKey struct{}

func (s *session) within(ctx context.Context) context.Context {
	s.fresh = false
	return context.WithValue(ctx, sessionKey{}, s)
}

// carrier sends the token of a request's session and keeps that of the answer. It counts
// requests: a watch that connects again is told by it.
type carrier struct {
	base     http.RoundTripper
	requests atomic.Int64
}

func (c *carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	s, _ := r.Context().Value(sessionKey{}).(*session)
	if s == nil {
		return c.base.RoundTrip(r)
	}
	if s.token != "" {
		r = r.Clone(r.Context())
		r.Header.Set(sessionHeader, s.token)
	}
	res, err := c.base.RoundTrip(r)
	if err == nil {
		if t := res.Header.Get(sessionHeader); t != "" {
			s.token, s.fresh = t, true
		}
	}
	return res, err
}
