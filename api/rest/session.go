package rest

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/ring"
)

// sessionHeader carries what a session has been shown: a client sends what the last answer
// gave him, and is never shown less, whoever answers.
const sessionHeader = "Gazetteer-Session"

// A session's text is opaque to clients. Its bytes are
//
//	format (1) | planet (8) | ring.AppendToken | hash of all before (8)
//
// The hash finds what was cut or changed. It is no signature: a token that was made up can
// only make its own read wait.
const (
	sessionFormat = 1
	sessionHead   = 1 + 8
	sessionSum    = 8
	// sessionMax bounds the bytes: no token of 64 entries is longer.
	sessionMax = sessionHead + 1 + 8 + 2 + ring.TokenEntries*(8+2+16+binary.MaxVarintLen64+8) + sessionSum
)

// planetary is a regional server that tells its planet from others.
type planetary interface{ Planet() uint64 }

func (h *Handler) planetSum() uint64 {
	if p, ok := h.regional.(planetary); ok {
		return p.Planet()
	}
	return 0
}

func encodeSession(planet uint64, t ring.Token) string {
	b := make([]byte, 0, 256)
	b = binary.BigEndian.AppendUint64(append(b, sessionFormat), planet)
	b = ring.AppendToken(b, t)
	b = binary.BigEndian.AppendUint64(b, gazetteer.HashBytes(b))
	return base64.RawURLEncoding.EncodeToString(b)
}

func decodeSession(planet uint64, text string) (ring.Token, error) {
	if len(text) > base64.RawURLEncoding.EncodedLen(sessionMax) {
		return ring.Token{}, badSession("is too long to be a token")
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < sessionHead+sessionSum {
		return ring.Token{}, badSession("is cut, or no token")
	}
	if b[0] != sessionFormat {
		return ring.Token{}, badSession("has format %d, and %d is known here", b[0], sessionFormat)
	}
	body, sum := b[:len(b)-sessionSum], binary.BigEndian.Uint64(b[len(b)-sessionSum:])
	if sum != gazetteer.HashBytes(body) {
		return ring.Token{}, badSession("is cut or changed")
	}
	if binary.BigEndian.Uint64(body[1:]) != planet {
		return ring.Token{}, badSession("is of another planet")
	}
	t, err := ring.DecodeToken(body[sessionHead:])
	if err != nil {
		return ring.Token{}, badSession("%s", reason(err))
	}
	return t, nil
}

func badSession(format string, args ...any) error {
	return coded(problem.InvalidSession, gazetteer.Invalid, sessionHeader, format+"; leave the header out to begin a session", args...)
}

// sessionsMax bounds the tokens of one request: those of calls that were under way at once
// know nothing of each other, and count together.
const sessionsMax = 8

// sessionIn reads the session that a request carries; none begins with the answer.
func (h *Handler) sessionIn(r *http.Request) (t ring.Token, err error) {
	lines := r.Header[sessionHeader]
	if len(lines) > sessionsMax {
		return t, badSession("stands %d times, and %d are taken", len(lines), sessionsMax)
	}
	for i, line := range lines {
		one, err := decodeSession(h.planetSum(), line)
		if err != nil {
			return t, err
		}
		if i == 0 {
			t = one
		} else {
			t = t.Merge(one)
		}
	}
	return t, nil
}

// showSession has an answer carry what its session has been shown.
func (h *Handler) showSession(out http.Header, t ring.Token) {
	if !t.None() {
		out[sessionHeader] = []string{encodeSession(h.planetSum(), t)}
	}
}

// sessionDeadline is how long a read with a session waits for what it may not lack, unless
// it says otherwise.
const sessionDeadline = 5 * time.Second

// patience bounds what a read with a session may wait. One without waits for nothing.
func patience(c *gin.Context, t ring.Token, deadline time.Duration) (context.Context, context.CancelFunc) {
	ctx := c.Request.Context()
	if t.None() {
		return ctx, func() {}
	}
	if deadline == 0 {
		deadline = sessionDeadline
	}
	return context.WithTimeout(ctx, deadline)
}
