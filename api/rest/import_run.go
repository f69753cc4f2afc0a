package rest

import (
	"bytes"
	"context"
	"io"
	"sync"
	"sync/atomic"

	"gazetteer"
	"gazetteer/region"
)

// An importRun is one import under way. Two goroutines share it: one reads and parses
// lines, the other writes what has gathered meanwhile. There is one write at a time, so
// of two lines for one resource the later wins.
type importRun struct {
	regional region.Regional
	kind     gazetteer.Type
	options  writeOptions
	body     *patientBody
	lines    *lines
	parse    reader
	queue    *importQueue

	acknowledged, created, below atomic.Int64

	failed *importFailure // the writer's; others see it once it has ended
}

// importFailure is the first line that was refused, and why.
type importFailure struct {
	line int64
	err  error
}

// run imports the whole body and returns what ended it early, nil if nothing did.
func (n *importRun) run(ctx context.Context) *importFailure {
	var writer sync.WaitGroup
	writer.Go(func() { n.write(ctx) })
	failure := n.read()
	n.queue.close()
	writer.Wait()
	if n.failed != nil {
		return n.failed // a line before the one that could not be read
	}
	return failure
}

// read queues changes until the body ends, a line is refused or the writer has failed.
func (n *importRun) read() *importFailure {
	for {
		line, err := n.lines.next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			err = n.body.error(err)
		case len(bytes.TrimSpace(line)) > 0:
			err = n.add(line)
		}
		if err != nil {
			return &importFailure{n.lines.number, err}
		}
	}
}

// add parses a line and queues what it says.
func (n *importRun) add(line []byte) error {
	ch := region.Change{Key: gazetteer.Key{Type: n.kind}, Ack: n.options.ack, Deadline: n.options.deadline}
	if err := n.parse.document(string(line), &ch); err != nil {
		return malformed(err)
	}
	n.parse.letGo(n.queue.full)
	if !n.queue.put(ch, n.lines.number, len(line)) {
		return errStopped
	}
	return nil
}

// errStopped ends the reading after the writer has failed; his failure is the one that
// is told.
var errStopped = refused(gazetteer.Internal, "", "the writer has failed")

// write writes batch after batch until the end or the first failure.
func (n *importRun) write(ctx context.Context) {
	for b := n.queue.take(); b != nil; b = n.queue.take() {
		n.settle(b, n.regional.Write(ctx, b.changes))
		if n.failed != nil {
			n.queue.stop()
			n.body.interrupt()
			return
		}
	}
}

// settle counts what became of a batch and notes its first failure.
func (n *importRun) settle(b *importBatch, receipts []region.Receipt) {
	var acknowledged, created, below int64
	for i := range receipts {
		r := &receipts[i]
		if r.Err != nil {
			if n.failed == nil {
				n.failed = &importFailure{b.lines[i], r.Err}
			}
			continue
		}
		acknowledged++
		if r.Created {
			created++
		}
		if r.Reached < n.options.ack {
			below++
		}
	}
	n.created.Add(created)
	n.below.Add(below)
	n.acknowledged.Add(acknowledged)
}
