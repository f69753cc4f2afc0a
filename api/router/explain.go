package router

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// explanationMax bounds an answer that the router adds its part to. A longer one goes
// through as it is.
const explanationMax = 4 << 20

// answered puts the router's hop before those of an answer that explains itself.
func (r *Router) answered(res *http.Response) error {
	j := res.Request.Context().Value(journeyKey{}).(*journey)
	if !j.explain || res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, explanationMax+1))
	if err != nil {
		return err
	}
	rest := res.Body
	if len(text) <= explanationMax {
		text = withHop(text, r.hops(j))
		res.ContentLength = int64(len(text))
		res.Header.Set("Content-Length", strconv.Itoa(len(text)))
	}
	res.Body = &joined{io.MultiReader(bytes.NewReader(text), rest), rest}
	return nil
}

type joined struct {
	io.Reader
	io.Closer
}

// hop is a step as an explanation shows it.
type hop struct {
	Role    string  `json:"role"`
	Name    string  `json:"name"`
	Seconds seconds `json:"seconds"`
}

type seconds time.Duration

// MarshalJSON writes seconds to the microsecond.
func (s seconds) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%.6f", time.Duration(s).Seconds()), nil
}

// hops is the router's part of the way. A region that was asked in vain is part of it.
func (r *Router) hops(j *journey) []hop {
	way := []hop{{"router", r.Name, seconds(time.Since(j.started))}}
	if j.lost != nil {
		way = append(way, hop{"region without an answer", string(j.lost.region), seconds(j.lostAfter)})
	}
	return way
}

// withHop returns an answer with hops before its own. What has no place for them, or is
// no JSON, stays as it is.
func withHop(text []byte, hops []hop) []byte {
	at, ok := place(text, "explain", "hops")
	if !ok {
		return text
	}
	ours, err := json.Marshal(hops)
	if err != nil {
		return text
	}
	ours = ours[1 : len(ours)-1]
	if rest := bytes.TrimLeft(text[at:], " \t\r\n"); len(rest) > 0 && rest[0] != ']' {
		ours = append(ours, ',')
	}
	return bytes.Join([][]byte{text[:at], ours, text[at:]}, nil)
}

// place finds where the array begins that the names lead to, one object in another.
func place(text []byte, names ...string) (at int64, ok bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	for _, name := range names {
		if t, err := d.Token(); err != nil || t != json.Delim('{') || !skipTo(d, name) {
			return 0, false
		}
	}
	t, err := d.Token()
	return d.InputOffset(), err == nil && t == json.Delim('[')
}

// skipTo goes on to the value of a name of the object that the decoder is in.
func skipTo(d *json.Decoder, name string) bool {
	for d.More() {
		key, err := d.Token()
		if err != nil || key == name {
			return err == nil
		}
		var skipped json.RawMessage
		if d.Decode(&skipped) != nil {
			return false
		}
	}
	return false
}
