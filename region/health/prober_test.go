package health

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"gazetteer"
)

// victim listens on the loopback and counts who connects.
type victim struct {
	connections atomic.Int32
	port        uint16
}

func newVictim(t *testing.T) *victim {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	v := &victim{port: uint16(l.Addr().(*net.TCPAddr).Port)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			v.connections.Add(1)
			c.Close()
		}
	}()
	return v
}

func spec(kind Kind, port uint16) Spec {
	return Spec{Kind: kind, Port: port, Interval: 10 * time.Second, Timeout: 5 * time.Second, Rise: 1, Fall: 1}
}

// TestNothingPrivateIsConnectedTo checks URLs that lead to this machine, to its network or
// to a cloud's metadata, in every way of writing them.
func TestNothingPrivateIsConnectedTo(t *testing.T) {
	v := newVictim(t)
	p := NewProber(ProberConfig{Resolver: rebinding(t)})
	for _, host := range []string{
		"127.0.0.1", "127.1.2.3", "localhost", "[::1]", "[::]", "0.0.0.0", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
		"2130706433", "0x7f000001", "0177.0.0.1", "017700000001", "127.1", "0",
		"10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "[fe80::1]", "[fd00::1]", "[fd00:ec2::254]",
		"[2002:7f00:1::]", "[64:ff9b::7f00:1]", "224.0.0.1", "255.255.255.255", "[::ffff:169.254.169.254]",
	} {
		for _, kind := range []Kind{HTTP, TCP} {
			if err := p.Probe(t.Context(), spec(kind, v.port), "http://"+host+"/"); err == nil {
				t.Errorf("%s by %s answers", host, kind)
			} else if strings.ContainsAny(host, "[]") && gazetteer.KindOf(err) != gazetteer.Denied {
				t.Errorf("%s by %s: %v, which counts against the location", host, kind, err)
			}
		}
	}
	if n := v.connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// TestAnAddressIsJudgedWhenItIsConnectedTo asks for a name that is public at first and
// then that of this machine.
func TestAnAddressIsJudgedWhenItIsConnectedTo(t *testing.T) {
	v := newVictim(t)
	p := NewProber(ProberConfig{Resolver: rebinding(t)})
	s := spec(TCP, v.port)
	s.Timeout = 300 * time.Millisecond // the public one is of a network for documentation
	for i := range 3 {
		err := p.Probe(t.Context(), s, "http://rebind.example/")
		if err == nil || gazetteer.KindOf(err) != gazetteer.Denied {
			t.Errorf("look-up %d: %v", i, err)
		}
	}
	if n := v.connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// rebinding is a resolver whose answers change: the first is 192.0.2.1, all others are
// 127.0.0.1.
func rebinding(t *testing.T) *net.Resolver {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	var asked atomic.Int32
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			if answer := answerTo(b[:n], &asked); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func answerTo(query []byte, asked *atomic.Int32) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	m.Response, m.Additionals = true, nil
	q := m.Questions[0]
	if q.Type == dnsmessage.TypeA && strings.HasPrefix(q.Name.String(), "rebind.") {
		a := [4]byte{127, 0, 0, 1}
		if asked.Add(1) == 1 {
			a = [4]byte{192, 0, 2, 1}
		}
		m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, Type: q.Type}, Body: &dnsmessage.AResource{A: a}}}
	} else if !strings.HasPrefix(q.Name.String(), "rebind.") {
		m.RCode = dnsmessage.RCodeNameError
	}
	answer, err := m.Pack()
	if err != nil {
		return nil
	}
	return answer
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func TestProbe(t *testing.T) {
	v := newVictim(t)
	h := http.NewServeMux()
	h.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) {})
	h.HandleFunc("/sick", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	h.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:"+strconv.Itoa(int(v.port)), http.StatusFound)
	})
	h.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for b := make([]byte, 4096); ; {
			if _, err := w.Write(b); err != nil {
				return
			}
		}
	})
	h.HandleFunc("/hangs", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s := httptest.NewServer(h)
	defer s.Close()
	u, _ := url.Parse(s.URL)
	port, _ := strconv.Atoi(u.Port())
	p := NewProber(ProberConfig{Allow: loopback})
	for path, want := range map[string]bool{"/ok": true, "/away": true, "/endless": true, "/sick": false, "/hangs": false, "/missing": false} {
		sp := spec(HTTP, uint16(port))
		sp.Path = path
		if path == "/hangs" {
			sp.Timeout = 100 * time.Millisecond
		}
		if err := p.Probe(t.Context(), sp, "http://127.0.0.1/"); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	if v.connections.Load() != 0 {
		t.Error("a redirect was followed")
	}
	if err := p.Probe(t.Context(), spec(TCP, v.port), "ftp://127.0.0.1/pub"); err != nil {
		t.Error(err)
	}
	for _, target := range []string{s.URL + "/ok", "ftp://127.0.0.1/", "mailto:a@b.example", "http://"} {
		if err := p.Probe(t.Context(), spec(HTTP, 0), target); gazetteer.KindOf(err) != gazetteer.Denied {
			t.Errorf("%s, at a port that is not named by the type: %v", target, err)
		}
	}
}

// TestTheEnvironmentsProxyIsNotUsed names the victim as the proxy of all.
func TestTheEnvironmentsProxyIsNotUsed(t *testing.T) {
	v := newVictim(t)
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:"+strconv.Itoa(int(v.port)))
	t.Setenv("http_proxy", "http://127.0.0.1:"+strconv.Itoa(int(v.port)))
	p := NewProber(ProberConfig{Allow: loopback, Resolver: rebinding(t)})
	_ = p.Probe(t.Context(), spec(HTTP, 0), "http://nowhere.example/")
	if v.connections.Load() != 0 {
		t.Error("the proxy was asked")
	}
}
