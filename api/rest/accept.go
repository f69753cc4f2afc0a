package rest

import (
	"strconv"
	"strings"
)

// prefersHTML reports whether a client would rather get a page than JSON, as browsers
// say it (RFC 9110, section 12.5.1). Who takes both alike, as curl does with */*, gets
// JSON.
func prefersHTML(accept []string) bool {
	named := false
	for _, line := range accept {
		named = named || strings.Contains(line, "text/html")
	}
	if !named {
		return false
	}
	return quality(accept, "text", "html") > quality(accept, "application", "json")
}

// quality is how much a client wants a media type: the weight of the most specific range
// that fits.
func quality(accept []string, kind, subtype string) float64 {
	best, weight := -1, 0.0
	for _, line := range accept {
		for part := range strings.SplitSeq(line, ",") {
			media, parameters, _ := strings.Cut(part, ";")
			if s := specificity(strings.TrimSpace(media), kind, subtype); s > best {
				best, weight = s, qualityOf(parameters)
			}
		}
	}
	return weight
}

// specificity is -1 for a range that does not fit.
func specificity(media, kind, subtype string) int {
	k, s, _ := strings.Cut(strings.ToLower(media), "/")
	switch {
	case k == kind && s == subtype:
		return 2
	case k == kind && s == "*":
		return 1
	case k == "*" && s == "*":
		return 0
	}
	return -1
}

func qualityOf(parameters string) float64 {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || q < 0 || q > 1 {
				return 0
			}
			return q
		}
	}
	return 1
}
