package main

import (
	"context"
	"fmt"
	"time"
)

// benchMemory fills a service, measures what it takes while it answers, and how long
// the next start takes until it is ready.
func benchMemory(ctx context.Context, o options, t *table) error {
	s, err := startService(ctx, o, "memory")
	if err != nil {
		return err
	}
	if err := s.fill(ctx, o.records); err != nil {
		return firstOf(err, s.stop())
	}
	anon, err := anonWhileServing(s, o)
	if err := firstOf(err, s.stop()); err != nil {
		return err
	}
	t.line(fmt.Sprintf("anonymous memory after the import, serving %d records", o.records), fmt.Sprintf("%d MiB, %d bytes a record", anon>>20, anon/int64(o.records)), "at most 1024 MiB for 1000000")

	begin := time.Now()
	if s, err = resumeService(ctx, o, s.dir); err != nil {
		return err
	}
	ready := time.Since(begin)
	anon, err = anonWhileServing(s, o)
	if err := firstOf(err, s.stop()); err != nil {
		return err
	}
	t.line("  after a restart", fmt.Sprintf("%d MiB, %d bytes a record", anon>>20, anon/int64(o.records)), "")
	t.line("  restart to ready", short(ready.Seconds())+" s", "at most 10 s for 1000000")
	return nil
}

// anonWhileServing returns the most that was seen in a few rounds of load.
func anonWhileServing(s *service, o options) (most int64, err error) {
	for range o.pairs {
		if _, err := drive(s.addr, conns, 0, o.round, resolveOf(o.records)); err != nil {
			return 0, err
		}
		anon, err := anonOf(s.pid())
		if err != nil {
			return 0, err
		}
		most = max(most, anon)
	}
	return most, nil
}
