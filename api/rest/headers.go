package rest

import (
	"net/http"
	"strconv"
	"time"

	"gazetteer"
)

// headers are values of response headers that many answers share: a header map that
// points at them costs no allocation. They are never written to.
type headers struct {
	json, ndjson, problem []string
	events                []string
	nosniff, vary         []string
	noStore, noCache      []string
	fresh                 []string // a staleness of 0
	region                []string
	maxAge                [61][]string // Cache-Control by seconds
}

func (h *headers) fill(region gazetteer.RegionID) {
	*h = headers{
		json:    []string{"application/json"},
		ndjson:  []string{"application/x-ndjson"},
		problem: []string{"application/problem+json"},
		events:  []string{"text/event-stream"},
		nosniff: []string{"nosniff"},
		vary:    []string{"Accept, Gazetteer-Session"},
		noStore: []string{"no-store"},
		noCache: []string{"private, no-cache"},
		fresh:   []string{"0"},
		region:  []string{string(region)},
	}
	for s := range h.maxAge {
		h.maxAge[s] = []string{maxAge(s)}
	}
}

func maxAge(seconds int) string { return "private, max-age=" + strconv.Itoa(seconds) }

// cacheFor is how long a client may keep an answer. No shared cache may: it depends on
// who asks.
func (h *headers) cacheFor(ttl time.Duration) []string {
	if s := int(ttl / time.Second); s >= 0 && s < len(h.maxAge) {
		return h.maxAge[s]
	} else {
		return []string{maxAge(max(s, 0))}
	}
}

// regionHeader says which region answered.
func (h *Handler) regionHeader(r gazetteer.RegionID) []string {
	if r == h.region {
		return h.headers.region
	}
	return []string{string(r)}
}

// stale is a staleness in seconds.
func (h *headers) stale(d time.Duration) []string {
	if d <= 0 {
		return h.fresh
	}
	return []string{string(appendSeconds(nil, d))}
}

// appendSeconds appends a duration in seconds, rounded up to a millisecond: an upper
// bound stays one.
func appendSeconds(dst []byte, d time.Duration) []byte {
	ms := int64((max(d, 0) + time.Millisecond - 1) / time.Millisecond)
	dst = strconv.AppendInt(dst, ms/1000, 10)
	if ms %= 1000; ms == 0 {
		return dst
	}
	return append(dst, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
}

// etag is the strong entity tag of a version (RFC 9110, section 8.8.3).
func etag(v gazetteer.Version) string {
	return string(append(appendVersion([]byte{'"'}, v), '"'))
}

// answer sends a JSON body with headers that are the same for all but lookups.
func (h *Handler) answer(w http.ResponseWriter, status int, body []byte) {
	w.Header()["Gazetteer-Region"] = h.headers.region
	h.send(w, status, body)
}

// answerOf sends what a region said, this one or another.
func (h *Handler) answerOf(w http.ResponseWriter, r gazetteer.RegionID, body []byte) {
	w.Header()["Gazetteer-Region"] = h.regionHeader(r)
	h.send(w, http.StatusOK, body)
}

func (h *Handler) send(w http.ResponseWriter, status int, body []byte) {
	out := w.Header()
	out["Content-Type"] = h.headers.json
	out["X-Content-Type-Options"] = h.headers.nosniff
	out["Cache-Control"] = h.headers.noCache
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away needs no answer
}
