package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// importMost bounds the records of one import round: every pair writes them twice.
const importMost = 50_000

// benchImport compares an import over REST with the same entries written to a bare
// Badger in synced batches, and measures single PUTs.
func benchImport(ctx context.Context, o options, t *table) error {
	records := min(o.records, importMost)
	var ours, raw []float64 // seconds
	var wrote rawResult
	for range o.pairs {
		took, r, err := importPair(ctx, o, records)
		if err != nil {
			return err
		}
		ours, raw, wrote = append(ours, took.Seconds()), append(raw, r.Took.Seconds()), r
	}
	locations := float64(records * locationsEach)
	t.line(fmt.Sprintf("import over REST, %d records: locations a second", records), spreadOf(over(locations, ours)).String(), "aim 50000")
	t.line(fmt.Sprintf("  bare Badger, synced, the same %d entries, %.0f MB", wrote.Entries, float64(wrote.Bytes)/1e6), spreadOf(over(locations, raw)).String(), "")
	t.line("  ratio of rates", spreadOf(ratios(raw, ours)).String(), "at least 0.6")
	return benchPut(ctx, o, t)
}

func over(amount float64, seconds []float64) []float64 {
	out := make([]float64, len(seconds))
	for i, s := range seconds {
		out[i] = amount / s
	}
	return out
}

// importPair imports records into a new service, then writes what its store holds to a
// bare one.
func importPair(ctx context.Context, o options, records int) (took time.Duration, raw rawResult, err error) {
	s, err := startService(ctx, o, "import")
	if err != nil {
		return 0, raw, err
	}
	defer os.RemoveAll(s.dir)
	if err := s.makeType(ctx); err != nil {
		return 0, raw, firstOf(err, s.stop())
	}
	begin := time.Now()
	err = s.importRecords(ctx, func(w io.Writer) error { return catalogue(w, 0, records) })
	took = time.Since(begin)
	if err := firstOf(err, s.stop()); err != nil {
		return 0, raw, err
	}
	raw, err = rewrite(o, s.dir)
	return took, raw, err
}

// benchPut measures single writes over many connections, each durable when answered.
func benchPut(ctx context.Context, o options, t *table) error {
	s, err := startService(ctx, o, "put")
	if err != nil {
		return err
	}
	if err := s.makeType(ctx); err != nil {
		return firstOf(err, s.stop())
	}
	var rates []float64
	for i := range o.pairs + 1 {
		l, err := drive(s.addr, conns, 0, o.round, putOf(o.records))
		if err != nil {
			return firstOf(err, s.stop())
		}
		if i > 0 {
			rates = append(rates, l.rate())
		}
	}
	t.line(fmt.Sprintf("PUT of a resource, %d connections: durable writes a second", conns), spreadOf(rates).String(), "at least 5000")
	return s.stop()
}
