package main

import (
	"context"
	"fmt"
	"time"
)

// crowd is how many watch, and how often something is put meanwhile.
type crowd struct {
	watchers int
	every    time.Duration
}

// crowds are those that other systems were measured with.
func crowds() []crowd {
	return []crowd{{1, 5 * time.Millisecond}, {100, 30 * time.Millisecond}, {1000, 250 * time.Millisecond}}
}

// watched is a server with watchers, and what its rounds gave: in µs how long a put took
// to half of them, to 99 in 100, and to the last, and the server's CPU for one delivery.
type watched struct {
	pid            int
	addr           string
	crowd          *audience
	p50, p99, last []float64
	cpu            []float64
}

// benchWatch measures how long it takes from a put to all who watch.
func benchWatch(ctx context.Context, o options, t *table) error {
	for _, c := range o.crowds {
		if err := benchCrowd(ctx, o, c, t); err != nil {
			return err
		}
	}
	return benchHeld(ctx, o, t)
}

func benchCrowd(ctx context.Context, o options, c crowd, t *table) error {
	s, err := startService(ctx, o, "watch")
	if err != nil {
		return err
	}
	defer s.stop()
	if err := s.makeType(ctx); err != nil {
		return err
	}
	p, addr, err := startBareWatch(ctx)
	if err != nil {
		return err
	}
	defer p.stop()
	ours, bare := &watched{pid: s.pid(), addr: s.addr}, &watched{pid: p.pid(), addr: addr}
	for _, w := range []*watched{ours, bare} {
		if w.crowd, err = gatherAudience(w.addr, c.watchers); err != nil {
			return err
		}
		defer w.crowd.close()
	}
	if err := interleaveWatched(o, c, []*watched{ours, bare}); err != nil {
		return err
	}
	t.line(fmt.Sprintf("put to watchers, %d of them: p50", c.watchers), spreadOf(ours.p50).String()+" µs", "")
	t.line("  p99", spreadOf(ours.p99).String()+" µs", "")
	t.line("  the last of them, p50", spreadOf(ours.last).String()+" µs", bar(c, "33 ms"))
	t.line("  CPU of the server for a delivery", spreadOf(ours.cpu).String()+" µs", bar(c, "16 µs"))
	t.line("  bare gin handler that streams: the last, p50", spreadOf(bare.last).String()+" µs", "")
	t.line("  bare gin handler that streams: CPU", spreadOf(bare.cpu).String()+" µs", "")
	t.line("  ratio of CPU for a delivery", spreadOf(ratios(ours.cpu, bare.cpu)).String(), "")
	return nil
}

func bar(c crowd, most string) string {
	if c.watchers < 1000 {
		return ""
	}
	return "aim " + most
}

// interleaveWatched puts to each in turns. The first round warms up.
func interleaveWatched(o options, c crowd, targets []*watched) error {
	for i := range o.pairs + 1 {
		for _, w := range targets {
			if err := w.round(c, max(2, int(o.round/c.every)), i > 0); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *watched) round(c crowd, puts int, counts bool) error {
	before, err := cpuOf(w.pid)
	if err != nil {
		return err
	}
	var all, last []float64
	for range puts {
		due := time.Now().Add(c.every)
		took, err := w.crowd.put()
		if err != nil {
			return err
		}
		for _, d := range took {
			all = append(all, micros(d))
		}
		last = append(last, micros(took[len(took)-1]))
		time.Sleep(time.Until(due))
	}
	after, err := cpuOf(w.pid)
	if err != nil || !counts {
		return err
	}
	w.p50, w.p99 = append(w.p50, quantile(all, 0.5)), append(w.p99, quantile(all, 0.99))
	w.last = append(w.last, quantile(last, 0.5))
	w.cpu = append(w.cpu, micros(after-before)/float64(len(all)))
	return nil
}

// benchHeld measures what watchers to whom little happens take.
func benchHeld(ctx context.Context, o options, t *table) error {
	s, err := startService(ctx, o, "held")
	if err != nil {
		return err
	}
	defer s.stop()
	if err := s.makeType(ctx); err != nil {
		return err
	}
	before, err := anonWithAudience(s, 1)
	if err != nil {
		return err
	}
	after, err := anonWithAudience(s, o.held)
	if err != nil {
		return err
	}
	each := float64(after-before) / float64(o.held) / 1024
	t.line(fmt.Sprintf("anonymous memory for each of %d watchers", o.held), short(each)+" KiB", "at most 40")
	return nil
}

// anonWithAudience returns what a service takes when each of so many watchers has had two
// puts.
func anonWithAudience(s *service, watchers int) (int64, error) {
	a, err := gatherAudience(s.addr, watchers)
	if err != nil {
		return 0, err
	}
	defer a.close()
	for range 2 {
		if _, err := a.put(); err != nil {
			return 0, err
		}
	}
	return anonOf(s.pid())
}
