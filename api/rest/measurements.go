package rest

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region/geo"
)

const (
	// reportMax bounds the measurements of one request, rttMax one of them: what takes
	// longer has been given up by everybody.
	reportMax = 256
	rttMax    = 10_000 // milliseconds
	// reportsPerSecond is how many reports of the clients of one source network are taken
	// on average, reportsAtOnce how many at once.
	reportsPerSecond = 1
	reportsAtOnce    = 20
)

// measure takes round trips that the client who asks has measured. Whose they are is the
// address that the request came from, nothing in it.
func (h *Handler) measure(c *gin.Context) error {
	text, err := h.document(c, reportBody)
	if err != nil {
		return err
	}
	all, err := readReport(text)
	if err != nil {
		return malformed(err)
	}
	client := h.proxies.client(c.Request)
	if source := geo.SourceOf(client); source.IsValid() && !h.reports.allow(source.Addr(), time.Now()) {
		return coded(problem.RateLimited, gazetteer.Unavailable, "", "at most %d report a second is taken from the clients of %s", reportsPerSecond, source)
	}
	r, err := h.regional.Measure(client, all)
	if err != nil {
		return err
	}
	return h.answerValue(c, http.StatusOK, struct {
		Network string `json:"network"`
		Taken   int    `json:"taken"`
		Raised  int    `json:"raised"`
	}{r.Network.String(), r.Taken, r.Raised})
}

func readReport(text string) (out []geo.Measurement, err error) {
	var r reader
	r.Reset(text)
	for ok := r.Object(); ok; {
		var key string
		if key, ok = r.Key(); !ok {
			break
		}
		if key != "measurements" {
			r.Unknown()
			continue
		}
		for more := r.Array(); more && r.Next(); {
			if len(out) == reportMax {
				r.TooLarge("more than %d measurements in one request", reportMax)
			}
			out = append(out, r.measurement())
		}
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, refused(gazetteer.Unprocessable, "/measurements", "there is no measurement")
	}
	return out, nil
}

func (r *reader) measurement() (m geo.Measurement) {
	for ok := r.Object(); ok; {
		var key string
		if key, ok = r.Key(); !ok {
			break
		}
		switch key {
		case "region":
			m.Region = parsed(r, regionParameter)
		case "rtt_ms":
			m.RTT = time.Duration(r.number(0, rttMax) * float64(time.Millisecond))
			if r.Err() == nil && m.RTT <= 0 {
				r.Fail("a round trip takes longer than that")
			}
		default:
			r.Unknown()
		}
	}
	if r.Err() == nil && (m.Region == "" || m.RTT == 0) {
		r.Fail("a measurement has region and rtt_ms")
	}
	return m
}
