package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/jsontext"
	"gazetteer/region"
	"gazetteer/region/geo"
	"gazetteer/ring"
)

// batchMax bounds the lookups of one request.
const batchMax = 100

// batchQuery is one lookup of a batch. What is wrong with its meaning is answered in its
// own place; what is wrong with the text fails the whole request.
type batchQuery struct {
	key    gazetteer.Key
	limit  int
	filter string
	prefer string
	avoid  []gazetteer.LocationID
}

// batch is the body of POST /v1/resolve: lookups for one and the same client.
type batch struct {
	reader
	queries []batchQuery
	client  geo.Client
	stated  statement
	explain bool
	stale   time.Duration // 0: any
	session ring.Token    // with all that was answered so far
}

func (h *Handler) resolveBatch(c *gin.Context) error {
	text, err := h.document(c, batchBody)
	if err != nil {
		return err
	}
	var b batch
	b.client.Addr = h.proxies.client(c.Request)
	if err := b.read(text); err != nil {
		return malformed(err)
	}
	if b.session, err = h.sessionIn(c.Request); err != nil {
		return err
	}
	ctx, cancel := patience(c, b.session, 0)
	defer cancel()
	out := h.buffer()
	defer h.release(out)
	out.bytes = append(out.bytes, `{"answers":[`...)
	for i := range b.queries {
		if i > 0 {
			out.bytes = append(out.bytes, ',')
		}
		out.bytes = h.appendLookup(ctx, out.bytes, c.Request, &b, &b.queries[i])
	}
	out.bytes = append(out.bytes, "]}"...)
	h.showSession(c.Writer.Header(), b.session)
	h.answer(c.Writer, http.StatusOK, out.bytes)
	return nil
}

// appendLookup answers one lookup: with its answer, or with its problem.
func (h *Handler) appendLookup(ctx context.Context, dst []byte, r *http.Request, b *batch, q *batchQuery) []byte {
	var a region.Answer
	query, err := q.query(b)
	if err == nil {
		err = h.regional.Resolve(ctx, &query, &a)
	}
	if err == nil || gazetteer.KindOf(err) == gazetteer.NotFound {
		b.session = a.Shown(b.session)
	}
	if err == nil {
		return appendAnswer(dst, &a, b.explain)
	}
	problem, _ := json.Marshal(h.describe(r, err)) // strings and numbers only: it cannot fail
	dst = jsontext.AppendString(append(dst, `{"type":`...), string(q.key.Type))
	dst = jsontext.AppendString(append(dst, `,"id":`...), string(q.key.ID))
	dst = append(append(dst, `,"problem":`...), problem...)
	return append(dst, '}')
}

func (q *batchQuery) query(b *batch) (region.Query, error) {
	out := region.Query{Key: q.key, Client: b.client, Limit: q.limit, Avoid: q.avoid, Explain: b.explain, MaxStale: b.stale, Session: b.session}
	if err := q.key.Type.Validate(); err != nil {
		return out, err
	}
	if err := q.key.ID.Validate(); err != nil {
		return out, err
	}
	var err error
	if out.Filter, err = filterParameter("filter", q.filter); err != nil {
		return out, err
	}
	out.Prefer, err = filterParameter("prefer", q.prefer)
	return out, err
}

func (b *batch) read(text string) error {
	b.Reset(text)
	for ok := b.Object(); ok; {
		var key string
		if key, ok = b.Key(); ok {
			b.field(key)
		}
	}
	if err := b.End(); err != nil {
		return err
	}
	return b.stated.check()
}

func (b *batch) field(key string) {
	switch key {
	case "queries":
		b.readQueries()
	case "client":
		b.readClient()
	case "explain":
		b.explain = b.Bool()
	case "max_stale":
		b.stale = parsed(&b.reader, maxStaleParameter)
	default:
		b.Unknown()
	}
}

func (b *batch) readQueries() {
	for ok := b.Array(); ok && b.Next(); {
		if len(b.queries) == batchMax {
			b.TooLarge("is one lookup more than the %d taken at once", batchMax)
			return
		}
		b.queries = append(b.queries, batchQuery{})
		b.readQuery(&b.queries[len(b.queries)-1])
	}
}

func (b *batch) readQuery(q *batchQuery) {
	for ok := b.Object(); ok; {
		var key string
		if key, ok = b.Key(); ok {
			b.queryField(key, q)
		}
	}
}

func (b *batch) queryField(key string, q *batchQuery) {
	switch key {
	case "type":
		q.key.Type = gazetteer.Type(b.String())
	case "id":
		q.key.ID = gazetteer.ID(b.String())
	case "limit":
		q.limit = int(b.whole(1, region.MaxLimit))
	case "filter":
		q.filter = b.String()
	case "prefer":
		q.prefer = b.String()
	case "avoid":
		for ok := b.Array(); ok && b.Next(); {
			b.avoid(q)
		}
	default:
		b.Unknown()
	}
}

func (b *batch) avoid(q *batchQuery) {
	if len(q.avoid) == avoidMax {
		b.TooLarge("is one location more than the %d that can be avoided", avoidMax)
		return
	}
	q.avoid = append(q.avoid, gazetteer.LocationID(b.String()))
}

func (b *batch) readClient() {
	for ok := b.Object(); ok; {
		var key string
		if key, ok = b.Key(); ok {
			b.clientField(key)
		}
	}
}

func (b *batch) clientField(key string) {
	c := &b.client
	switch key {
	case "lat":
		b.stated.lat, c.HasPoint = true, true
		c.Stated.Lat = b.number(-90, 90)
	case "lon":
		b.stated.lon, c.HasPoint = true, true
		c.Stated.Lon = b.number(-180, 180)
	case "country":
		b.stated.country = true
		c.Country = parsed(&b.reader, countryParameter)
	case "ip":
		b.stated.ip = true
		c.IP = parsed(&b.reader, addressParameter)
	default:
		b.Unknown()
	}
}

// number reads a number within bounds.
func (r *reader) number(low, high float64) float64 {
	v := r.Number()
	if r.Err() == nil && !(v >= low && v <= high) {
		r.Fail("%v is not between %v and %v", v, low, high)
	}
	return v
}

// parsed reads a string by the rule of the parameter of the same name.
func parsed[T any](r *reader, parse func(string) (T, error)) T {
	v, err := parse(r.String())
	if err != nil {
		r.Fail("%s", reason(err))
	}
	return v
}
