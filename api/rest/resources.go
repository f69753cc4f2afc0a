package rest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/jsontext"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
)

func (h *Handler) getResource(c *gin.Context) error {
	f, healthy, err := h.record(c)
	if err != nil {
		return err
	}
	r := &f.Record
	if !healthy && h.notModified(c, r.Version) {
		return nil
	}
	b := h.buffer()
	defer h.release(b)
	b.bytes = appendDocument(b.bytes, r)
	if healthy {
		b.bytes = appendHealth(b.bytes, r.Health)
	}
	h.answerOf(c.Writer, f.Region, b.bytes)
	return nil
}

func (h *Handler) getLocation(c *gin.Context) error {
	id, err := locationIn(c)
	if err != nil {
		return err
	}
	f, healthy, err := h.record(c)
	if err != nil {
		return err
	}
	r := &f.Record
	at := slices.IndexFunc(r.Locations, func(l gazetteer.Location) bool { return l.ID == id })
	if at < 0 {
		return unknownLocation(id)
	}
	if !healthy && h.notModified(c, r.Version) {
		return nil
	}
	body := append(appendLocation([]byte{'{'}, &r.Locations[at]), '}')
	if healthy {
		body = appendHealth(body, healthOf(r.Health, id))
	}
	h.answerOf(c.Writer, f.Region, body)
	return nil
}

func unknownLocation(id gazetteer.LocationID) error {
	return coded(problem.UnknownLocation, gazetteer.NotFound, "", "the resource has no location %s", quoted(string(id)))
}

// record reads what the path names, in the request's session. With healthy the health of
// the locations is asked for, too: that has no tag, for it is no part of the version that
// a write could name.
func (h *Handler) record(c *gin.Context) (f region.Found, healthy bool, err error) {
	var w region.Want
	var deadline time.Duration
	err = eachParameter(c.Request.URL.RawQuery, "", func(name, value string) (err error) {
		switch name {
		case "region":
			w.Region, err = regionParameter(value)
		case "health":
			healthy, err = flagParameter(name, value)
		case "max_stale":
			w.MaxStale, err = maxStaleParameter(value)
		case "deadline":
			deadline, err = deadlineParameter(value)
		case "direct":
			w.Direct, err = flagParameter(name, value)
		default:
			err = unknownParameter(name, "region, health, max_stale, deadline, direct")
		}
		return err
	})
	if err == nil {
		err = contradiction(w.Direct, w.Region)
	}
	if err == nil {
		w.Key, err = keyIn(c)
	}
	if err == nil {
		w.Session, err = h.sessionIn(c.Request)
	}
	if err != nil {
		return f, false, err
	}
	f, err = h.fetch(c, w, deadline)
	return f, healthy, err
}

// fetch reads what is wanted, and says how old it may be and what the session has been
// shown: also when that is that the resource is gone. Both are headers: the document is
// what may be put again, and is equal wherever its tag is.
func (h *Handler) fetch(c *gin.Context, w region.Want, deadline time.Duration) (region.Found, error) {
	ctx, cancel := patience(c, w.Session, deadline)
	defer cancel()
	f, err := h.regional.Fetch(ctx, w)
	if err == nil || gazetteer.KindOf(err) == gazetteer.NotFound {
		h.showSession(c.Writer.Header(), f.Shown)
	}
	if err == nil {
		c.Writer.Header()["Gazetteer-Staleness"] = h.headers.stale(f.Staleness)
	}
	if w.Direct {
		err = misdirected(err)
	}
	return f, err
}

// notModified tags the answer, and sends 304 if the client has it already.
func (h *Handler) notModified(c *gin.Context, v gazetteer.Version) bool {
	tag := etag(v)
	c.Writer.Header()["Etag"] = []string{tag}
	if !unchanged(c.Request, tag) {
		return false
	}
	c.Writer.Header()["Cache-Control"] = h.headers.noCache
	c.Writer.WriteHeader(http.StatusNotModified)
	return true
}

func (h *Handler) putResource(c *gin.Context) error {
	ch, err := changeIn(c)
	if err != nil {
		return err
	}
	text, err := h.text(c, recordBody, typeJSON)
	if err != nil {
		return err
	}
	var r reader
	if err := r.document(text, &ch); err != nil {
		return malformed(err)
	}
	return h.change(c, ch)
}

func (h *Handler) putLocation(c *gin.Context) error {
	ch, err := leaseChangeIn(c)
	if err != nil {
		return err
	}
	id, err := locationIn(c)
	if err != nil {
		return err
	}
	text, err := h.text(c, elementBody, typeJSON)
	if err != nil {
		return err
	}
	var r reader
	if err := r.oneLocation(text, id, &ch); err != nil {
		return malformed(err)
	}
	return h.change(c, ch)
}

func (h *Handler) deleteResource(c *gin.Context) error {
	ch, err := changeIn(c)
	if err != nil {
		return err
	}
	ch.Op = region.DeleteResource
	return h.change(c, ch)
}

func (h *Handler) deleteLocation(c *gin.Context) error {
	ch, err := changeIn(c)
	if err != nil {
		return err
	}
	ch.Op = region.DeleteLocation
	if ch.Location, err = locationIn(c); err != nil {
		return err
	}
	return h.change(c, ch)
}

// changeIn reads what all writes have in common: the resource, how far it must get, and
// under which versions it is done.
func changeIn(c *gin.Context) (region.Change, error) {
	return changeWith(c, "ack, deadline", func(string, string) (bool, error) { return false, nil })
}

// changeWith is changeIn with more parameters.
func changeWith(c *gin.Context, known string, more func(name, value string) (taken bool, err error)) (region.Change, error) {
	k, err := keyIn(c)
	if err != nil {
		return region.Change{}, err
	}
	o, err := writeOptionsIn(c.Request, known, more)
	if err != nil {
		return region.Change{}, err
	}
	versions, err := preconditions(c.Request)
	return region.Change{Key: k, If: versions, Ack: o.ack, Deadline: o.deadline}, err
}

// malformed gives an error of the JSON reader its problem type.
func malformed(err error) error {
	if e, ok := err.(*gazetteer.Error); ok && e.Kind == gazetteer.Invalid {
		return &codedError{problem.MalformedJSON, e}
	}
	return err
}

// change writes one change and answers what became of it.
func (h *Handler) change(c *gin.Context, ch region.Change) error {
	session, err := h.sessionIn(c.Request)
	if err != nil {
		return err
	}
	receipt := h.regional.Write(c.Request.Context(), []region.Change{ch})[0]
	h.showSession(c.Writer.Header(), session.Merge(receipt.Shown))
	if receipt.Err != nil {
		return changeError(&ch, receipt.Err)
	}
	h.answerChange(c, &ch, &receipt)
	return nil
}

// changeError says of a missing location that it is one: a region only says what kind of
// thing it did not find.
func changeError(ch *region.Change, err error) error {
	if (ch.Op == region.DeleteLocation || ch.Op == region.RenewLease) && gazetteer.KindOf(err) == gazetteer.NotFound && rowOf(err).Code == problem.UnknownResource {
		return unknownLocation(ch.Location)
	}
	return err
}

// answerChange answers 201 for what is new, 204 for what is gone, 202 for what did not
// get as far as was asked, else 200. A patch changes what is there: always 200 or 202.
func (h *Handler) answerChange(c *gin.Context, ch *region.Change, receipt *region.Receipt) {
	out := c.Writer.Header()
	status := http.StatusOK
	switch {
	case receipt.Reached < ch.Ack:
		status = http.StatusAccepted
	case c.Request.Method == http.MethodPatch:
	case ch.Op == region.DeleteResource || ch.Op == region.DeleteLocation:
		status = http.StatusNoContent
	case receipt.Created:
		status = http.StatusCreated
		out["Location"] = []string{h.locationOf(ch)}
	}
	if receipt.Version != 0 {
		out["Etag"] = []string{etag(receipt.Version)}
	}
	if status == http.StatusNoContent {
		out["Gazetteer-Region"] = h.headers.region
		c.Writer.WriteHeader(status)
		return
	}
	h.answer(c.Writer, status, appendReceipt(nil, ch, receipt))
}

// locationOf is where a change's resource or location is from now on.
func (h *Handler) locationOf(ch *region.Change) string {
	path := h.base + "/v1/types/" + string(ch.Key.Type) + "/resources/" + escapeSegment(string(ch.Key.ID))
	if ch.Op == region.PutLocation {
		path += "/locations/" + escapeSegment(string(ch.Locations[0].ID))
	}
	return path
}

// escapeSegment percent-encodes an id so that no reader takes it for anything but data:
// a colon could begin a verb, and dots alone could be walked.
func escapeSegment(id string) string {
	s := url.PathEscape(id)
	s = strings.ReplaceAll(s, ":", "%3A")
	if s == "." || s == ".." {
		s = strings.ReplaceAll(s, ".", "%2E")
	}
	return s
}

// appendReceipt appends what became of a change.
func appendReceipt(dst []byte, ch *region.Change, r *region.Receipt) []byte {
	dst = jsontext.AppendString(append(dst, `{"type":`...), string(ch.Key.Type))
	dst = jsontext.AppendString(append(dst, `,"id":`...), string(ch.Key.ID))
	if r.Version != 0 {
		dst = append(appendVersion(append(dst, `,"version":"`...), r.Version), '"')
	}
	dst = jsontext.AppendString(append(dst, `,"ack":`...), ackName(r.Reached))
	dst = jsontext.AppendString(append(dst, `,"asked":`...), ackName(ch.Ack))
	return append(dst, '}')
}
