package rest

import (
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/jsontext"
	"gazetteer/region"
)

const (
	pageDefault = 100
	pageMax     = 1000
)

// listing is a request for the resources of a type.
type listing struct {
	kind   gazetteer.Type
	prefix string
	size   int
	from   region.Cursor
	// deadline is how long a session may wait for what it may not lack.
	deadline time.Duration
}

func (h *Handler) listResources(c *gin.Context) error {
	l, err := listingIn(c)
	if err != nil {
		return err
	}
	session, err := h.sessionIn(c.Request)
	if err != nil {
		return err
	}
	ctx, cancel := patience(c, session, l.deadline)
	defer cancel()
	page, err := h.regional.List(region.WithSession(ctx, session), l.kind, l.prefix, l.from, l.size)
	if err != nil {
		return err
	}
	out := c.Writer.Header()
	h.showSession(out, page.Shown)
	out["Gazetteer-Staleness"] = h.headers.stale(page.Staleness)
	b := h.buffer()
	defer h.release(b)
	b.bytes = appendPage(b.bytes, &l, &page)
	h.answer(c.Writer, http.StatusOK, b.bytes)
	return nil
}

func listingIn(c *gin.Context) (listing, error) {
	l := listing{size: pageDefault}
	var err error
	if l.kind, err = typeIn(c); err != nil {
		return l, err
	}
	var token string
	err = eachParameter(c.Request.URL.RawQuery, "", func(name, value string) (err error) {
		switch name {
		case "prefix":
			l.prefix, err = prefixParameter(value)
		case "page_size":
			l.size, err = countParameter(name, value, pageMax)
		case "page_token":
			token = value
		case "deadline":
			l.deadline, err = deadlineParameter(value)
		default:
			err = unknownParameter(name, "prefix, page_size, page_token, deadline")
		}
		return err
	})
	if err == nil && token != "" {
		l.from, err = decodeToken(l.kind, l.prefix, token)
	}
	return l, err
}

func prefixParameter(value string) (string, error) {
	if len(value) > gazetteer.MaxIDBytes || !utf8.ValidString(value) {
		return "", badParameter("prefix", "is not the beginning of an id: at most %d bytes of UTF-8", gazetteer.MaxIDBytes)
	}
	return value, nil
}

// appendPage appends a page. It may hold fewer resources than asked for, also none, and
// still be followed by more: only the token tells.
func appendPage(dst []byte, l *listing, p *region.Page) []byte {
	dst = append(dst, `{"resources":[`...)
	for i := range p.Records {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendDocument(dst, &p.Records[i])
	}
	dst = append(dst, ']')
	if p.Next.More {
		dst = jsontext.AppendString(append(dst, `,"next_page_token":`...), encodeToken(l.kind, l.prefix, p.Next))
	}
	dst = appendSeconds(append(dst, `,"staleness_seconds":`...), p.Staleness)
	return append(dst, '}')
}
