package badgerstore

import (
	"sync"

	"gazetteer"

	"github.com/VictoriaMetrics/fastcache"
)

const (
	stripes = 256
	// maxCached is what fastcache takes as key and value.
	maxCached = 64<<10 - 8
)

// cache holds encoded records of resources that were read or written, by key. A save
// puts its records in before it is acknowledged; a reader that missed puts in what it
// read only if no save has touched the key's stripe since before it read. So what the
// cache holds is never older than what was acknowledged.
//
// An empty value says that nothing is held.
type cache struct {
	records *fastcache.Cache
	stripes [stripes]stripe
}

type stripe struct {
	mu         sync.Mutex // held while the cache changes
	generation uint64     // counts the saves that touched the stripe
	_          [48]byte   // a cache line each
}

func newCache(bytes int) *cache { return &cache{records: fastcache.New(bytes)} }

// get appends the record under the key to dst.
func (c *cache) get(dst, key []byte) ([]byte, bool) { return c.records.HasGet(dst, key) }

func (c *cache) stripe(key []byte) *stripe { return &c.stripes[gazetteer.HashBytes(key)%stripes] }

// generation is what a reader notes before it reads from the database.
func (c *cache) generation(key []byte) uint64 {
	s := c.stripe(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation
}

// fill puts in what a reader found, unless a save came in between.
func (c *cache) fill(key, record []byte, generation uint64) {
	s := c.stripe(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation == generation {
		c.set(key, record)
	}
}

// update puts in what a save wrote.
func (c *cache) update(key, record []byte) {
	s := c.stripe(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	c.set(key, record)
}

func (c *cache) set(key, record []byte) {
	if len(key)+len(record) > maxCached {
		c.records.Del(key) // fastcache would keep the older one
		return
	}
	c.records.Set(key, record)
}

// close gives the memory back.
func (c *cache) close() { c.records.Reset() }
