// Package client talks to a regional server over REST: lookups, the catalogue, bulk
// streams. The command line uses it, and so may any Go program.
//
// Errors of the server come back as *gazetteer.Error with the kind they had there; the
// table between the two stands in api/rest/problem. With errors.As a [*Problem] gives the
// server's whole answer.
package client

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"gazetteer"
)

// Config says whom to talk to.
type Config struct {
	// Addr is the URL of a regional server, such as http://127.0.0.1:8080.
	Addr string
	// More are further addresses, best first: of regional servers of other regions, or of
	// routers. A request that Addr does not answer goes to the next: any that nobody was
	// there to take, and a read also if the answer is that it cannot be given there now, or
	// none begins within 2 s.
	More []string
	// HTTP sends the requests; nil for one with connection limits fit for bulk work. It
	// must have no time-out of its own: streams last, contexts end everything else.
	HTTP *http.Client
	// Retries is how often a request is sent again that cannot have been done or may be
	// done twice: 0 means 2, below 0 never. Over all requests, retries are at most a
	// tenth of them, and ten in a row; with More addresses more in a row, since all that
	// is under way when a region dies has to go elsewhere.
	Retries int
	// Direct has lookups and Get ask a replica of the resource itself, by a plan that the
	// client keeps for each type: a hop or two less. What a replica does not answer is asked
	// once more the normal way. It takes a network in which the region's members are reached
	// at the addresses that they give each other.
	Direct bool
}

// Client is safe for concurrent use.
type Client struct {
	doors   doors
	http    *http.Client
	retries int
	budget  *budget
	plans   *plans   // nil: it does not ask replicas itself
	session *Session // nil: its calls are of none
}

// New checks the address; it sends nothing.
func New(c Config) (*Client, error) {
	k := &Client{http: c.HTTP, retries: c.Retries, budget: new(budget)}
	for _, addr := range append([]string{c.Addr}, c.More...) {
		base, err := url.Parse(addr)
		if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
			return nil, &gazetteer.Error{Op: "client.New", Kind: gazetteer.Invalid, Err: err,
				Detail: fmt.Sprintf("%.200q is not the URL of a server, such as http://127.0.0.1:8080", addr)}
		}
		k.doors = append(k.doors, &door{base: base})
	}
	if c.Direct {
		k.plans = &plans{scheme: k.doors[0].base.Scheme, kept: map[string]*kept{}, doors: map[string]*door{}}
	}
	k.budget.fill(budgetOf(len(k.doors)))
	if k.http == nil {
		k.http = &http.Client{Transport: transport(), CheckRedirect: stay}
	}
	if c.Retries == 0 {
		k.retries = 2
	}
	return k, nil
}

// Close closes the connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// transport keeps as many connections as a publisher with many writers needs. It asks
// for no compression: what comes is never larger than what was sent.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	t.DisableCompression = true
	t.DialContext = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	return t
}

// stay hands a redirect to the caller: it is an answer, not a detour.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
