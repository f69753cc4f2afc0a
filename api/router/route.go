package router

import (
	"net/http"
	"net/url"
	"strings"

	"gazetteer"
	"gazetteer/api/rest/problem"
)

// route is what a request says about its way: ?route=redirect asks to be told where to
// go, ?region= names who is to answer.
type route struct {
	redirect bool
	pinned   gazetteer.RegionID
}

// asksTheWay reports whether a request may say anything about it; it is quick.
func asksTheWay(q *http.Request) bool { return strings.Contains(q.URL.RawQuery, "route=") }

// readRoute leaves what it cannot read to the regional server, which refuses it better.
func readRoute(q *http.Request) (out route, err error) {
	if q.URL.RawQuery == "" {
		return out, nil
	}
	values, _ := url.ParseQuery(q.URL.RawQuery)
	out.pinned = gazetteer.RegionID(values.Get("region"))
	switch way := values["route"]; {
	case len(way) == 1 && way[0] == "redirect":
		out.redirect = true
	case len(way) > 0:
		err = &problemError{problem.InvalidParameter, "route is redirect, once, or left out"}
	}
	return out, err
}

// redirect tells the client where its region is. The answer is for this client and this
// moment: nobody keeps it.
func redirect(w http.ResponseWriter, q *http.Request, to target) error {
	u := to.url + q.URL.EscapedPath()
	if rest := withoutRoute(q.URL.RawQuery); rest != "" {
		u += "?" + rest
	}
	h := w.Header()
	h.Set("Location", u)
	h.Set("Gazetteer-Region", string(to.region))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusTemporaryRedirect)
	return nil
}

// withoutRoute takes the parameter out of a query and leaves the rest as it was sent.
func withoutRoute(query string) string {
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); pair != "" && (err != nil || decoded != "route") {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}
