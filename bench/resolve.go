package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

const (
	conns = 64
	// baseRecords is the catalogue that a larger one is compared with.
	baseRecords = 100_000
)

// benchResolve compares a resolve through the whole path with a bare handler that writes
// as many constant bytes, and a large catalogue with one of baseRecords.
func benchResolve(ctx context.Context, o options, t *table) error {
	sizes := []int{o.records}
	if o.records > baseRecords {
		sizes = append(sizes, baseRecords)
	}
	var targets []*target
	for _, records := range sizes {
		s, err := startService(ctx, o, "resolve")
		if err != nil {
			return err
		}
		defer s.stop()
		if err := s.fill(ctx, records); err != nil {
			return err
		}
		targets = append(targets, &target{pid: s.pid(), addr: s.addr, ask: resolveOf(records)})
	}
	return compareResolve(ctx, o, t, targets)
}

func compareResolve(ctx context.Context, o options, t *table, targets []*target) error {
	ours := targets[0]
	body, err := fetch(ours.addr, ours.ask(nil, seeded()))
	if err != nil {
		return err
	}
	p, addr, err := startBare(ctx, len(body))
	if err != nil {
		return err
	}
	defer p.stop()
	bare := &target{pid: p.pid(), addr: addr, ask: ours.ask}
	if err := interleave(o, append(targets, bare)); err != nil {
		return err
	}
	t.line(fmt.Sprintf("resolve, %d records, %d connections, %d bytes: CPU", o.records, conns, len(body)), spreadOf(ours.cpu).String()+" µs", "")
	t.line("  bare gin handler, as many bytes: CPU", spreadOf(bare.cpu).String()+" µs", "")
	t.line("  ratio of CPU", spreadOf(ratios(ours.cpu, bare.cpu)).String(), "at most 1.5, aim 1.15")
	t.line("  requests a second", spreadOf(ours.rate).String(), "")
	t.line("  bare gin handler: requests a second", spreadOf(bare.rate).String(), "")
	if len(targets) > 1 {
		t.line(fmt.Sprintf("  ratio of CPU to %d records", baseRecords), spreadOf(ratios(ours.cpu, targets[1].cpu)).String(), "at most 1.1")
	}
	return nil
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
	ask       request
	cpu, rate []float64
}

// interleave loads the targets in turns: what else the machine does hits all of them.
func interleave(o options, targets []*target) error {
	for i := range o.pairs + 1 {
		for _, x := range targets {
			cpu, rate, err := x.round(o.round)
			if err != nil {
				return err
			}
			if i > 0 { // the first round warms up
				x.cpu, x.rate = append(x.cpu, cpu), append(x.rate, rate)
			}
		}
	}
	return nil
}

func (x *target) round(d time.Duration) (cpu, rate float64, err error) {
	before, err := cpuOf(x.pid)
	if err != nil {
		return 0, 0, err
	}
	l, err := drive(x.addr, conns, 0, d, x.ask)
	if err != nil {
		return 0, 0, err
	}
	after, err := cpuOf(x.pid)
	return micros(after-before) / float64(l.requests), l.rate(), err
}
