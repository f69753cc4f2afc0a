package main

import (
	"cmp"
	"context"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/api/dns"
	"gazetteer/api/rest"
)

// nameFlags say what a process answers over DNS.
type nameFlags struct {
	addr, zone, hostmaster string
	nameservers, explain   []string
	ignoreECS              bool
	rate                   int
}

func (f *nameFlags) define(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.addr, "dns", "", "HOST:PORT of the DNS face, UDP and TCP (default: none)")
	fl.StringVar(&f.zone, "zone", "", "the DNS zone that it answers for")
	fl.StringArrayVar(&f.nameservers, "dns-ns", nil, "a nameserver of the zone: NAME, or NAME=ADDRESS[,ADDRESS] for one in the zone (default: ns.ZONE at the address of --dns)")
	fl.StringVar(&f.hostmaster, "dns-hostmaster", "", "mailbox of the zone, written as a name (default: hostmaster.ZONE)")
	fl.StringSliceVar(&f.explain, "dns-explain", nil, "networks (CIDR) that may ask _explain names why")
	fl.BoolVar(&f.ignoreECS, "dns-ignore-ecs", false, "place clients by their resolver, whatever subnet it tells of")
	fl.IntVar(&f.rate, "dns-rate", 5, "responses over UDP in a second to one network for one name; -1 for no bound")
}

// dnsFace is the DNS face of a process.
type dnsFace struct {
	config  dns.Config
	sockets *dns.Sockets
	server  *dns.Server // nil until it answers
}

// open opens the ports; nil if there is no DNS face. It answers questions only, so any
// address will do.
func (f *nameFlags) open(ctx context.Context, node gazetteer.NodeID) (*dnsFace, error) {
	switch {
	case f.addr == "" && f.zone == "":
		return nil, nil
	case f.addr == "" || f.zone == "":
		return nil, usage("--dns and --zone go together: where to answer, and for which zone")
	}
	n := &dnsFace{config: dns.Config{Zone: f.zone, Hostmaster: f.hostmaster, IgnoreECS: f.ignoreECS, Rate: cmp.Or(f.rate, -1), Node: string(node)}}
	var err error
	if n.config.Explainers, err = networksOf("--dns-explain", f.explain); err != nil {
		return nil, err
	}
	if n.config.Nameservers, err = f.servers(); err != nil {
		return nil, err
	}
	n.sockets, err = dns.Listen(ctx, f.addr)
	return n, err
}

// servers reads the nameservers.
func (f *nameFlags) servers() (out []dns.Nameserver, err error) {
	for _, text := range f.nameservers {
		name, list, _ := strings.Cut(text, "=")
		n := dns.Nameserver{Name: name}
		for a := range strings.SplitSeq(list, ",") {
			if list == "" {
				break
			}
			addr, err := netip.ParseAddr(a)
			if err != nil {
				return nil, usage("--dns-ns: %q in %q is not an address", a, text)
			}
			n.Addrs = append(n.Addrs, addr)
		}
		out = append(out, n)
	}
	if len(out) > 0 {
		return out, nil
	}
	at, err := netip.ParseAddrPort(f.addr)
	if err != nil || at.Addr().IsUnspecified() {
		return nil, usage("--dns-ns is missing: %q does not say at which address clients find the nameserver of %s", f.addr, f.zone)
	}
	return []dns.Nameserver{{Name: "ns." + f.zone, Addrs: []netip.Addr{at.Addr()}}}, nil
}

// begin makes the face answer until end is called. A fault of it later goes to failed.
func (n *dnsFace) begin(m *member, failed func(error)) (end func() error, err error) {
	if n == nil {
		return func() error { return nil }, nil
	}
	r, ok := m.node.Regional().(dns.Regional)
	if !ok {
		return nil, usage("--dns: node %s does not have the role region, so it has no DNS face", m.self.Name)
	}
	n.config.Regional = r
	if n.server, err = dns.New(n.config); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() {
		err := n.server.Serve(ctx, n.sockets)
		if ctx.Err() == nil {
			failed(err)
		}
		over <- err
	}()
	return func() error { stop(); return <-over }, nil
}

func (n *dnsFace) close() {
	if n != nil && n.sockets != nil {
		_ = n.sockets.Close() // who served there may have closed it
	}
}

// samples are the metrics of the DNS face.
func (n *dnsFace) samples() (out []rest.Sample) {
	if n == nil || n.server == nil {
		return nil
	}
	c := n.server.Counts()
	total := func(name, help string, v uint64, labels ...gazetteer.Label) {
		out = append(out, rest.Sample{Name: "gazetteer_dns_" + name + "_total", Help: help, Counter: true, Labels: labels, Value: float64(v)})
	}
	for _, r := range c.Responses {
		total("responses", "DNS responses by transport and code.", r.Count, gazetteer.Label{Key: "transport", Value: r.Transport}, gazetteer.Label{Key: "rcode", Value: r.Rcode})
	}
	total("ignored", "Packets that were no queries.", c.Ignored)
	total("limited", "Responses that were not sent because their network had had its share.", c.Limited)
	total("slipped", "Responses that told to come over TCP, or with a cookie.", c.Slipped)
	total("shed", "Queries for which there was no room.", c.Shed)
	total("evicted", "Connections that made room for others.", c.Evicted)
	return append(out, rest.Sample{Name: "gazetteer_dns_connections", Help: "DNS connections over TCP.", Value: float64(c.Connections)})
}
