package main

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pires/go-proxyproto"
)

// proxyHeaderTimeout is how long a load balancer may take to say for whom it connects.
const proxyHeaderTimeout = 5 * time.Second

// behindProxies has connections of trusted load balancers begin with the PROXY protocol's
// header, version 1 or 2 (HAProxy's proxy-protocol.txt): the client is who it names. One
// that comes without is a check of the load balancer's own. What others send is read as it
// comes, so a header of theirs is a bad request.
func behindProxies(l net.Listener, trusted []netip.Prefix) net.Listener {
	return &proxyproto.Listener{
		Listener:          l,
		ReadHeaderTimeout: proxyHeaderTimeout,
		ConnPolicy: func(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			peer, err := netip.ParseAddrPort(o.Upstream.String())
			if err != nil || !slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) }) {
				return proxyproto.SKIP, nil
			}
			return proxyproto.USE, nil
		},
	}
}

// proxied is a listener as the flags want it.
func proxied(l net.Listener, speaks bool, trusted []netip.Prefix) net.Listener {
	if !speaks {
		return l
	}
	return behindProxies(l, trusted)
}

// checkProxied holds that somebody may use the protocol.
func checkProxied(speaks bool, trusted []string) error {
	if speaks && len(trusted) == 0 {
		return usage("--proxy-protocol needs --trusted-proxies: the networks of the load balancers that speak it")
	}
	return nil
}
