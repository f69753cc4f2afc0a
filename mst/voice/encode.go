package voice

import (
	"encoding/binary"
	"time"

	"gazetteer"
	"gazetteer/mst"
)

// Formats are the first byte of what this package encodes. A reader refuses every other.
const (
	formatMessage = 1
	formatSaved   = 1
)

// Limits of what is decoded. A planet stays far below them; they bound what a stranger
// can make a region keep.
const (
	maxRegions = 1024
	maxCost    = 1<<40 - 1 // 12 days of round-trip time
	maxWeight  = 1<<53 - 1 // of a tree
	maxLevel   = 64        // of a fragment: one of level L has at least 2^L regions
	paceMax    = 2 * time.Minute
)

// maskHearing is where an entry has its Hearing; its flags stand above.
const maskHearing = 1<<3 - 1

// Flags of an entry.
const (
	flagSeen = (maskHearing + 1) << iota
	flagTree
	flagAsks
	flagsEnd
)

// Encode returns the bytes of a message, see [Decode].
func Encode(m Message) []byte {
	dst := []byte{formatMessage, byte(m.Kind())}
	switch m := m.(type) {
	case Word:
		return appendWord(dst, m)
	case Call:
		dst = appendOpening(dst, m.Epoch, m.Nearest)
		return appendBool(dst, m.Ask)
	case Offer:
		return uvarint(appendOpening(dst, m.Epoch, m.Nearest), m.Cost)
	case Accept:
		return uvarint(uvarint(appendEpoch(dst, m.Epoch), m.Offered), m.Cost)
	case Confirm:
		return uvarint(appendEpoch(dst, m.Epoch), m.Cost)
	case Decline:
		return appendEpoch(appendEpoch(dst, m.Epoch), m.Highest)
	case Frame:
		return appendFrame(dst, m)
	}
	return dst
}

func appendWord(dst []byte, w Word) []byte {
	dst = binary.BigEndian.AppendUint64(dst, w.Voice)
	dst = uvarint(dst, w.Number)
	dst = uvarint(dst, uint64(w.Pace/time.Millisecond))
	dst = appendEpoch(appendEpoch(dst, w.Epoch), w.Tree)
	dst = uvarint(uvarint(dst, uint64(w.Regions)), w.Messages)
	dst = uvarint(dst, uint64(len(w.Entries)))
	for _, e := range w.Entries {
		dst = appendName(dst, e.Region)
		dst = append(dst, e.flags())
		dst = uvarint(dst, e.Cost)
	}
	return dst
}

func (e Entry) flags() byte {
	b := byte(e.Hearing)
	for _, f := range [...]struct {
		on   bool
		flag byte
	}{{e.Seen, flagSeen}, {e.Tree, flagTree}, {e.Asks, flagAsks}} {
		if f.on {
			b |= f.flag
		}
	}
	return b
}

func appendOpening(dst []byte, e mst.Epoch, nearest int) []byte {
	return uvarint(appendEpoch(dst, e), uint64(nearest))
}

// appendFrame: a refusal has a Stale epoch and nothing else.
func appendFrame(dst []byte, f Frame) []byte {
	dst = appendEpoch(appendEpoch(dst, f.Epoch), f.Stale)
	if f.Stale != (mst.Epoch{}) {
		return dst
	}
	dst = uvarint(uvarint(uvarint(dst, f.Cost), f.Ack), f.Seq)
	if f.Message == nil {
		return dst
	}
	return appendInner(append(dst, byte(f.Message.Kind())), f.Message)
}

func appendInner(dst []byte, m mst.Message) []byte {
	switch m := m.(type) {
	case mst.Connect:
		return uvarint(dst, uint64(m.Level))
	case mst.Initiate:
		return append(appendWeight(uvarint(dst, uint64(m.Level)), m.Fragment), byte(m.State))
	case mst.Test:
		return appendWeight(uvarint(dst, uint64(m.Level)), m.Fragment)
	case mst.Report:
		dst = appendBool(dst, m.Best.Finite)
		if m.Best.Finite {
			dst = appendWeight(dst, m.Best.Weight)
		}
		return dst
	case mst.Count:
		return uvarint(uvarint(dst, uint64(m.Regions)), m.Weight)
	case mst.Install:
		return uvarint(uvarint(dst, uint64(m.Regions)), m.Weight)
	}
	return dst // the others are their kind alone
}

func appendWeight(dst []byte, w mst.Weight) []byte {
	return appendName(appendName(uvarint(dst, w.Cost), w.Low), w.High)
}

// appendEpoch: the zero epoch is one byte.
func appendEpoch(dst []byte, e mst.Epoch) []byte {
	dst = uvarint(dst, e.Counter)
	if e.Counter == 0 {
		return dst
	}
	return appendName(dst, e.Proposer)
}

func appendName(dst []byte, r gazetteer.RegionID) []byte {
	return append(append(dst, byte(len(r))), r...)
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func uvarint(dst []byte, n uint64) []byte { return binary.AppendUvarint(dst, n) }
