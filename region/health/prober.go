package health

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync"

	"code.dny.dev/ssrf"

	"gazetteer"
)

// bodyMax is how much of an answer is read.
const bodyMax = 64 << 10

// ProberConfig says what a prober may connect to beyond public addresses at ports 80 and
// 443, and at the port that a type names.
type ProberConfig struct {
	// Allow are networks that are checked although they are not public: an operator's own.
	// Who may publish a location then has this process connect to any address in them.
	Allow []netip.Prefix
	// Resolver finds hosts; nil for the machine's.
	Resolver *net.Resolver
}

// A Prober makes checks. Whoever publishes a location chooses where it connects to, so
// each address is judged when it is connected to, after all names are resolved: special,
// private and link-local networks are refused in whatever way they are written. It follows
// no redirects, uses no proxy of the environment, and shows nobody what it was answered.
type Prober struct {
	cfg ProberConfig

	mu    sync.Mutex // guards following
	doors map[uint16]*door
}

// door is the way out for the types that are checked at one port; 0: at that of the URL.
type door struct {
	dialer net.Dialer
	client http.Client
}

// NewProber returns a prober.
func NewProber(c ProberConfig) *Prober {
	return &Prober{cfg: c, doors: map[uint16]*door{}}
}

// Probe checks a location by its URL: nil if it answers. An error of kind Denied says
// nothing about the location: what its URL names is not to be connected to.
func (p *Prober) Probe(ctx context.Context, s Spec, target string) error {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	u, err := url.Parse(target)
	if err != nil || u.Hostname() == "" {
		return denied("the URL names no host", err)
	}
	if s.Kind == TCP {
		return p.connect(ctx, s, u)
	}
	return p.get(ctx, s, u)
}

func (p *Prober) connect(ctx context.Context, s Spec, u *url.URL) error {
	port := portOf(s, u)
	if port == "" {
		return denied("the URL names no port", nil)
	}
	c, err := p.door(s.Port).dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return judged(err)
	}
	return c.Close()
}

// portOf is where a location is connected to; empty if nothing says.
func portOf(s Spec, u *url.URL) string {
	switch {
	case s.Port != 0:
		return strconv.Itoa(int(s.Port))
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	case u.Scheme == "https":
		return "443"
	}
	return ""
}

func (p *Prober) get(ctx context.Context, s Spec, u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return denied("only http and https are checked by HTTP", nil)
	}
	ask := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
	if s.Port != 0 {
		ask.Host = net.JoinHostPort(u.Hostname(), portOf(s, u))
	}
	if s.Path != "" {
		path, err := url.Parse(s.Path)
		if err != nil {
			return denied("the path of the type is none", err)
		}
		ask.Path, ask.RawPath, ask.RawQuery = path.Path, path.RawPath, path.RawQuery
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, ask.String(), nil)
	if err != nil {
		return denied("the URL cannot be asked for", err)
	}
	r.Header.Set("User-Agent", "gazetteer-check")
	return p.ask(s, r)
}

func (p *Prober) ask(s Spec, r *http.Request) error {
	answer, err := p.door(s.Port).client.Do(r)
	if err != nil {
		return judged(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		return failed("status " + strconv.Itoa(answer.StatusCode))
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, bodyMax)); err != nil {
		return failed("the answer breaks off")
	}
	return nil
}

func (p *Prober) door(port uint16) *door {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.doors[port]
	if d == nil {
		d = p.newDoor(port)
		p.doors[port] = d
	}
	return d
}

func (p *Prober) newDoor(port uint16) *door {
	ports := []uint16{80, 443}
	if port != 0 {
		ports = []uint16{port}
	}
	v4, v6 := byFamily(p.cfg.Allow)
	guard := ssrf.New(ssrf.WithPorts(ports...), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	d := &door{dialer: net.Dialer{Control: guard.Safe, Resolver: p.cfg.Resolver}}
	d.client = http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: d.dialer.DialContext, DisableKeepAlives: true, DisableCompression: true,
			MaxResponseHeaderBytes: bodyMax,
		},
	}
	return d
}

func byFamily(ps []netip.Prefix) (v4, v6 []netip.Prefix) {
	for _, p := range ps {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	return v4, v6
}

// judged tells a connection that was refused here from one that failed there.
func judged(err error) error {
	for _, prohibited := range []error{ssrf.ErrProhibitedNetwork, ssrf.ErrProhibitedPort, ssrf.ErrProhibitedIP, ssrf.ErrInvalidHostPort} {
		if errors.Is(err, prohibited) {
			return denied("the address is not to be connected to", err)
		}
	}
	return &gazetteer.Error{Op: "health.Probe", Kind: gazetteer.Unavailable, Detail: "no answer", Err: err}
}

func failed(detail string) error {
	return &gazetteer.Error{Op: "health.Probe", Kind: gazetteer.Unavailable, Detail: detail}
}

func denied(detail string, err error) error {
	return &gazetteer.Error{Op: "health.Probe", Kind: gazetteer.Denied, Detail: detail, Err: err}
}
