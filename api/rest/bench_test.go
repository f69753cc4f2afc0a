package rest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/resttest"
	"gazetteer/region"
	"gazetteer/region/geo"
)

// canned answers every lookup with the same three locations, at no cost.
type canned struct {
	*resttest.Regional
	candidates []geo.Candidate
}

func newCanned() *canned {
	c := &canned{Regional: resttest.New("ndt")}
	for i, site := range []struct {
		name, country string
		at            gazetteer.Point
	}{{"ams05", "NL", gazetteer.Point{Lat: 52.3086, Lon: 4.76389}}, {"fra02", "DE", gazetteer.Point{Lat: 50.0379, Lon: 8.56215}}, {"lhr03", "GB", gazetteer.Point{Lat: 51.4697, Lon: -0.451389}}} {
		c.candidates = append(c.candidates, geo.Candidate{
			Location: gazetteer.Location{
				ID: gazetteer.LocationID("mlab1-" + site.name), URL: "https://ndt-mlab1-" + site.name + ".mlab-oti.measurement-lab.org",
				Point: site.at, Located: true, Country: site.country, Weight: 1,
			},
			DistanceKM: 123.456 * float64(i+1), HasDistance: true, Score: 173.456 * float64(i+1),
		})
	}
	return c
}

func (c *canned) Resolve(_ context.Context, q *region.Query, a *region.Answer) error {
	a.Key, a.Version, a.Region, a.Node, a.TTL = q.Key, 0xfeedface01234567, "eu-west", "eu-west-1a", 30*time.Second
	a.Client = geo.Place{Point: gazetteer.Point{Lat: 52.37, Lon: 4.89}, Located: true, Country: "NL", Method: geo.GeoIPCity}
	a.Candidates = c.candidates
	return nil
}

// bare is what a lookup is measured against: a gin handler that writes the same bytes.
func bare(body []byte) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.GET("/v1/resolve/:type/:id", func(c *gin.Context) {
		c.Writer.Header().Set("Content-Type", "application/json")
		_, _ = c.Writer.Write(body)
	})
	return e
}

const benchPath = "/v1/resolve/ndt/r-0000000001"

func bothHandlers(b testing.TB) (h *Handler, plain http.Handler, size int) {
	h, err := New(Config{Regional: newCanned()})
	if err != nil {
		b.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", benchPath, nil))
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"mlab1-lhr03"`) {
		b.Fatalf("%d %s", w.Code, w.Body)
	}
	return h, bare(w.Body.Bytes()), w.Body.Len()
}

// sink is a response writer that keeps nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}

func benchHandler(b *testing.B, h http.Handler) {
	r := httptest.NewRequest("GET", benchPath, nil)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(&sink{make(http.Header)}, r)
	}
}

func BenchmarkHandlerBare(b *testing.B) {
	_, plain, _ := bothHandlers(b)
	benchHandler(b, plain)
}

func BenchmarkHandlerResolve(b *testing.B) {
	h, _, size := bothHandlers(b)
	benchHandler(b, h)
	b.ReportMetric(float64(size), "body-bytes")
}

// BenchmarkServed compares both behind a real server on a real connection, taking turns
// so that what else the machine does falls on both.
func BenchmarkServed(b *testing.B) {
	h, plain, _ := bothHandlers(b)
	ours, theirs := serve(b, Server("", h)), serve(b, &http.Server{Handler: plain})
	const turn = 200
	var spent [2]time.Duration
	for i := 0; b.Loop(); i++ {
		for side, ask := range []func(int){ours, theirs} {
			start := time.Now()
			ask(turn)
			spent[side] += time.Since(start)
		}
	}
	per := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(b.N*turn) }
	b.ReportMetric(per(spent[0]), "ns/resolve")
	b.ReportMetric(per(spent[1]), "ns/bare")
	b.ReportMetric(float64(spent[0])/float64(spent[1]), "ratio")
}

// serve starts a server and returns what asks it n times over one connection.
func serve(b testing.TB, s *http.Server) func(n int) {
	_, ask := serveAt(b, s)
	return ask
}

// serveAt is serve that also tells the server's address.
func serveAt(b testing.TB, s *http.Server) (addr string, ask func(n int)) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close(); s.Close() })
	in := bufio.NewReader(c)
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: gazetteer\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n", benchPath)
	return l.Addr().String(), func(n int) {
		for range n {
			if _, err := c.Write(request); err != nil {
				b.Fatal(err)
			}
			answer, err := http.ReadResponse(in, nil)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, answer.Body)
		}
	}
}

func BenchmarkParseDocument(b *testing.B) {
	text := string(appendDocument(nil, sampleRecord()))
	var r reader
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		ch := region.Change{Key: gazetteer.Key{Type: "ndt"}}
		if err := r.document(string([]byte(text)), &ch); err != nil {
			b.Fatal(err)
		}
		r.letGo(512)
	}
}

func sampleRecord() *gazetteer.Record {
	r := &gazetteer.Record{Key: gazetteer.Key{Type: "ndt", ID: "ams"}, Attributes: []byte(`{"service":"ndt","sizes":[1,2,3]}`), Version: 1}
	for _, c := range newCanned().candidates {
		c.Location.Labels = []gazetteer.Label{{Key: "asn", Value: "AS1273"}, {Key: "kind", Value: "physical"}, {Key: "site", Value: "ams05"}}
		r.Locations = append(r.Locations, c.Location)
	}
	return r
}

func BenchmarkAppendDocument(b *testing.B) {
	r := sampleRecord()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = appendDocument(buf[:0], r)
	}
}

// Write takes everything at no cost: what is measured is the way to it.
func (c *canned) Write(_ context.Context, cs []region.Change) []region.Receipt {
	out := make([]region.Receipt, len(cs))
	for i := range out {
		out[i] = region.Receipt{Version: 1, Reached: cs[i].Ack}
	}
	return out
}

// BenchmarkImport sends documents of three locations through a server and reports how
// many locations a second arrive at the region.
func BenchmarkImport(b *testing.B) {
	h, err := New(Config{Regional: newCanned()})
	if err != nil {
		b.Fatal(err)
	}
	s := httptest.NewServer(h)
	defer s.Close()
	record := sampleRecord()
	var text []byte
	const lines = 20_000
	for i := range lines {
		record.Key.ID = gazetteer.ID(fmt.Sprintf("id-%07d", i))
		text = append(appendDocument(text, record), '\n')
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r, err := http.Post(s.URL+importPath, "application/x-ndjson", bytes.NewReader(text))
		if err != nil || r.StatusCode != 200 {
			b.Fatal(r, err)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	b.ReportMetric(float64(3*lines*b.N)/b.Elapsed().Seconds(), "locations/s")
}
