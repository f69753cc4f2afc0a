package dns

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math"
	"net/netip"
	"sync/atomic"
	"time"

	"gazetteer/region/geo"
)

const (
	// cacheFor is how long a reply is given again without asking the region anew: what is
	// written shows after this time at the latest. Whatever the planet says anew shows at
	// once.
	cacheFor = time.Second
	// cacheSlots times cacheBytes bounds the cache's memory.
	cacheSlots = 8192
	cacheBytes = 4096
)

// cache keeps replies by question and place. It is a table in which a reply has two slots
// to go to: what is not there is found out again, so nothing has to be exact, and readers
// take no lock.
type cache struct {
	seed  maphash.Seed
	slots [cacheSlots]atomic.Pointer[kept]
}

// kept is a reply in the cache.
type kept struct {
	key        []byte
	generation uint64 // of the planet
	until      int64  // nanoseconds on the server's clock
	turn       atomic.Uint32
	// packed is nil if the reply depends on the client's network, too: then it is kept
	// under a key that has that.
	packed *packed
}

func newCache() *cache { return &cache{seed: maphash.MakeSeed()} }

// appendKey appends what a reply depends on: the question, and the place without its
// network.
func appendKey(dst, wire []byte, qtype uint16, p *geo.Place) []byte {
	dst = append(dst, wire...)
	dst = binary.BigEndian.AppendUint16(dst, qtype)
	dst = binary.BigEndian.AppendUint64(dst, p.Measured)
	if p.Located {
		dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(p.Point.Lat))
		dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(p.Point.Lon))
	}
	dst = append(append(dst, 0), p.Country...)
	dst = append(append(dst, 0), p.Region...)
	return append(append(dst, 0), p.Method...)
}

// appendNetwork appends the network that settles between equals.
func appendNetwork(dst []byte, a netip.Addr) []byte {
	b := drawNetwork(a).Addr().As16()
	return append(append(dst, 0), b[:]...)
}

// find returns what is kept under a key and still holds, nil if nothing is.
func (c *cache) find(key []byte, generation uint64, now int64) *kept {
	h := maphash.Bytes(c.seed, key)
	for i := range uint64(2) {
		k := c.slots[(h^i)%cacheSlots].Load()
		if k != nil && k.generation == generation && now < k.until && bytes.Equal(k.key, key) {
			return k
		}
	}
	return nil
}

// put keeps a reply, in the place of what holds no more if possible.
func (c *cache) put(key []byte, generation uint64, now int64, p *packed) {
	if p != nil && p.size() > cacheBytes {
		return
	}
	k := &kept{key: bytes.Clone(key), generation: generation, until: now + int64(cacheFor), packed: p}
	h := maphash.Bytes(c.seed, key)
	slot := &c.slots[h%cacheSlots]
	if old := slot.Load(); old != nil && old.generation == generation && now < old.until && !bytes.Equal(old.key, key) {
		slot = &c.slots[(h^1)%cacheSlots]
	}
	slot.Store(k)
}
