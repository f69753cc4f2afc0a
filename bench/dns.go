package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	benchZone = "gazetteer.bench."
	// dnsNames is how many resources are asked for, dnsFlight how many queries each client
	// has under way, as a resolver does.
	dnsNames  = 100
	dnsFlight = 4
	// dnsLost is after how long an answer is given up.
	dnsLost = 500 * time.Millisecond
)

// benchDNS compares an answer for a zone of three regions, with client subnets, with a bare
// server of the library that answers everything with constant records, and with a bare
// loop that sends back what it gets.
func benchDNS(ctx context.Context, o options, t *table) error {
	z, err := startZone(ctx, o)
	if err != nil {
		return err
	}
	defer z.stop()
	ours := &dnsTarget{pid: z.members[0].pid(), addr: z.dns}
	targets := []*dnsTarget{ours}
	for _, role := range []string{"bare-dns", "bare-udp"} {
		addr, err := freeAddr()
		if err != nil {
			return err
		}
		p, err := startSelf(role, addr)
		if err != nil {
			return err
		}
		defer p.stop()
		targets = append(targets, &dnsTarget{pid: p.pid(), addr: addr})
	}
	if err := interleaveDNS(ctx, o, targets); err != nil {
		return err
	}
	library, udp := targets[1], targets[2]
	t.line(fmt.Sprintf("DNS, 3 regions, client subnets, %d clients: CPU", conns), spreadOf(ours.cpu).String()+" µs", "")
	t.line("  bare miekg/dns server, constant records: CPU", spreadOf(library.cpu).String()+" µs", "")
	t.line("  ratio of CPU to bare miekg/dns", spreadOf(ratios(ours.cpu, library.cpu)).String(), "at most 1.5")
	t.line("  ratio of CPU to a bare UDP echo", spreadOf(ratios(ours.cpu, udp.cpu)).String(), "aim 1.2")
	t.line("  answers a second", spreadOf(ours.rate).String(), "")
	t.line("  bare miekg/dns server: answers a second", spreadOf(library.rate).String(), "")
	return nil
}

// zoned is a planet of three regions, each one process, of which the first answers over DNS.
type zoned struct {
	members []*service
	dns     string
}

func (z *zoned) stop() {
	for _, m := range z.members {
		_ = m.stop() // the figures are there
	}
}

func startZone(ctx context.Context, o options) (z *zoned, err error) {
	z = &zoned{}
	defer func() {
		if err != nil {
			z.stop()
		}
	}()
	if z.dns, err = freeAddr(); err != nil {
		return z, err
	}
	peer, err := freeAddr()
	if err != nil {
		return z, err
	}
	places := []string{"50.1,8.7", "40.7,-74", "-33.9,151.2"}
	first := []string{"--region", "r0", "--place=" + places[0], "--peer", peer, "--dns", z.dns, "--zone", benchZone, "--dns-rate", "-1"}
	if err := z.add(ctx, o, first...); err != nil {
		return z, err
	}
	for i, place := range places[1:] {
		name := "r" + strconv.Itoa(i+1)
		token, err := z.admit(ctx, name)
		if err != nil {
			return z, err
		}
		own, err := freeAddr()
		if err != nil {
			return z, err
		}
		if err := z.add(ctx, o, "--region", name, "--place="+place, "--peer", own, "--planet", peer, "--token", token); err != nil {
			return z, err
		}
	}
	if err := z.members[0].fill(ctx, dnsNames); err != nil {
		return z, err
	}
	return z, z.settle(ctx)
}

func (z *zoned) add(ctx context.Context, o options, flags ...string) error {
	dir, err := os.MkdirTemp(o.dir, "dns-")
	if err != nil {
		return err
	}
	s, err := resumeService(ctx, o, dir, flags...)
	if s != nil {
		z.members = append(z.members, s)
	}
	return err
}

// admit gets the token by which a region joins.
func (z *zoned) admit(ctx context.Context, name string) (string, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+z.members[0].addr+"/v1/regions", strings.NewReader(`{"name":"`+name+`"}`))
	if err != nil {
		return "", err
	}
	q.Header.Set("Content-Type", "application/json")
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	var a struct {
		Token string `json:"token"`
	}
	return a.Token, json.NewDecoder(r.Body).Decode(&a)
}

// settle waits until the first region names servers of two others in its zone.
func (z *zoned) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		r, err := http.Get("http://" + z.members[0].addr + "/v1/regions")
		if err == nil {
			text, _ := io.ReadAll(r.Body)
			_ = r.Body.Close()
			if strings.Count(string(text), `"state":"live"`) == 3 {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("three regions do not find one another: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// dnsTarget is a server under load, and what its rounds gave.
type dnsTarget struct {
	pid       int
	addr      string
	cpu, rate []float64
}

func interleaveDNS(ctx context.Context, o options, targets []*dnsTarget) error {
	for i := range o.pairs + 1 {
		for _, x := range targets {
			cpu, rate, err := x.round(ctx, o.round)
			if err != nil {
				return fmt.Errorf("%s: %w", x.addr, err)
			}
			if i > 0 { // the first round warms up
				x.cpu, x.rate = append(x.cpu, cpu), append(x.rate, rate)
			}
		}
	}
	return nil
}

func (x *dnsTarget) round(ctx context.Context, d time.Duration) (cpu, rate float64, err error) {
	if err := x.answers(ctx); err != nil {
		return 0, 0, err
	}
	before, err := cpuOf(x.pid)
	if err != nil {
		return 0, 0, err
	}
	n, took, err := x.drive(d)
	if err != nil {
		return 0, 0, err
	}
	after, err := cpuOf(x.pid)
	return micros(after-before) / float64(n), float64(n) / took.Seconds(), err
}

// answers waits until the server does.
func (x *dnsTarget) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		c := dnsClient{asked: dnsQueries()}
		n, err := c.run(x.addr, time.Now().Add(20*time.Millisecond), rand.New(rand.NewPCG(1, 1)))
		switch {
		case err == nil && n > 0:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("no answer: %w", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// drive asks with conns clients.
func (x *dnsTarget) drive(d time.Duration) (total int, took time.Duration, err error) {
	asked := dnsQueries()
	counts, errs := make([]int, conns), make([]error, conns)
	start := time.Now()
	var wg sync.WaitGroup
	for i := range conns {
		wg.Go(func() {
			c := dnsClient{asked: asked}
			counts[i], errs[i] = c.run(x.addr, start.Add(d), rand.New(rand.NewPCG(uint64(i), 3)))
		})
	}
	wg.Wait()
	for i := range counts {
		total += counts[i]
	}
	if total == 0 {
		return 0, 0, fmt.Errorf("no answer: %w", firstOf(errs...))
	}
	return total, time.Since(start), firstOf(errs...)
}

// dnsQueries are what is asked: half for the zone, half for a resource, each for a client.
func dnsQueries() (out [][]byte) {
	for i := range dnsNames {
		for _, name := range []string{benchZone, recordID(i) + "." + recordType + "." + benchZone} {
			m := new(dns.Msg).SetQuestion(name, dns.TypeA)
			m.SetEdns0(1232, false)
			a := netip.MustParseAddr(clients[i%len(clients)])
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 32, Address: a.AsSlice()}}
			packet, err := m.Pack()
			if err != nil {
				panic(err) // of constants
			}
			out = append(out, packet)
		}
	}
	return out
}

// dnsClient is one client with some queries under way.
type dnsClient struct{ asked [][]byte }

// run asks until the time is over, and returns how many answers came. An answer is to one of
// the queries under way; lost ones are asked again.
func (c *dnsClient) run(addr string, until time.Time, r *rand.Rand) (answers int, err error) {
	conn, err := net.Dial("udp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	buf := make([]byte, 4096)
	ask := func() error {
		_, err := conn.Write(c.asked[r.IntN(len(c.asked))])
		return err
	}
	for {
		for range dnsFlight {
			if err := ask(); err != nil {
				return answers, err
			}
		}
		for {
			now := time.Now()
			if !now.Before(until) {
				return answers, nil
			}
			_ = conn.SetReadDeadline(now.Add(dnsLost))
			n, err := conn.Read(buf)
			if os.IsTimeout(err) {
				break
			}
			if err == nil && (n < 12 || buf[2]&0x80 == 0 || buf[3]&0xf != 0) {
				err = fmt.Errorf("the answer is %x", buf[:n])
			}
			if err != nil {
				return answers, err
			}
			answers++
			if err := ask(); err != nil {
				return answers, err
			}
		}
	}
}
