package web

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
)

// file is one part of the page, in the two ways in which it is sent.
type file struct {
	media      string // its Content-Type
	plain, zip body
}

// body is what is sent, and its strong entity tag (RFC 9110, section 8.8.3).
type body struct {
	bytes []byte
	tag   string
}

// serve answers with the way that the client takes, or that it has it already. A browser
// asks each time, since the parts keep their names when they change.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	b := &f.plain
	if takesGzip(r.Header) {
		b = &f.zip
	}
	h.Set("Content-Type", f.media)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", b.tag)
	if has(r.Header, b.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if b == &f.zip {
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(b.bytes)))
	if r.Method == http.MethodGet {
		_, _ = bytes.NewReader(b.bytes).WriteTo(w) // a client that went away needs no answer
	}
}

// takesGzip reads Accept-Encoding (RFC 9110, section 12.5.3): a coding is taken unless its
// weight is 0.
func takesGzip(h http.Header) bool {
	for _, line := range h["Accept-Encoding"] {
		for one := range strings.SplitSeq(line, ",") {
			coding, weight, _ := strings.Cut(one, ";")
			if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
				return !isZero(weight)
			}
		}
	}
	return false
}

func isZero(weight string) bool {
	name, value, ok := strings.Cut(strings.TrimSpace(weight), "=")
	q, err := strconv.ParseFloat(value, 64)
	return ok && strings.EqualFold(name, "q") && err == nil && q == 0
}

// has reports whether a client names a tag as one that it has. Tags are compared weakly
// (RFC 9110, section 13.1.2): a proxy may have weakened one.
func has(h http.Header, tag string) bool {
	for _, line := range h["If-None-Match"] {
		for one := range strings.SplitSeq(line, ",") {
			if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
				return true
			}
		}
	}
	return false
}
