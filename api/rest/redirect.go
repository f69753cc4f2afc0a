package rest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
)

// redirectTo sends the client to the best location, and names the others as duplicates.
// If the redirect was only a preference and the type allows none, it sends nothing.
func (h *Handler) redirectTo(c *gin.Context, l *lookup) error {
	spec, err := h.regional.Type(c.Request.Context(), l.query.Key.Type)
	if err != nil {
		return err
	}
	if !spec.Redirect {
		if l.redirect != yes {
			return nil
		}
		return coded(problem.RedirectRefused, gazetteer.Unprocessable, "redirect", "type %s answers in JSON only; its publisher can allow redirects", spec.Name)
	}
	target, links := targets(&l.answer)
	if target == "" {
		if l.redirect != yes {
			return nil
		}
		return coded(problem.NoLocation, gazetteer.NotFound, "redirect", "no location that passes is a plain http or https URL; ask without redirect to see why")
	}
	out := c.Writer.Header()
	h.lookupHeaders(out, &l.answer)
	out["Location"] = []string{target}
	if links != "" {
		out["Link"] = []string{links}
	}
	c.Writer.WriteHeader(http.StatusTemporaryRedirect)
	l.redirected = true
	return nil
}

// linksMax bounds the duplicates that a redirect names, and so its headers.
const linksMax = 16

// targets returns the best location that can be redirected to, and the Link header
// (RFC 8288) with the next ones as duplicates in their order (RFC 6249, section 3).
func targets(a *region.Answer) (target, links string) {
	var b []byte
	rank := 0
	for i := range a.Candidates {
		l := &a.Candidates[i].Location
		if !redirectable(l.URL) {
			continue
		}
		if target == "" {
			target = l.URL
			continue
		}
		if rank++; rank > linksMax {
			break
		}
		b = appendLink(b, l, rank)
	}
	return target, string(b)
}

func appendLink(b []byte, l *gazetteer.Location, rank int) []byte {
	if rank > 1 {
		b = append(b, ", "...)
	}
	b = append(append(b, '<'), l.URL...)
	b = strconv.AppendInt(append(b, ">; rel=duplicate; pri="...), int64(rank), 10)
	if l.Country != "" {
		b = append(append(b, "; geo="...), strings.ToLower(l.Country)...)
	}
	return b
}

// redirectable reports whether a stored URL may become a header that a browser follows:
// http or https, a host, no user, and nothing that a header, a Link or a lenient parser
// could read as something else.
func redirectable(s string) bool { return plainURL(s) || strictURL(s) }

// plainURL reports whether a URL is so simple that no two parsers read it differently, as
// nearly all are: strictURL holds for it, too, and costs more.
func plainURL(s string) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(s, "http://")
	}
	if !ok || rest == "" || rest[0] == '/' {
		return false
	}
	for i := range len(rest) {
		c := rest[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '-' || c > '9') { // all between are "-./" and digits
			return false
		}
	}
	return true
}

func strictURL(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("<>\"\\^`{|}", c) >= 0 {
			return false
		}
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Opaque == "" && u.User == nil && u.Hostname() != "" &&
		strings.HasPrefix(s[len(u.Scheme):], "://")
}
