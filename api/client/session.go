package client

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// sessionHeader is how a server tells what a session has been shown.
const sessionHeader = "Gazetteer-Session"

// sessionCalls is how many calls of one session are under way at once; one more waits.
// Servers take as many tokens in one request.
const sessionCalls = 8

// Session is what a client has been shown and has written. A call in it is shown no less,
// whichever server or region answers: it waits, or is answered elsewhere, or fails with
// kind Behind. A Session is safe for concurrent use; calls that are under way at once know
// nothing of each other.
type Session struct {
	calls chan struct{} // one token for each call under way

	mu     sync.Mutex // guards following
	tokens []string   // what they say together counts
}

// NewSession returns a session that goes on where another one was, by its Token; "" begins.
func NewSession(token string) *Session {
	return &Session{calls: make(chan struct{}, sessionCalls), tokens: strings.Fields(token)}
}

// Token returns the session as text, to go on with it in another process.
func (s *Session) Token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.tokens, " ")
}

// In returns a client whose calls are of a session. Streams take no part: import, export
// and watches.
func (c *Client) In(s *Session) *Client {
	in := *c
	in.session = s
	return &in
}

// enter waits for a place among the session's calls and returns what this one carries.
func (s *Session) enter(ctx context.Context) ([]string, error) {
	select {
	case s.calls <- struct{}{}:
	case <-ctx.Done():
		return nil, unreached(ctx, ctx.Err())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tokens), nil
}

// leave takes what the answer says in place of what the call carried: it holds all of it.
func (s *Session) leave(carried []string, res *http.Response) {
	if res != nil {
		if token := res.Header.Get(sessionHeader); token != "" {
			s.learn(carried, token)
		}
	}
	<-s.calls
}

func (s *Session) learn(carried []string, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = slices.DeleteFunc(s.tokens, func(t string) bool { return slices.Contains(carried, t) })
	s.tokens = append(s.tokens, token)
}

// inSession sends a request of a session.
func (c *Client) inSession(q *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	if c.session == nil {
		return send()
	}
	carried, err := c.session.enter(q.Context())
	if err != nil {
		return nil, err
	}
	if len(carried) > 0 {
		q.Header[sessionHeader] = carried
	}
	res, err := send()
	c.session.leave(carried, res)
	return res, err
}
