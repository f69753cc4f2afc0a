package control

import (
	"net"
	"net/netip"

	"gazetteer"
)

// HTTP returns where clients reach a node's REST face, host:port; "" if it has none or the
// plan does not know it. One that listens on every address of its machine is reached at the
// one at which other servers reach it.
func (p *Plan) HTTP(n gazetteer.NodeID) string {
	m, ok := p.Member(n)
	if !ok {
		return ""
	}
	host, port, err := net.SplitHostPort(m.HTTP)
	if err != nil {
		return ""
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		if host, _, err = net.SplitHostPort(m.Addr); err != nil || host == "" {
			return ""
		}
	}
	return net.JoinHostPort(host, port)
}
