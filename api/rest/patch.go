package rest

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/region"
)

// patchTries bounds how often a patch is applied anew because somebody else wrote in
// between.
const patchTries = 5

// patchResource reads, applies the patch and writes what it touched, if nobody wrote in
// between: else it begins again, unless the client named the version it wants to patch.
func (h *Handler) patchResource(c *gin.Context) error {
	ch, err := changeIn(c)
	if err != nil {
		return err
	}
	if len(ch.If) == 1 && ch.If[0] == 0 {
		return badParameter("If-None-Match", "contradicts PATCH: only what exists can be patched")
	}
	text, err := h.text(c, recordBody, typeMergePatch, typeJSON)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := h.patchOnce(c, text, ch)
		if gazetteer.KindOf(err) != gazetteer.Precondition || try == patchTries || pinnedTo(ch.If) {
			return err
		}
	}
}

// pinnedTo reports whether a client named a version.
func pinnedTo(versions []gazetteer.Version) bool {
	return len(versions) > 0 && versions[0] != region.AnyVersion
}

func (h *Handler) patchOnce(c *gin.Context, text string, ch region.Change) error {
	session, err := h.sessionIn(c.Request)
	if err != nil {
		return err
	}
	found, err := h.fetch(c, region.Want{Key: ch.Key, Session: session}, ch.Deadline)
	if err != nil {
		return err
	}
	record := found.Record
	if pinnedTo(ch.If) && !slices.Contains(ch.If, record.Version) {
		return refused(gazetteer.Precondition, "If-Match", "the resource has version %s", etag(record.Version))
	}
	record.Locations = slices.Clone(record.Locations)
	p := patch{record: &record}
	if err := p.apply(text); err != nil {
		return malformed(err)
	}
	changes := p.changes()
	if len(changes) == 0 {
		h.unpatched(c, ch, record.Version)
		return nil
	}
	next := changes[0]
	next.If, next.Ack, next.Deadline = []gazetteer.Version{record.Version}, ch.Ack, ch.Deadline
	return h.change(c, next)
}

// unpatched answers a patch that changes nothing. What is there reached its level long
// ago.
func (h *Handler) unpatched(c *gin.Context, ch region.Change, v gazetteer.Version) {
	c.Writer.Header()["Etag"] = []string{etag(v)}
	h.answer(c.Writer, http.StatusOK, appendReceipt(nil, &ch, &region.Receipt{Version: v, Reached: ch.Ack}))
}
