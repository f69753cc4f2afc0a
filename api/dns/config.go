package dns

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"gazetteer"
)

// Config says what a server answers, and for whom.
type Config struct {
	// Zone is the name below which everything lies, such as "gazetteer.example".
	Zone     string
	Regional Regional
	// Nameservers are the NS records of the zone, at least one. Those below the zone need
	// addresses.
	Nameservers []Nameserver
	// Hostmaster is the mailbox of the SOA record, written as a name; hostmaster.{zone} if
	// it is empty.
	Hostmaster string
	// TTL is how long answers about regions may be kept while all is well: 30 s if it is 0.
	// Near trouble it is 5 s.
	TTL time.Duration
	// Explainers are the networks whose questions for _explain names are answered.
	Explainers []netip.Prefix
	// IgnoreECS places clients by the address of their resolver, whatever that says.
	IgnoreECS bool
	// Rate is how many responses over UDP one network gets in a second for one name: 5 if
	// it is 0, without bound if it is negative. Of those above it every Slip-th says that
	// the client may come over TCP: 2 if it is 0.
	Rate, Slip int
	// Node is what NSID (RFC 5001) tells of the server.
	Node string
	// Connections bounds those over TCP: 1000 if it is 0.
	Connections int
	// Secret makes cookies; servers that share an address share it. Drawn if it is zero.
	Secret [16]byte
	Now    func() time.Time // nil for the machine's clock
}

// Nameserver is one NS record.
type Nameserver struct {
	Name  string
	Addrs []netip.Addr // only for names below the zone
}

const (
	defaultTTL         = 30 * time.Second
	defaultRate        = 5
	defaultSlip        = 2
	defaultConnections = 1000
	// zoneMax leaves room in a name for an id, a type, a region and their prefixes.
	zoneMax = 100
)

// complete fills in the defaults and refuses what cannot be served.
func (c *Config) complete() error {
	if err := c.name(); err != nil {
		return err
	}
	if c.Regional == nil {
		return invalid("there is no regional server to ask")
	}
	c.TTL = cmp.Or(c.TTL, defaultTTL)
	c.Rate = cmp.Or(c.Rate, defaultRate)
	c.Slip = cmp.Or(c.Slip, defaultSlip)
	c.Connections = cmp.Or(c.Connections, defaultConnections)
	if c.TTL < time.Second || c.Slip < 1 || c.Connections < 1 {
		return invalid("a TTL of %v, a slip of %d, %d connections: want at least a second, 1 and 1", c.TTL, c.Slip, c.Connections)
	}
	if c.Secret == [16]byte{} {
		_, _ = rand.Read(c.Secret[:]) // it never fails
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}

// name checks the zone and what is called after it.
func (c *Config) name() error {
	var err error
	if c.Zone, err = hostname(c.Zone); err != nil || len(c.Zone) > zoneMax {
		return invalid("zone %.200q is no name of at most %d letters, digits, hyphens and dots", c.Zone, zoneMax)
	}
	if c.Hostmaster, err = hostname(cmp.Or(c.Hostmaster, "hostmaster."+c.Zone)); err != nil {
		return err
	}
	if len(c.Nameservers) == 0 {
		return invalid("zone %s has no nameserver: name at least one", c.Zone)
	}
	for i := range c.Nameservers {
		n := &c.Nameservers[i]
		if n.Name, err = hostname(n.Name); err != nil {
			return err
		}
		if dns.IsSubDomain(c.Zone, n.Name) && len(n.Addrs) == 0 {
			return invalid("nameserver %s lies in the zone %s: say at which addresses it is", n.Name, c.Zone)
		}
	}
	return nil
}

// hostname returns a name in lower case with a dot at its end.
func hostname(s string) (string, error) {
	if !isHostname(s) {
		return s, invalid("%.200q is no name of letters, digits, hyphens and dots", s)
	}
	return dns.CanonicalName(s), nil
}

// isHostname reports whether s is the name of a host (RFC 1123, section 2.1), with or
// without a dot at its end.
func isHostname(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if !isHostLabel(label) {
			return false
		}
	}
	return true
}

func isHostLabel(l string) bool {
	if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
		return false
	}
	for i := range len(l) {
		if c := l[i] | 0x20; (c < 'a' || c > 'z') && (l[i] < '0' || l[i] > '9') && l[i] != '-' {
			return false
		}
	}
	return true
}

func invalid(format string, args ...any) error {
	return &gazetteer.Error{Op: "dns.New", Kind: gazetteer.Invalid, Detail: fmt.Sprintf(format, args...)}
}
