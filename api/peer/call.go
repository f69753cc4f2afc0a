package peer

import (
	"sync"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region"
)

// call is one request under way. Its fields up to the result are set by the caller
// before it is queued, the result by whoever takes it out of its connection's table:
// the reader, or the end of the connection.
type call struct {
	head header // without length, id and micros
	key  gazetteer.Key
	body []byte // the payload, if the method is not Read

	session []byte // of a Read: see pb.ReadRequest

	dst   []byte // of a Read: the record is appended here
	info  region.ReadInfo
	reply []byte        // of other methods: the payload of the last part
	parts [][]byte      // of the parts before it
	took  time.Duration // of an echo: from when it was queued until its reply was read
	err   error
	done  chan struct{} // one token when the result is there

	// What the connection notes of it, under its lock.
	id      uint32
	queued  time.Time // of an echo
	until   tick      // when the janitor gives up
	epoch   uint32    // where the request waits to be written, see outbox.epoch
	at      int
	size    int  // of parts
	written bool // it was (perhaps) written when the connection broke
}

// maxBody bounds the payload of the request.
func (c *call) maxBody() int {
	if c.head.code == methodService {
		return maxServiceFrame
	}
	return maxRequestBytes
}

// callPool keeps calls that are over.
type callPool struct{ p sync.Pool }

func (p *callPool) take(method, role byte) *call {
	c, ok := p.p.Get().(*call)
	if !ok {
		c = &call{done: make(chan struct{}, 1)}
	}
	c.head = header{code: method, role: role}
	return c
}

// release gives c back; nothing may refer to it any more.
func (p *callPool) release(c *call) {
	*c = call{done: c.done}
	p.p.Put(c)
}

func (c *call) finish(err error) {
	c.err = err
	c.done <- struct{}{}
}

// complete takes the last part of a reply. The payload is the reader's memory.
func (c *call) complete(h header, payload []byte, names *interner) {
	switch {
	case h.code == statusError:
		c.finish(decodeError(payload))
	case c.head.code == methodRead:
		c.finish(c.completeRead(payload, names))
	case c.head.code == methodEcho:
		c.took = time.Since(c.queued)
		c.finish(nil)
	default:
		c.reply = append([]byte(nil), payload...)
		c.finish(nil)
	}
}

func (c *call) completeRead(payload []byte, names *interner) error {
	var i pb.ReadInfo
	record, err := pb.DecodeReadReply(payload, &i)
	if err != nil {
		return err
	}
	c.dst = append(c.dst, record...)
	c.info.Node = gazetteer.NodeID(names.of(i.Node))
	c.info.Ring = names.of(i.Ring)
	c.info.Staleness = duration(i.StalenessNanos)
	c.info.Degraded = i.Degraded
	c.info.Covered = i.Covered
	c.info.Region = gazetteer.RegionID(names.of(i.Region))
	for _, h := range i.Hops {
		c.info.Hops = append(c.info.Hops, region.Hop{Role: names.of(h.Role), Name: names.of(h.Name), Took: duration(h.TookNanos)})
	}
	return nil
}

func decodeError(payload []byte) error {
	var e pb.PeerError
	if err := e.UnmarshalVT(payload); err != nil {
		return broken("peer.Call", "the peer's error is malformed", err)
	}
	return fromWire(&e)
}
