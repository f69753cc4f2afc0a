package rest

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/geo"
)

// A lookup is the memory of one resolve request. It is used again: once it has grown,
// a lookup allocates next to nothing.
type lookup struct {
	query      region.Query
	answer     region.Answer
	redirect   choice
	redirected bool
	watch      bool // the answer is followed
	deadline   time.Duration
	body       []byte
	order      []region.Choice
}

// choice is whether a client asked for a redirect.
type choice uint8

const (
	byAccept choice = iota
	yes
	no
)

// bodyKeep bounds the memory that one lookup keeps for the next.
const bodyKeep = 64 << 10

func (h *Handler) resolve(c *gin.Context) error {
	start := time.Now()
	l, _ := h.lookups.Get().(*lookup)
	if l == nil {
		l = new(lookup)
	}
	err := h.look(c, l)
	if l.watch {
		return err
	}
	h.metrics.resolved(l, err, time.Since(start))
	if err == nil && h.metrics.regrets.due() {
		_, l.order = h.regional.Order(l.order[:0], &l.query.Client)
		h.metrics.regrets.observe(l.order, &l.answer)
	}
	if cap(l.body) <= bodyKeep {
		h.lookups.Put(l)
	}
	return err
}

func (h *Handler) look(c *gin.Context, l *lookup) error {
	k, err := keyIn(c)
	if err != nil {
		return err
	}
	l.reset(k, h.proxies.client(c.Request))
	if c.Request.URL.RawQuery != "" {
		if err := h.parseLookup(c.Request.URL.RawQuery, l); err != nil {
			return err
		}
	}
	if l.query.Session, err = h.sessionIn(c.Request); err != nil {
		return err
	}
	if l.watch {
		return h.watchAnswer(c, l)
	}
	if err := h.answerIn(c, l); err != nil {
		if l.query.Direct {
			return misdirected(err)
		}
		return err
	}
	if l.redirect == yes || l.redirect == byAccept && prefersHTML(c.Request.Header["Accept"]) {
		if err := h.redirectTo(c, l); l.redirected || err != nil {
			return err
		}
	}
	l.body = appendAnswer(l.body[:0], &l.answer, l.query.Explain)
	h.answerLookup(c.Writer, l)
	return nil
}

// answerIn asks for the answer, and shows what the session has been shown: also when that is
// that the resource is gone.
func (h *Handler) answerIn(c *gin.Context, l *lookup) error {
	ctx := c.Request.Context()
	if !l.query.Session.None() {
		var cancel context.CancelFunc
		ctx, cancel = patience(c, l.query.Session, l.deadline)
		defer cancel()
	}
	err := h.regional.Resolve(ctx, &l.query, &l.answer)
	if err == nil || gazetteer.KindOf(err) == gazetteer.NotFound {
		h.showSession(c.Writer.Header(), l.answer.Shown(l.query.Session))
	}
	return err
}

func (l *lookup) reset(k gazetteer.Key, addr netip.Addr) {
	avoid := l.query.Avoid[:0]
	l.query = region.Query{Key: k, Client: geo.Client{Addr: addr}, Avoid: avoid}
	l.redirect, l.redirected, l.watch, l.deadline = byAccept, false, false, 0
}

// answerLookup sends the body. Only what differs from the last answer is new memory.
func (h *Handler) answerLookup(w gin.ResponseWriter, l *lookup) {
	out := w.Header()
	out["Content-Type"] = h.headers.json
	h.lookupHeaders(out, &l.answer)
	if len(l.body) >= sniffed {
		out["Content-Length"] = []string{strconv.Itoa(len(l.body))}
	}
	_, _ = w.Write(l.body) // a client that went away needs no answer
}

// sniffed is the size from which on net/http does not find out the length by itself.
const sniffed = 2048

func (h *Handler) lookupHeaders(out http.Header, a *region.Answer) {
	out["X-Content-Type-Options"] = h.headers.nosniff
	out["Vary"] = h.headers.vary
	out["Cache-Control"] = h.headers.cacheFor(a.TTL)
	out["Gazetteer-Region"] = h.regionHeader(a.Region)
	out["Gazetteer-Staleness"] = h.headers.stale(a.Staleness)
}

const lookupParameters = "limit, lat, lon, country, ip, region, filter, prefer, avoid, max_stale, deadline, explain, redirect, direct, watch"

// parseLookup reads the query string of a lookup and refuses what contradicts itself.
func (h *Handler) parseLookup(query string, l *lookup) error {
	var s statement
	err := eachParameter(query, "avoid", func(name, value string) error {
		return h.lookupParameter(l, &s, name, value)
	})
	if err != nil {
		return err
	}
	if l.redirect == yes && l.query.Explain {
		return badParameter("explain", "is an answer in JSON: it contradicts redirect=1")
	}
	if l.watch && (l.redirect == yes || l.query.Direct) {
		return badParameter("watch", "is a stream: it contradicts redirect=1 and direct=1")
	}
	if err := contradiction(l.query.Direct, l.query.Region); err != nil {
		return err
	}
	return s.check()
}

// statement is what of a client's place he has stated himself.
type statement struct{ lat, lon, country, ip bool }

// check refuses half a point, and two statements of which only one could count.
func (s *statement) check() error {
	switch {
	case s.lat != s.lon:
		return badParameter("lat", "comes together with lon: give both or neither")
	case s.ip && s.lat:
		return badParameter("ip", "contradicts lat and lon: each says where the client is")
	case s.ip && s.country:
		return badParameter("ip", "contradicts country: each says where the client is")
	}
	return nil
}

func (h *Handler) lookupParameter(l *lookup, s *statement, name, value string) (err error) {
	q := &l.query
	switch name {
	case "limit":
		q.Limit, err = countParameter(name, value, region.MaxLimit)
	case "lat":
		s.lat, q.Client.HasPoint = true, true
		q.Client.Stated.Lat, err = numberParameter(name, value, -90, 90)
	case "lon":
		s.lon, q.Client.HasPoint = true, true
		q.Client.Stated.Lon, err = numberParameter(name, value, -180, 180)
	case "country":
		s.country = true
		q.Client.Country, err = countryParameter(value)
	case "ip":
		s.ip = true
		q.Client.IP, err = addressParameter(value)
	case "region":
		q.Region, err = regionParameter(value)
	case "filter":
		q.Filter, err = filterParameter(name, value)
	case "prefer":
		q.Prefer, err = filterParameter(name, value)
	case "avoid":
		q.Avoid, err = avoidParameter(q.Avoid, value)
	case "max_stale":
		q.MaxStale, err = maxStaleParameter(value)
	case "deadline":
		l.deadline, err = deadlineParameter(value)
	case "explain":
		q.Explain, err = flagParameter(name, value)
	case "direct":
		q.Direct, err = flagParameter(name, value)
	case "watch":
		l.watch, err = flagParameter(name, value)
	case "redirect":
		l.redirect, err = redirectParameter(value)
	default:
		err = unknownParameter(name, lookupParameters)
	}
	return err
}

func countryParameter(value string) (string, error) {
	if len(value) == 2 {
		value = string([]byte{value[0] &^ 0x20, value[1] &^ 0x20})
	}
	if !gazetteer.IsCountry(value) {
		return "", badParameter("country", "%s is not an ISO 3166-1 alpha-2 code of two letters", quoted(value))
	}
	return value, nil
}

func addressParameter(value string) (netip.Addr, error) {
	a, err := netip.ParseAddr(value)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, badParameter("ip", "%s is not an IPv4 or IPv6 address", quoted(value))
	}
	return a.Unmap(), nil
}

func filterParameter(name, value string) (geo.Filter, error) {
	f, err := geo.ParseFilter(value)
	if err != nil {
		return f, badParameter(name, "%s", reason(err))
	}
	return f, nil
}

// avoidMax bounds how many locations one request may avoid.
const avoidMax = 100

func avoidParameter(ids []gazetteer.LocationID, value string) ([]gazetteer.LocationID, error) {
	id := gazetteer.LocationID(value)
	if err := id.Validate(); err != nil {
		return ids, badParameter("avoid", "%s", reason(err))
	}
	if len(ids) == avoidMax {
		return ids, badParameter("avoid", "is given more than %d times", avoidMax)
	}
	return append(ids, id), nil
}

func redirectParameter(value string) (choice, error) {
	on, err := flagParameter("redirect", value)
	if on {
		return yes, err
	}
	return no, err
}

// regionParameter reads the region that is to answer. Which regions there are is the
// region's to say.
func regionParameter(value string) (gazetteer.RegionID, error) {
	r := gazetteer.RegionID(value)
	if err := r.Validate(); err != nil {
		return "", badParameter("region", "%s", reason(err))
	}
	return r, nil
}
