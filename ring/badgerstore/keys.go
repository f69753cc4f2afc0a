package badgerstore

import (
	"encoding/binary"

	"gazetteer"
)

// Keys begin with an area. All that belongs to one partition has one prefix:
//
//	root                                    what is remembered of the store as a whole
//	intent | number                         a part of a large save, see commitLarge
//	intentHead                              such a save is whole
//	journal | time | conflict               the conflict journal by time
//	journalKey | conflict                   its time, by conflict
//	partition | type | index | kind | …     see the kinds
//
// A partition is the length of its type in one byte, the type, and the index in four
// bytes; all numbers are big-endian, so that keys sort as what they stand for.
const (
	areaRoot byte = 1 + iota
	areaIntent
	areaIntentHead
	areaJournal
	areaJournalKey
	areaPartition
)

// The kinds of what is kept of a partition. What is remembered of it comes first, so
// that Open reads it in one go.
const (
	kindState     byte = 1 + iota // what is remembered of it besides the vectors
	kindVector                    // origin -> sequence number held
	kindCollected                 // origin -> sequence number up to which tombstones may be gone
	kindRecord                    // id -> the encoded updates of one resource
	kindPart                      // id, number -> a part of a record that is large
	kindIndex                     // origin, sequence number -> element
	kindTombstone                 // clock, element -> nothing
)

const (
	maxRecordKey = 2 + 63 + 4 + 1 + gazetteer.MaxIDBytes
	maxKey       = 2 + 63 + 4 + 1 + 8 + 2*(1+gazetteer.MaxIDBytes)
)

func rootKey() []byte       { return []byte{areaRoot} }
func intentHeadKey() []byte { return []byte{areaIntentHead} }

func intentKey(n int) []byte { return binary.BigEndian.AppendUint32([]byte{areaIntent}, uint32(n)) }

func appendPartition(dst []byte, p gazetteer.Partition) []byte {
	dst = append(dst, areaPartition, byte(len(p.Type)))
	dst = append(dst, p.Type...)
	return binary.BigEndian.AppendUint32(dst, p.Index)
}

// partitionBytes returns how many bytes of a key name the partition.
func partitionBytes(key []byte) int { return 2 + int(key[1]) + 4 }

func appendKind(dst []byte, p gazetteer.Partition, kind byte) []byte {
	return append(appendPartition(dst, p), kind)
}

func appendRecordKey(dst []byte, p gazetteer.Partition, id gazetteer.ID) []byte {
	return append(appendKind(dst, p, kindRecord), id...)
}

// appendPartKey appends the key of the n-th part of the record with the key.
func appendPartKey(dst, record []byte, n int) []byte {
	from := len(dst)
	dst = append(dst, record...)
	dst[from+partitionBytes(record)] = kindPart
	return binary.BigEndian.AppendUint16(dst, uint16(n))
}

func appendOrigin(dst []byte, o gazetteer.Origin) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(o.Store))
	return binary.BigEndian.AppendUint64(dst, o.Incarnation)
}

func appendVectorKey(dst []byte, p gazetteer.Partition, kind byte, o gazetteer.Origin) []byte {
	return appendOrigin(appendKind(dst, p, kind), o)
}

func appendIndexKey(dst []byte, p gazetteer.Partition, at gazetteer.Position) []byte {
	dst = appendOrigin(appendKind(dst, p, kindIndex), at.Origin)
	return binary.BigEndian.AppendUint64(dst, at.Seq)
}

func appendTombstoneKey(dst []byte, p gazetteer.Partition, c gazetteer.Clock, e gazetteer.Element) []byte {
	dst = binary.BigEndian.AppendUint64(appendKind(dst, p, kindTombstone), uint64(c))
	return appendElement(dst, e)
}

// appendElement appends an element so that where it ends is known.
func appendElement(dst []byte, e gazetteer.Element) []byte {
	dst = append(append(dst, byte(len(e.ID))), e.ID...)
	return append(append(dst, byte(len(e.Location))), e.Location...)
}

// parser takes the parts off the front of a key or a value that has been verified.
type parser struct {
	b   []byte
	bad bool
}

func (p *parser) take(n int) []byte {
	if p.bad || n < 0 || n > len(p.b) {
		p.bad = true
		return nil
	}
	out := p.b[:n]
	p.b = p.b[n:]
	return out
}

func (p *parser) byte() byte {
	if b := p.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (p *parser) uint32() uint32 {
	if b := p.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (p *parser) uint64() uint64 {
	if b := p.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (p *parser) uvarint() uint64 {
	n, size := binary.Uvarint(p.b)
	if size <= 0 {
		p.bad = true
		return 0
	}
	p.take(size)
	return n
}

func (p *parser) text() string { return string(p.take(int(p.byte()))) }

func (p *parser) origin() gazetteer.Origin {
	return gazetteer.Origin{Store: gazetteer.StoreID(p.uint64()), Incarnation: p.uint64()}
}

func (p *parser) element() gazetteer.Element {
	return gazetteer.Element{ID: gazetteer.ID(p.text()), Location: gazetteer.LocationID(p.text())}
}

// partition takes the name of a partition, the area before it included.
func (p *parser) partition() gazetteer.Partition {
	if p.byte() != areaPartition {
		p.bad = true
	}
	return gazetteer.Partition{Type: gazetteer.Type(p.text()), Index: p.uint32()}
}

// done reports whether everything was taken and well-formed.
func (p *parser) done() bool { return !p.bad && len(p.b) == 0 }
