package rest

import (
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/problem"
)

// A route is one row of the API: what it takes is declared here and enforced before its
// handler runs.
type route struct {
	method string
	path   string // as gin writes it
	class  class
	body   bodyLimit
	serve  func(*Handler, *gin.Context) error
}

// bodyLimit is how many bytes of body a route takes; 0 is no declaration and refused by
// a test.
type bodyLimit int64

const (
	noBody bodyLimit = -1
	// endless is for streams, which bound what they hold by the line.
	endless bodyLimit = -2

	// A document is larger than what is stored of it: names, quotes, escapes. The
	// region refuses what is stored beyond its limits; these bound what is read.
	recordBody  bodyLimit = 2 * gazetteer.MaxRecordBytes
	elementBody bodyLimit = 2 * gazetteer.MaxElementBytes
	typeBody    bodyLimit = 32 << 10
	planBody    bodyLimit = 4 << 10
	ringBody    bodyLimit = 64 << 10
	batchBody   bodyLimit = 256 << 10
	reportBody  bodyLimit = 64 << 10
)

// routes are all paths of the API. Those of GET answer HEAD, too. Lookups come first:
// gin searches in this order.
func routes() []route {
	const (
		types     = "/v1/types"
		oneType   = types + "/:type"
		resources = oneType + "/resources"
		resource  = resources + "/:id"
		location  = resource + "/locations/:location"
		regions   = "/v1/regions"
		oneRegion = regions + "/:region"
		members   = "/v1/members"
		rings     = "/v1/rings"
	)
	return []route{
		{http.MethodGet, "/v1/resolve/:type/:id", reads, noBody, (*Handler).resolve},
		{http.MethodPost, "/v1/resolve", reads, batchBody, (*Handler).resolveBatch},
		{http.MethodGet, "/v1/plan", reads, noBody, (*Handler).ownersOf},
		{http.MethodGet, "/v1/place", reads, noBody, (*Handler).place},
		{http.MethodPost, "/v1/measurements", writes, reportBody, (*Handler).measure},

		{http.MethodGet, types, reads, noBody, (*Handler).listTypes},
		{http.MethodGet, oneType, reads, noBody, (*Handler).getType},
		{http.MethodPut, oneType, writes, typeBody, (*Handler).putType},
		{http.MethodDelete, oneType, writes, noBody, (*Handler).deleteType},

		{http.MethodGet, resources, reads, noBody, (*Handler).listResources},
		{http.MethodPost, resources + `\:import`, streams, endless, (*Handler).importResources},
		{http.MethodGet, resources + `\:export`, streams, noBody, (*Handler).exportResources},

		{http.MethodGet, resource, reads, noBody, (*Handler).getResource},
		{http.MethodPut, resource, writes, recordBody, (*Handler).putResource},
		{http.MethodPatch, resource, writes, recordBody, (*Handler).patchResource},
		{http.MethodDelete, resource, writes, noBody, (*Handler).deleteResource},

		{http.MethodGet, location, reads, noBody, (*Handler).getLocation},
		{http.MethodPut, location, writes, elementBody, (*Handler).putLocation},
		{http.MethodDelete, location, writes, noBody, (*Handler).deleteLocation},
		{http.MethodPost, location + `\:heartbeat`, writes, noBody, (*Handler).heartbeat},

		{http.MethodGet, "/v1/conflicts", reads, noBody, (*Handler).conflicts},
		{http.MethodGet, "/v1/watch", watching, noBody, (*Handler).watchChanges},
		{http.MethodGet, "/v1/status", reads, noBody, (*Handler).status},

		{http.MethodGet, "/v1/topology", reads, noBody, (*Handler).topology},
		{http.MethodGet, regions, reads, noBody, (*Handler).listRegions},
		{http.MethodPost, regions, writes, planBody, (*Handler).admitRegion},
		{http.MethodGet, oneRegion, reads, noBody, (*Handler).getRegion},
		{http.MethodDelete, oneRegion, writes, noBody, (*Handler).removeRegion},
		{http.MethodPut, oneRegion + "/bias", writes, planBody, (*Handler).setBias},
		{http.MethodPost, oneRegion + `\:drain`, writes, noBody, (*Handler).drainRegion},
		{http.MethodPost, oneRegion + `\:undrain`, writes, noBody, (*Handler).undrainRegion},

		{http.MethodGet, members, reads, noBody, (*Handler).listMembers},
		{http.MethodPost, members + `\:token`, writes, planBody, (*Handler).admitMember},
		{http.MethodDelete, members + "/:node", writes, noBody, (*Handler).removeMember},

		{http.MethodGet, rings, reads, noBody, (*Handler).listRings},
		{http.MethodPost, rings, writes, ringBody, (*Handler).addRing},
		{http.MethodPut, rings + "/:type/:ring", writes, ringBody, (*Handler).setRing},
		{http.MethodDelete, rings + "/:type/:ring", writes, noBody, (*Handler).removeRing},
		{http.MethodPut, rings + "/:type/" + autoName, writes, planBody, (*Handler).setAuto},
		{http.MethodDelete, rings + "/:type/" + autoName, writes, noBody, (*Handler).unsetAuto},

		{http.MethodGet, "/livez", health, noBody, (*Handler).live},
		{http.MethodGet, "/readyz", health, noBody, (*Handler).ready},
		{http.MethodGet, "/metrics", health, noBody, (*Handler).scrape},
		{http.MethodGet, "/openapi.json", health, noBody, (*Handler).openAPI},
	}
}

func (h *Handler) mount(e *gin.Engine) {
	l := h.limits
	limited := map[class]*turns{
		health: newTurns(0, 0), reads: newTurns(l.Reads, l.QueueFor),
		writes: newTurns(l.Writes, l.QueueFor), streams: newTurns(l.Streams, l.QueueFor),
		watching: newTurns(l.Watches, l.QueueFor),
	}
	ofItems := map[string]verbs{}
	for _, rt := range routes() {
		served := h.served(rt, limited[rt.class], limited[watching])
		if item, verb, ok := rt.verb(); ok {
			ofItems[item] = append(ofItems[item], doable{verb, served})
			continue
		}
		e.Handle(rt.method, rt.path, served)
		if rt.method == http.MethodGet {
			e.Handle(http.MethodHead, rt.path, served)
		}
	}
	for item, vs := range ofItems {
		allow := []string{allowed(item)}
		e.Handle(http.MethodPost, item, func(c *gin.Context) { h.do(c, vs, allow) })
	}
}

// served wraps a route's handler with what its row declares.
// Requests that are answered as long as they last compete with each other only.
func (h *Handler) served(rt route, ofClass, ofWatches *turns) gin.HandlerFunc {
	counted := h.metrics.route(rt)
	return func(c *gin.Context) {
		err := h.admit(c, &rt)
		if err == nil {
			w := turn{of: ofClass}
			if rt.class == reads && watches(c.Request) {
				w.of = ofWatches
			}
			defer w.give()
			if rt.body > 0 || rt.class == watching {
				c.Set(turnKey, &w)
			}
			if err = w.take(c.Request.Context()); err == nil {
				err = rt.serve(h, c)
			}
		}
		if err != nil {
			if rt.body > 0 {
				throwAway(c.Request)
			}
			h.refuse(c.Writer, c.Request, err)
		}
		counted.count(c.Writer.Status())
	}
}

// admit refuses a request by what is known of it before its body is read.
func (h *Handler) admit(c *gin.Context, rt *route) error {
	r := c.Request
	if h.rate != nil && rt.class != health && !h.rate.allow(h.proxies.client(r), time.Now()) {
		return coded(problem.RateLimited, gazetteer.Unavailable, "", "at most %v requests a second are taken from one address", h.limits.PerAddress)
	}
	if rt.body == noBody {
		if r.ContentLength != 0 {
			return coded(problem.InvalidRequest, gazetteer.Invalid, "", "%s takes no body here", r.Method)
		}
		return nil
	}
	if r.Header["Content-Encoding"] != nil {
		return coded(problem.UnsupportedMediaType, gazetteer.Invalid, "Content-Encoding", "compressed bodies are not taken; send it plain")
	}
	if rt.body != endless && r.ContentLength > int64(rt.body) {
		return tooLarge(int64(rt.body))
	}
	return nil
}

// verb cuts the path of a route that does something with one item, as in
// /v1/regions/:region\:drain. gin takes a whole segment for the item's name.
func (rt *route) verb() (item, verb string, ok bool) {
	item, verb, ok = strings.Cut(rt.path, `\:`)
	return item, verb, ok && strings.LastIndexByte(item, ':') > strings.LastIndexByte(item, '/')
}

// verbs are what can be done with one sort of item.
type verbs []doable

type doable struct {
	verb  string
	serve gin.HandlerFunc
}

// allowed are the methods that a path takes without a verb.
func allowed(path string) string {
	var methods []string
	for _, rt := range routes() {
		if rt.path == path {
			methods = append(methods, rt.method)
		}
		if rt.path == path && rt.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	return strings.Join(methods, ", ")
}

// do finds the verb behind the last colon of a path that was not escaped, and leaves the
// item's name before it.
func (h *Handler) do(c *gin.Context, vs verbs, allow []string) {
	item := &c.Params[len(c.Params)-1].Value
	at := strings.LastIndexByte(*item, ':')
	for _, v := range vs {
		if at >= 0 && (*item)[at+1:] == v.verb {
			*item = (*item)[:at]
			v.serve(c)
			return
		}
	}
	if at >= 0 {
		h.refuse(c.Writer, c.Request, unknownPath(c.Request))
		return
	}
	c.Writer.Header()["Allow"] = allow
	h.refuse(c.Writer, c.Request, wrongMethod(c.Request))
}

func tooLarge(most int64) error {
	return refused(gazetteer.TooLarge, "", "the body is larger than the %d bytes taken here", most)
}
