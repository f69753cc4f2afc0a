package agent

import (
	"sync"

	"gazetteer"
	"gazetteer/ring"
)

const (
	// readersMax is how many scans read at once: more would only take the disk and the
	// processor from lookups.
	readersMax = 2
	// A chunk ends at either of these.
	chunkUpdatesMax = 256
	chunkBytesMax   = 256 << 10
)

// scan is one that the core has asked for and not ended. Its snapshot is opened by the
// loop, behind the save, and read by one goroutine at a time.
type scan struct {
	ring.Scan
	snapshot  ring.Snapshot
	after     gazetteer.Position
	reading   bool
	cancelled bool
}

// readers are the goroutines that read chunks: no more than there are open scans, which
// the core bounds, and no more than readersMax at work.
type readers struct {
	sync.WaitGroup
	places chan struct{}
}

// chunk is the input by which a goroutine hands back a scan.
type chunk struct {
	scan    *scan
	updates []gazetteer.Update
	ended   bool
	err     error
}

func (a *agent) openScans(ss []ring.Scan) {
	for _, s := range ss {
		a.scans[s.ID] = &scan{Scan: s, snapshot: a.store.Snapshot()}
		a.read(a.scans[s.ID])
	}
}

func (a *agent) readOn(ids []ring.ScanID) {
	for _, id := range ids {
		if s := a.scans[id]; s != nil && !s.reading {
			a.read(s)
		}
	}
}

// read lets a goroutine read the next chunk.
func (a *agent) read(s *scan) {
	s.reading = true
	a.readers.Go(func() {
		select {
		case a.readers.places <- struct{}{}:
		case <-a.done:
			return
		}
		c := s.next()
		<-a.readers.places
		a.put(c)
	})
}

// next reads up to the bounds of one chunk. A scan is sought anew for each: an iterator
// that stays open would hold its tables for as long as a slow peer takes.
func (s *scan) next() chunk {
	c, bytes := chunk{scan: s, ended: true}, 0
	for u, err := range s.snapshot.Scan(s.Partition, s.Above, s.after) {
		if err != nil {
			c.err = err
			return c
		}
		if len(c.updates) == chunkUpdatesMax || bytes >= chunkBytesMax {
			c.ended = false
			break
		}
		c.updates = append(c.updates, u)
		bytes += u.Size()
		s.after = u.Position
	}
	return c
}

func (c chunk) apply(a *agent, b *batch) {
	s := c.scan
	s.reading = false
	if c.err != nil {
		a.failed = storeFailed("scanning", c.err)
	}
	if c.ended || s.cancelled || c.err != nil {
		s.snapshot.Close()
		delete(a.scans, s.ID)
	}
	if c.err == nil {
		a.core.Scanned(ring.Chunk{ID: s.ID, Updates: c.updates, Done: c.ended})
	}
}

// cancelScans closes what nobody wants any more: at once, or when its reader comes back.
func (a *agent) cancelScans(ids []ring.ScanID) {
	for _, id := range ids {
		s := a.scans[id]
		if s == nil {
			continue
		}
		s.cancelled = true
		if !s.reading {
			s.snapshot.Close()
			delete(a.scans, id)
		}
	}
}
