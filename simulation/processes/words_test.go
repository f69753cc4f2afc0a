package processes

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"
)

// TestAnswersAreTakenApart: each thing that can be wrong with an answer is seen.
func TestAnswersAreTakenApart(t *testing.T) {
	var s stock
	s.add("r1", 2)
	s.add("ä\"b", 2)
	const others = `{"id":"l0","url":"https://x/"}`
	for name, c := range map[string]struct {
		body     string
		resource int
		ok       bool
		value    string
		whole    bool
	}{
		"right":             {`{"type":"t","id":"r1","locations":[{"id":"w","url":"https://w.example.net/3/14"},` + others + `]}`, 0, true, "3/14", true},
		"not written":       {`{"type":"t","id":"r1","locations":[` + others + `]}`, 0, true, "", true},
		"cut off":           {`{"type":"t","id":"r1","locations":[` + others + `,` + others + `,` + others + `]}`, 0, true, "", false},
		"of another":        {`{"type":"t","id":"r2","locations":[` + others + `]}`, 0, false, "", false},
		"no value":          {`{"type":"t","id":"r1","locations":[{"id":"w","url":"https://w.example.net/3/x"}]}`, 0, false, "", true},
		"no location":       {`{"type":"t","id":"r1","locations":[]}`, 0, false, "", true},
		"nothing":           {``, 0, false, "", false},
		"an id with quotes": {`{"type":"t","id":"ä\"b","locations":[` + others + `]}`, 1, true, "", true},
		"an id as escapes":  {`{"type":"t","id":"\u00e4\"b","locations":[` + others + `]}`, 1, true, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := readAnswer([]byte(c.body), &s, c.resource)
			if ok != c.ok {
				t.Fatalf("taken: %v, want %v", ok, c.ok)
			}
			if ok && ((got.value != nil) != (c.value != "") || got.whole != c.whole) {
				t.Errorf("%+v, want %+v", got, c)
			}
			if ok && got.value != nil && *got.value != (value{3, 14}) {
				t.Errorf("value %v", *got.value)
			}
		})
	}
}

// TestConnReadsWhatServersSend: bodies with a length and in chunks, one after the other.
func TestConnReadsWhatServersSend(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	f := newFace("", &seat{})
	c := &conn{net: near, in: bufio.NewReader(near), tally: f.tally.Load()}
	answers := []struct {
		text   string
		status int
		body   string
		last   bool
	}{
		{"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", false},
		{"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", 200, "abcd", false},
		{"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 503, "", true},
	}
	go func() {
		in := bufio.NewReader(far)
		for _, a := range answers {
			in.ReadString('\n')
			in.ReadString('\n')
			far.Write([]byte(a.text))
		}
		in.ReadString('\n')
		in.ReadString('\n')
		far.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"))
		far.Close()
	}()
	ask := func() (int, []byte, error) {
		return c.exchange([]byte("GET / HTTP/1.1\r\n\r\n"), reading, time.Now().Add(time.Minute))
	}
	for _, a := range answers {
		status, body, err := ask()
		if err != nil || status != a.status || string(body) != a.body || c.last != a.last {
			t.Errorf("%d %q %v %v, want %+v", status, body, c.last, err, a)
		}
	}
	if _, body, err := ask(); err == nil {
		t.Errorf("half an answer was read: %q", body)
	}
	if asked, answered := c.tally.asked[reading].Load(), c.tally.answered[reading].Load(); asked != 4 || answered != 3 {
		t.Errorf("%d asked, %d answered", asked, answered)
	}
}

// TestFiguresAreRead: routes by their name, other counters summed over their labels.
func TestFiguresAreRead(t *testing.T) {
	const text = `# HELP x
gazetteer_http_requests_total{code="2xx",method="GET",route="/v1/resolve/:type/:id"} 3
gazetteer_http_requests_total{code="5xx",method="GET",route="/v1/resolve/:type/:id"} 1
gazetteer_peer_link_updates_total{region="b"} 2
gazetteer_peer_link_updates_total{region="c"} 5
gazetteer_ring_written_total 1.5e+03
go_goroutines 9
`
	got, err := readFigures(strings.NewReader(text))
	want := figures{routeNames[reading]: 4, crossedTotal: 7, writtenTotal: 1500}
	if err != nil || len(got) != len(want) {
		t.Fatalf("%v, %v", got, err)
	}
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%s: %v, want %v", name, got[name], v)
		}
	}
}
