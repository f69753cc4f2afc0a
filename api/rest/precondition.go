package rest

import (
	"net/http"
	"strconv"
	"strings"

	"gazetteer"
	"gazetteer/region"
)

// ifMax bounds how many tags one request may name.
const ifMax = 32

// preconditions turns If-Match and If-None-Match of a write into the versions under
// which it is done (RFC 9110, section 13.1).
func preconditions(r *http.Request) ([]gazetteer.Version, error) {
	match, none := strings.Join(r.Header["If-Match"], ","), strings.Join(r.Header["If-None-Match"], ",")
	switch {
	case match != "" && none != "":
		return nil, badParameter("If-Match", "contradicts If-None-Match")
	case none == "*":
		return []gazetteer.Version{0}, nil
	case none != "":
		return nil, badParameter("If-None-Match", "of a write is *: create only; to guard a change send If-Match")
	case match == "*":
		return []gazetteer.Version{region.AnyVersion}, nil
	case match != "":
		return versions(match)
	}
	return nil, nil
}

func versions(list string) ([]gazetteer.Version, error) {
	var out []gazetteer.Version
	for tag := range strings.SplitSeq(list, ",") {
		v, ok := versionOf(strings.TrimSpace(tag))
		if !ok || len(out) == ifMax {
			return nil, badParameter("If-Match", "%s is not a list of strong tags as ETag gives them, such as \"0123456789abcdef\"", quoted(list))
		}
		out = append(out, v)
	}
	return out, nil
}

func versionOf(tag string) (gazetteer.Version, bool) {
	if len(tag) != 18 || tag[0] != '"' || tag[17] != '"' {
		return 0, false
	}
	v, err := strconv.ParseUint(tag[1:17], 16, 64)
	return gazetteer.Version(v), err == nil && v != 0 && gazetteer.Version(v) != region.AnyVersion
}

// unchanged reports whether a client already has what a tag names. Weak comparison, as
// If-None-Match of a read asks for.
func unchanged(r *http.Request, tag string) bool {
	for _, line := range r.Header["If-None-Match"] {
		for t := range strings.SplitSeq(line, ",") {
			t = strings.TrimSpace(t)
			if t == "*" || strings.TrimPrefix(t, "W/") == tag {
				return true
			}
		}
	}
	return false
}
