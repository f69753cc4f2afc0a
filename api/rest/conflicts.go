package rest

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/jsontext"
	"gazetteer/ring"
)

const (
	conflictsDefault = 100
	conflictsMax     = 10_000
)

// conflicts shows the newest entries of the conflict journal.
func (h *Handler) conflicts(c *gin.Context) error {
	limit := conflictsDefault
	err := eachParameter(c.Request.URL.RawQuery, "", func(name, value string) (err error) {
		if name != "limit" {
			return unknownParameter(name, "limit")
		}
		limit, err = countParameter(name, value, conflictsMax)
		return err
	})
	if err != nil {
		return err
	}
	all, err := h.regional.Conflicts(c.Request.Context())
	if err != nil {
		return err
	}
	body := appendInt([]byte(`{"total":`), int64(len(all)))
	body = append(body, `,"conflicts":[`...)
	for i := range min(limit, len(all)) {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendConflict(body, &all[len(all)-1-i])
	}
	h.answer(c.Writer, http.StatusOK, append(body, "]}"...))
	return nil
}

// appendConflict appends one entry: which element, the value that lost as it was stored,
// and the stamps of both.
func appendConflict(dst []byte, c *ring.Conflict) []byte {
	u := &c.Loser
	dst = jsontext.AppendString(append(dst, `{"type":`...), string(c.Partition.Type))
	dst = jsontext.AppendString(append(dst, `,"id":`...), string(u.Element.ID))
	if u.Element.Location != "" {
		dst = jsontext.AppendString(append(dst, `,"location":`...), string(u.Element.Location))
	}
	dst = jsontext.AppendString(append(dst, `,"seen_at":`...), time.UnixMilli(c.At).UTC().Format(time.RFC3339Nano))
	dst = append(dst, `,"loser":{"stamp":`...)
	dst = appendStamp(dst, u.Stamp)
	if u.Tombstone {
		dst = append(dst, `,"deleted":true`...)
	} else {
		dst = append(dst, `,"body":"`...)
		dst = append(base64.StdEncoding.AppendEncode(dst, u.Body), '"')
	}
	dst = appendStamp(append(dst, `},"winner":{"stamp":`...), c.Winner)
	return append(dst, "}}"...)
}

// appendStamp appends a stamp as text: its 64-bit numbers do not fit into JSON's.
func appendStamp(dst []byte, s gazetteer.Stamp) []byte {
	dst = appendInt(append(dst, `{"epoch":`...), int64(s.Epoch))
	dst = jsontext.AppendString(append(dst, `,"time":`...), time.UnixMilli(s.Clock.UnixMilli()).UTC().Format(time.RFC3339Nano))
	dst = appendInt(append(dst, `,"counter":`...), int64(s.Clock&0xffff))
	dst = append(dst, `,"store":"`...)
	dst = appendVersion(dst, gazetteer.Version(s.Origin.Store))
	dst = append(dst, `","incarnation":"`...)
	dst = appendVersion(dst, gazetteer.Version(s.Origin.Incarnation))
	return append(dst, `"}`...)
}

// appendInt appends a whole number.
func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
