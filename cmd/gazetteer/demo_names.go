package main

import (
	"context"
	"fmt"
	"net"
)

// openDemoNames gives the first region of a demo a DNS face. Whoever reaches it may ask why.
func (s *service) openDemoNames(ctx context.Context, f *demoFlags, w *world) (err error) {
	if f.dns == "" || s.region != w.regions[0].name {
		return nil
	}
	n := nameFlags{addr: f.dns, zone: f.zone, nameservers: []string{"ns." + f.zone + "=127.0.0.1"}, explain: []string{"127.0.0.0/8", "::1/128"}, rate: -1}
	s.names, err = n.open(ctx, s.self.Name)
	return err
}

// explainNames prints how to ask the same over DNS.
func (d *demo) explainNames() {
	f := d.names
	host, port, err := net.SplitHostPort(f.dns)
	if err != nil {
		return
	}
	if host == "" {
		host = "127.0.0.1"
	}
	dig := fmt.Sprintf("dig @%s -p %s +short", host, port)
	fmt.Fprintf(d.app.out, `
  # Over DNS: which region is a client in London sent to, and one in Melbourne?
  %[1]s +subnet=81.2.69.160/32 TXT %[2]s
  %[1]s +subnet=214.0.1.0/24 TXT %[2]s

  # The nearest server of a resource for each, and why:
  %[1]s +subnet=81.2.69.160/32 A ndt.service.%[2]s
  %[1]s +subnet=81.2.69.160/32 +tcp TXT _explain.ndt.service.%[2]s
`, dig, f.zone)
}
