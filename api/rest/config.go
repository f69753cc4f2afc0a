package rest

import (
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"gazetteer"
	"gazetteer/region"
)

// Config says what a handler serves and whom it trusts. Only Regional is required.
type Config struct {
	Regional region.Regional
	// Operator answers what operators ask and changes what they order. Nil: the process is
	// not part of a region that agrees on its plan, and those routes answer 501.
	Operator region.Operator
	// TrustedProxies are the peers whose Forwarded and X-Forwarded-For headers are
	// believed. Nobody's are by default: whoever may state an address chooses his
	// region and evades limits.
	TrustedProxies []netip.Prefix
	// Hosts are the names that requests may be sent to, without port. Empty: any. Set
	// it where browsers can reach the port, against DNS rebinding.
	Hosts []string
	// Origins are web origins, such as https://ops.example, whose pages may write.
	Origins []string
	// Base is the public URL in front of the service, for Location headers. Empty:
	// they are relative to the request.
	Base   string
	Limits Limits
	// Log gets what only an operator can mend: faults of ours. Nil: none.
	Log *slog.Logger
	// Samples are metrics of other parts of the process, asked for at every scrape.
	Samples func() []Sample
	// Version of the program, for /metrics.
	Version string
}

// Limits bound what requests may take. Zero fields take the defaults named.
type Limits struct {
	// Reads (1024), Writes (512) and Streams (16) are how many requests of a class
	// are worked on at once. Health is never refused, and no class can starve another:
	// more streams slow an import down, they do not stop lookups.
	Reads, Writes, Streams int
	// Watches (20,000) is how many watches there are at once, WatchesPerAddress (100) how
	// many of one client address (a /64 of IPv6).
	Watches, WatchesPerAddress int
	// QueueFor (100 ms) is how long a request waits for its turn before it gets 503.
	// Longer hides an overload from the clients that could go elsewhere.
	QueueFor time.Duration
	// PerAddress is how many requests a second one client address (a /64 of IPv6) may
	// send on average, Burst (twice that) how many at once. 0: as many as it likes.
	PerAddress float64
	Burst      int
	// ConnsPerAddress (200) is how many connections one peer that is no trusted proxy
	// may hold.
	ConnsPerAddress int
	// StreamIdle (30 s) ends an import that sends nothing for so long, or an export
	// that takes nothing.
	StreamIdle time.Duration
	// ImportBatch (512) is how many lines of an import are written at once. More is
	// fewer syncs of the disk, and more that a failure leaves in doubt.
	ImportBatch int
}

func (l Limits) withDefaults() Limits {
	orInt := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	orInt(&l.Reads, 1024)
	orInt(&l.Writes, 512)
	orInt(&l.Streams, 16)
	orInt(&l.Watches, 20_000)
	orInt(&l.WatchesPerAddress, 100)
	orInt(&l.ConnsPerAddress, 200)
	orInt(&l.ImportBatch, 512)
	orInt(&l.Burst, int(2*l.PerAddress)+1)
	if l.QueueFor <= 0 {
		l.QueueFor = 100 * time.Millisecond
	}
	if l.StreamIdle <= 0 {
		l.StreamIdle = 30 * time.Second
	}
	return l
}

func (c *Config) validate() error {
	bad := func(field, detail string) error {
		return &gazetteer.Error{Op: "rest.New", Kind: gazetteer.Invalid, Pointer: field, Detail: detail}
	}
	if c.Regional == nil {
		return bad("Regional", "is required")
	}
	if c.Base != "" {
		if u, err := url.Parse(c.Base); err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			return bad("Base", "is not a URL such as https://gazetteer.example")
		}
	}
	for _, p := range c.TrustedProxies {
		if !p.IsValid() {
			return bad("TrustedProxies", "holds a network that is none")
		}
	}
	return nil
}
