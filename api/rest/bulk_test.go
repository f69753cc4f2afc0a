package rest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
	"gazetteer/ring"
)

const (
	importPath = "/v1/types/ndt/resources:import"
	exportPath = "/v1/types/ndt/resources:export"
	asNDJSON   = "Content-Type: application/x-ndjson"
)

func ndjson(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"type":"ndt","id":"id-%05d","attributes":{"n":%d},"locations":[%s]}`+"\n", i, i, ams)
	}
	return b.String()
}

func (r *reply) summary() importSummary {
	r.t.Helper()
	var s importSummary
	r.json(&s)
	return s
}

func TestImport(t *testing.T) {
	x := start(t, nil)
	largest := atomic.Int64{}
	x.regional.Before = func(cs []region.Change) error {
		largest.Store(max(largest.Load(), int64(len(cs))))
		return nil
	}
	s := x.do("POST", importPath+"?ack=local&deadline=2s", ndjson(3000), asNDJSON).want(200).summary()
	if s.Lines != 3000 || s.Acknowledged != 3000 || s.Created != 3000 || s.BelowAck != 0 || x.regional.Len() != 3000 || s.Seconds <= 0 {
		t.Errorf("%+v, %d stored", s, x.regional.Len())
	}
	if n := largest.Load(); n > 512 {
		t.Errorf("a batch of %d lines", n)
	}
	if r := x.record("ndt", "id-02999"); string(r.Attributes) != `{"n":2999}` || len(r.Locations) != 1 || r.Locations[0].Labels[0].Value != "gold" {
		t.Errorf("%+v", r)
	}
	s = x.do("POST", importPath, "\n \r\n"+ndjson(1)+"\r\n"+strings.TrimSpace(ndjson(1)), asNDJSON).want(200).summary()
	if s.Lines != 5 || s.Acknowledged != 2 || s.Created != 0 {
		t.Errorf("%+v", s)
	}
	if s = x.do("POST", importPath, " ", asNDJSON).want(200).summary(); s.Acknowledged != 0 {
		t.Errorf("%+v", s)
	}
	x.regional.Reached = ring.AckLocal
	if s = x.do("POST", importPath, ndjson(2), asNDJSON).want(202).summary(); s.BelowAck != 2 || s.Acknowledged != 2 {
		t.Errorf("%+v", s)
	}
}

func TestTheLaterLineWins(t *testing.T) {
	x := start(t, func(c *Config) { c.Limits.ImportBatch = 3 })
	var b strings.Builder
	for i := range 500 {
		fmt.Fprintf(&b, `{"id":"same","attributes":{"n":%d}}`+"\n", i)
	}
	x.do("POST", importPath, b.String(), asNDJSON).want(200)
	if r := x.record("ndt", "same"); string(r.Attributes) != `{"n":499}` {
		t.Errorf("%s", r.Attributes)
	}
}

func TestImportStopsAtTheFirstBadLine(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		code problem.Code
		at   string
	}{
		"malformed":     {`{"id":"x",`, problem.MalformedJSON, "/id"},
		"unknown field": {`{"id":"x","locs":[]}`, problem.Unprocessable, "/locs"},
		"no id":         {`{"attributes":{}}`, problem.Unprocessable, "/id"},
		"empty id":      {`{"id":""}`, problem.Unprocessable, "/id"},
		"other type":    {`{"type":"msak","id":"x"}`, problem.Unprocessable, "/type"},
		"long id":       {`{"id":"` + strings.Repeat("x", 256) + `"}`, problem.Unprocessable, ""},
		"coordinates":   {`{"id":"x","locations":[{"id":"l","url":"https://x.example","lat":1,"lon":181}]}`, problem.Unprocessable, "/locations/0/lon"},
		"long line":     {`{"id":"x","attributes":{"a":"` + strings.Repeat("x", int(recordBody)) + `"}}`, problem.TooLarge, ""},
		"invalid UTF-8": {"{\"id\":\"\xff\"}", problem.MalformedJSON, ""},
	} {
		t.Run(name, func(t *testing.T) {
			x := start(t, nil)
			p := x.do("POST", importPath, ndjson(1200)+c.line+"\n"+ndjson(5), asNDJSON).problem(c.code)
			pointer(t, p, c.at, "")
			if p.Line != 1201 || p.Acknowledged < 1200 || x.regional.Len() != 1200 {
				t.Errorf("line %d, %d acknowledged, %d stored", p.Line, p.Acknowledged, x.regional.Len())
			}
		})
	}
}

func TestImportOfALineThatTheRegionRefuses(t *testing.T) {
	x := start(t, nil)
	full := &gazetteer.Error{Op: "store", Kind: gazetteer.Full, Detail: "the disk is nearly full"}
	var written atomic.Int64
	x.regional.Before = func(cs []region.Change) error {
		if written.Add(int64(len(cs))) > 1000 {
			return full
		}
		return nil
	}
	p := x.do("POST", importPath, ndjson(5000), asNDJSON).problem(problem.DiskFull)
	if int(p.Acknowledged) != x.regional.Len() || p.Line != p.Acknowledged+1 {
		t.Errorf("line %d, %d acknowledged, %d stored", p.Line, p.Acknowledged, x.regional.Len())
	}
}

func TestImportThatIsCutOff(t *testing.T) {
	x := start(t, nil)
	whole := ndjson(700)
	cut := whole[:len(whole)-40]
	// The body says it is longer: nobody knows what the rest of the line would be.
	r := x.wire("POST", importPath, "Content-Length: 99999999\r\n"+asNDJSON+"\r\n", cut, true)
	p := r.problem(problem.InvalidRequest)
	if p.Line != 700 || p.Acknowledged != 699 || x.regional.Len() != 699 || !strings.Contains(p.Detail, "before it is whole") {
		t.Errorf("line %d, %d acknowledged, %d stored: %s", p.Line, p.Acknowledged, x.regional.Len(), p.Detail)
	}
	// The body ends there: the line is no document.
	p = x.do("POST", importPath, cut, asNDJSON).problem(problem.MalformedJSON)
	if p.Line != 700 || p.Acknowledged != 699 {
		t.Errorf("line %d, %d acknowledged", p.Line, p.Acknowledged)
	}
}

func TestImportRefusals(t *testing.T) {
	x := start(t, nil)
	x.do("POST", "/v1/types/nope/resources:import", ndjson(1), asNDJSON).problem(problem.UnknownType)
	x.do("POST", importPath+"?ack=all", ndjson(1), asNDJSON).problem(problem.InvalidParameter)
	x.do("POST", importPath+"?x=1", ndjson(1), asNDJSON).problem(problem.InvalidParameter)
	x.do("POST", importPath, ndjson(1), asNDJSON, "If-Match: *").problem(problem.Unsupported)
	x.do("GET", importPath, "").problem(problem.MethodNotAllowed)
}

// pipe is an import under way.
type pipe struct {
	conn   net.Conn
	answer *bufio.Reader
}

func (x *harness) pipe(query string) *pipe {
	x.t.Helper()
	c, err := net.Dial("tcp", x.addr)
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: gazetteer\r\n%s\r\nTransfer-Encoding: chunked\r\n\r\n", importPath+query, asNDJSON)
	return &pipe{c, bufio.NewReader(c)}
}

func (p *pipe) send(text string) error {
	_, err := fmt.Fprintf(p.conn, "%x\r\n%s\r\n", len(text), text)
	return err
}

func (p *pipe) end() { fmt.Fprint(p.conn, "0\r\n\r\n") }

func (p *pipe) response(t testing.TB) *http.Response {
	t.Helper()
	r, err := http.ReadResponse(p.answer, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func waitFor(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func TestALineIsWrittenWithoutWaitingForTheNext(t *testing.T) {
	x := start(t, nil)
	p := x.pipe("")
	for i := 1; i <= 3; i++ {
		if err := p.send(fmt.Sprintf(`{"id":"n%d"}`+"\n", i)); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the line is not written", func() bool { return x.regional.Len() == i })
	}
	p.end()
	if r := p.response(t); r.StatusCode != 200 {
		t.Error(r.Status)
	}
}

func TestImportTellsHowFarItIs(t *testing.T) {
	x := start(t, nil)
	p := x.pipe("?progress=1")
	r := p.response(t)
	if r.StatusCode != 200 || r.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatal(r.Status, r.Header)
	}
	lines := json.NewDecoder(r.Body)
	next := func() (l struct {
		Acknowledged *int64
		Done         *importSummary
		Problem      *problem.Document
	}) {
		if err := lines.Decode(&l); err != nil {
			t.Fatal(err)
		}
		return l
	}
	if err := p.send(ndjson(7)); err != nil {
		t.Fatal(err)
	}
	for n := int64(0); n < 7; {
		l := next()
		if l.Acknowledged == nil || *l.Acknowledged < n {
			t.Fatalf("%+v", l)
		}
		n = *l.Acknowledged
	}
	if err := p.send("{}\n"); err != nil {
		t.Fatal(err)
	}
	for {
		l := next()
		if l.Problem != nil {
			if l.Problem.Line != 8 || l.Problem.Acknowledged != 7 || l.Problem.Code != problem.Unprocessable {
				t.Errorf("%+v", l.Problem)
			}
			return
		}
	}
}

// TestAClientThatOnlySends never reads until it has sent all. Neither the progress it
// asked for nor an early end of the import may stall it.
func TestAClientThatOnlySends(t *testing.T) {
	for _, query := range []string{"", "?progress=1"} {
		x := start(t, nil)
		p := x.pipe(query)
		text := ndjson(500)
		for i := range 20 {
			if i == 10 {
				text = strings.Replace(text, `"id":`, `"di":`, 1)
			}
			if err := p.send(text); err != nil {
				t.Fatalf("%s: %v after %d parts", query, err, i)
			}
		}
		p.end()
		r := p.response(t)
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.Contains(string(body), `"line":5001`) || x.regional.Len() != 500 {
			t.Errorf("%s: %s %s %v", query, r.Status, body, err)
		}
	}
}

func TestAnImportThatFallsSilentEnds(t *testing.T) {
	x := start(t, func(c *Config) { c.Limits.StreamIdle = 100 * time.Millisecond })
	p := x.pipe("")
	if err := p.send(ndjson(3) + `{"id":`); err != nil {
		t.Fatal(err)
	}
	r := p.response(t)
	var d problem.Document
	if err := json.NewDecoder(r.Body).Decode(&d); err != nil || d.Code != problem.Deadline || d.Acknowledged != 3 || d.Line != 4 {
		t.Errorf("%s %+v %v", r.Status, d, err)
	}
}

func TestImportOutlivesTheWriteTimeout(t *testing.T) {
	x := start(t, nil)
	s := Server("", x.handler)
	s.ReadTimeout, s.WriteTimeout = 150*time.Millisecond, 150*time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	x.addr = l.Addr().String()
	p := x.pipe("")
	for i := range 4 {
		time.Sleep(100 * time.Millisecond)
		if err := p.send(fmt.Sprintf(`{"id":"n%d"}`+"\n", i)); err != nil {
			t.Fatal(err)
		}
	}
	p.end()
	if r := p.response(t); r.StatusCode != 200 || x.regional.Len() != 4 {
		t.Error(r.Status)
	}
}

// TestAFailedWriterWakesTheReader has a client that falls silent just when a write fails:
// the answer comes at once, not when the client has been idle for too long.
func TestAFailedWriterWakesTheReader(t *testing.T) {
	x := start(t, nil)
	x.regional.Before = func([]region.Change) error {
		return &gazetteer.Error{Kind: gazetteer.Unavailable, Detail: "no ring"}
	}
	p := x.pipe("")
	begin := time.Now()
	if err := p.send(ndjson(1)); err != nil {
		t.Fatal(err)
	}
	if r := p.response(t); r.StatusCode != 503 || time.Since(begin) > 5*time.Second {
		t.Errorf("%s after %v", r.Status, time.Since(begin))
	}
}

func TestExport(t *testing.T) {
	x := start(t, nil)
	want := strings.Split(strings.TrimSpace(ndjson(700)), "\n")
	x.do("POST", importPath, ndjson(700), asNDJSON).want(200)
	r := x.do("GET", exportPath, "").want(200)
	if r.header.Get("Content-Type") != "application/x-ndjson" || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", r.header)
	}
	got := strings.Split(strings.TrimSpace(r.body), "\n")
	slices.Sort(got)
	for i, line := range got {
		before, _, _ := strings.Cut(line, `,"version":`)
		if before+"}" != want[i] {
			t.Fatalf("%s\n%s", line, want[i])
		}
	}
	if len(got) != 700 {
		t.Errorf("%d lines", len(got))
	}
	if again := x.do("POST", importPath, r.body, asNDJSON).want(200).summary(); again.Acknowledged != 700 || again.Created != 0 {
		t.Errorf("%+v", again)
	}
	if r := x.do("GET", exportPath+"?prefix=id-0012", "").want(200); strings.Count(r.body, "\n") != 10 {
		t.Errorf("%s", r.body)
	}
	if r := x.do("GET", "/v1/types/msak/resources:export", "").want(200); r.body != "" {
		t.Errorf("%s", r.body)
	}
}

// failing lists one page and then no more.
type failing struct{ region.Regional }

func (f *failing) List(ctx context.Context, t gazetteer.Type, prefix string, from region.Cursor, limit int) (region.Page, error) {
	if from.More {
		return region.Page{}, errors.New("the ring is gone")
	}
	p, err := f.Regional.List(ctx, t, prefix, from, limit)
	p.Next = region.Cursor{Partition: 3, More: true}
	return p, err
}

func TestAnExportThatCannotGoOnBreaksTheConnection(t *testing.T) {
	x := start(t, func(c *Config) { c.Regional = &failing{c.Regional} })
	x.do("PUT", one, threeLocations).want(201)
	r, err := client.Get("http://" + x.addr + exportPath)
	if err == nil {
		defer r.Body.Close()
		_, err = io.ReadAll(r.Body)
	}
	if err == nil {
		t.Error("half an export ended well")
	}
	if !strings.Contains(x.log.String(), "the ring is gone") {
		t.Error("the operator is not told")
	}
}

func TestAnExportThatNobodyTakesEnds(t *testing.T) {
	x := start(t, func(c *Config) { c.Limits.StreamIdle = 100 * time.Millisecond; c.Limits.Streams = 1 })
	big := `{"attributes":{"a":"` + strings.Repeat("x", 900_000) + `"}}`
	for i := range 20 {
		x.do("PUT", fmt.Sprintf("/v1/types/ndt/resources/big%d", i), big).want(201)
	}
	c, err := net.Dial("tcp", x.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: gazetteer\r\n\r\n", exportPath)
	// While it stands still it holds the only place for streams; then it is ended.
	waitFor(t, "the export goes on for ever", func() bool { return strings.Contains(x.log.String(), "export ended early") })
	x.do("GET", exportPath+"?prefix=none", "").want(200)
}

func TestPages(t *testing.T) {
	x := start(t, nil)
	x.do("POST", importPath, ndjson(230), asNDJSON).want(200)
	seen := map[string]bool{}
	query := "?prefix=id-001&page_size=7"
	for pages := 1; ; pages++ {
		var p struct {
			Resources []struct {
				Type, ID, Version string
				Attributes        json.RawMessage
				Locations         []json.RawMessage
			}
			Next  string  `json:"next_page_token"`
			Stale float64 `json:"staleness_seconds"`
		}
		x.do("GET", "/v1/types/ndt/resources"+query, "").want(200).json(&p)
		for _, r := range p.Resources {
			if seen[r.ID] || !strings.HasPrefix(r.ID, "id-001") || len(r.Locations) != 1 {
				t.Errorf("%+v", r)
			}
			seen[r.ID] = true
		}
		if len(p.Resources) > 7 || pages > 100 {
			t.Fatal("the pages do not end")
		}
		if p.Next == "" {
			break
		}
		query = "?prefix=id-001&page_size=7&page_token=" + p.Next
	}
	if len(seen) != 100 {
		t.Errorf("%d were listed", len(seen))
	}
}

func TestTokensAreBoundToTheirListing(t *testing.T) {
	from := region.Cursor{Partition: 270, After: "id\xff\x00/", More: true}
	token := encodeToken("ndt", "id", from)
	if got, err := decodeToken("ndt", "id", token); err != nil || got != from {
		t.Errorf("%+v %v", got, err)
	}
	for _, c := range []struct {
		t      gazetteer.Type
		prefix string
		token  string
	}{
		{"msak", "id", token}, {"ndt", "i", token}, {"ndt", "", token}, {"ndt", "id", token[1:]}, {"ndt", "id", token + "A"}, {"ndt", "id", token[:len(token)-1]},
		{"ndt", "id", strings.ToUpper(token)}, {"ndt", "id", "AAAA"}, {"ndt", "id", token + "="}, {"ndt", "id", strings.Repeat("A", 1000)},
		{"nd", "tid", token}, {"ndt", "id\x00", token},
	} {
		if got, err := decodeToken(c.t, c.prefix, c.token); err == nil {
			t.Errorf("%s %q %s: %+v", c.t, c.prefix, c.token, got)
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add("ndt", "id", "", uint32(3), "AAAA")
	f.Add("a", "", "\xff\x00", uint32(1<<31), encodeToken("a", "", region.Cursor{Partition: 1, After: "x"}))
	f.Fuzz(func(t *testing.T, typ, prefix, after string, partition uint32, token string) {
		if c, err := decodeToken(gazetteer.Type(typ), prefix, token); err == nil && encodeToken(gazetteer.Type(typ), prefix, c) != token {
			t.Fatalf("%q reads as %+v, which is written otherwise", token, c)
		}
		if len(after) > gazetteer.MaxIDBytes {
			return
		}
		want := region.Cursor{Partition: partition, After: gazetteer.ID(after), More: true}
		got, err := decodeToken(gazetteer.Type(typ), prefix, encodeToken(gazetteer.Type(typ), prefix, want))
		if err != nil || got != want {
			t.Fatalf("%+v comes back as %+v %v", want, got, err)
		}
	})
}

func FuzzDocument(f *testing.F) {
	f.Add(threeLocations)
	f.Add(`{"id":"x","type":"ndt","version":"0","locations":[{"id":"a","url":"b","labels":{"z":"1","a":"2"}}]}`)
	f.Add(`{"attributes":{"a":[1,{"b":null}]},"locations":[{"id":"a","url":"https://x","lat":1e1,"lon":-0}]}`)
	f.Add(ndjson(1))
	f.Add(string(appendDocument(nil, sampleRecord())))
	f.Fuzz(func(t *testing.T, text string) {
		var r reader
		c := region.Change{Key: gazetteer.Key{Type: "ndt", ID: "x"}}
		err := r.document(text, &c)
		if err != nil {
			var e *gazetteer.Error
			if !errors.As(err, &e) || e.Detail == "" {
				t.Fatalf("an error without words: %v", err)
			}
			return
		}
		sameAsEncodingJSON(t, text, &c)
		// What is written reads as the same again.
		record := gazetteer.Record{Key: c.Key, Attributes: c.Attributes, Locations: c.Locations, Version: 7}
		again := region.Change{Key: c.Key}
		written := appendDocument(nil, &record)
		if err := r.document(string(written), &again); err != nil || fmt.Sprint(again) != fmt.Sprint(c) {
			t.Fatalf("%s is written as %s: %v", text, written, err)
		}
	})
}

// sameAsEncodingJSON reads a document by reflection and compares.
func sameAsEncodingJSON(t *testing.T, text string, c *region.Change) {
	var d struct {
		Type, ID, Version *string
		Attributes        json.RawMessage
		Locations         []struct {
			ID, URL, Country string
			Lat, Lon, Weight *float64
			Labels           map[string]string
		}
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%s is not JSON: %v", text, err)
	}
	var compacted bytes.Buffer
	_ = json.Compact(&compacted, d.Attributes)
	if s := compacted.String(); s != string(c.Attributes) && s != "{}" {
		t.Fatalf("%s: attributes %s", text, c.Attributes)
	}
	if len(d.Locations) != len(c.Locations) {
		t.Fatalf("%s: %d locations", text, len(c.Locations))
	}
	for i, l := range d.Locations {
		got := c.Locations[i]
		same := l.ID == string(got.ID) && l.URL == got.URL && l.Country == got.Country && (l.Lat != nil) == got.Located && len(l.Labels) == len(got.Labels)
		same = same && (l.Lat == nil || *l.Lat == got.Point.Lat && *l.Lon == got.Point.Lon) && (l.Weight == nil && got.Weight == 1 || l.Weight != nil && *l.Weight == got.Weight)
		for j, label := range got.Labels {
			same = same && l.Labels[label.Key] == label.Value && (j == 0 || got.Labels[j-1].Key < label.Key)
		}
		if !same {
			t.Fatalf("%s: location %d is %+v", text, i, got)
		}
	}
}
