package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

const conns = 64

// benchResolve compares a resolve through the whole path with a bare handler that writes
// as many constant bytes.
func benchResolve(ctx context.Context, o options, t *table) error {
	s, err := startService(ctx, o, "resolve")
	if err != nil {
		return err
	}
	if err := s.fill(ctx, o.records); err != nil {
		return firstOf(err, s.stop())
	}
	err = compareResolve(ctx, o, t, s)
	return firstOf(err, s.stop())
}

func compareResolve(ctx context.Context, o options, t *table, s *service) error {
	ask := resolveOf(o.records)
	body, err := fetch(s.addr, ask(nil, seeded()))
	if err != nil {
		return err
	}
	bare, addr, err := startBare(ctx, len(body))
	if err != nil {
		return err
	}
	ours := &target{pid: s.pid(), addr: s.addr}
	theirs := &target{pid: bare.pid(), addr: addr}
	if err := interleave(o, ask, ours, theirs); err != nil {
		return firstOf(err, bare.stop())
	}
	what := fmt.Sprintf("resolve, %d records, %d connections, %d bytes", o.records, conns, len(body))
	t.line(what+": CPU", spreadOf(ours.cpu).String()+" µs", "")
	t.line("  bare gin handler: CPU", spreadOf(theirs.cpu).String()+" µs", "")
	t.line("  ratio of CPU", spreadOf(ratios(ours.cpu, theirs.cpu)).String(), "at most 1.5, aim 1.15")
	t.line("  requests a second, ratio", spreadOf(ours.rate).String()+", "+short(spreadOf(ratios(ours.rate, theirs.rate)).median), "")
	return bare.stop()
}

func startBare(ctx context.Context, size int, next ...string) (*process, string, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, "", err
	}
	p, err := startSelf("bare", append([]string{addr, strconv.Itoa(size)}, next...)...)
	if err != nil {
		return nil, "", err
	}
	ready, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return p, addr, p.ready(ready, "http://"+addr+"/livez")
}

// target is a server under load and what its rounds gave: CPU in µs for each request,
// and requests a second.
type target struct {
	pid       int
	addr      string
	cpu, rate []float64
}

// interleave loads both targets in turns: what else the machine does hits both.
func interleave(o options, ask request, a, b *target) error {
	for i := range o.pairs + 1 {
		for _, x := range []*target{a, b} {
			cpu, rate, err := x.round(o.round, ask)
			if err != nil {
				return err
			}
			if i > 0 { // the first pair warms up
				x.cpu, x.rate = append(x.cpu, cpu), append(x.rate, rate)
			}
		}
	}
	return nil
}

func (x *target) round(d time.Duration, ask request) (cpu, rate float64, err error) {
	before, err := cpuOf(x.pid)
	if err != nil {
		return 0, 0, err
	}
	l, err := drive(x.addr, conns, 0, d, ask)
	if err != nil {
		return 0, 0, err
	}
	after, err := cpuOf(x.pid)
	return micros(after-before) / float64(l.requests), l.rate(), err
}
