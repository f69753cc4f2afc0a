package geo

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// trie holds values by network and finds, in one walk, both the value of the longest
// network around an address and how wide the network around it is in which all
// addresses have the same one. Libraries have the first only. It is a binary radix tree
// with compressed paths (Sedgewick's "Patricia"): as deep as the logarithm of the number
// of networks, in practice.
type trie struct{ nodes []node }

// node is a network with a value, or one at which two others part. The root, of no
// bits, always stands at 0: no node has it below, so 0 means none there.
type node struct {
	key   key
	below [2]int32 // by the first bit behind the node's own
	value int32
	bits  uint8
}

// noValue is the value of a network that nothing is known of.
const noValue int32 = -1

// key is an address as bits from the left; the four bytes of IPv4 come first.
type key struct{ high, low uint64 }

func keyOf(a netip.Addr) key {
	if a.Is4() {
		b := a.As4()
		return key{high: uint64(binary.BigEndian.Uint32(b[:])) << 32}
	}
	b := a.As16()
	return key{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// bit returns the i-th bit from the left.
func (k key) bit(i int) uint64 {
	if i < 64 {
		return k.high >> (63 - i) & 1
	}
	return k.low >> (127 - i) & 1
}

// shared returns how many bits from the left two keys share.
func (k key) shared(o key) int {
	if d := k.high ^ o.high; d != 0 {
		return bits.LeadingZeros64(d)
	}
	return 64 + bits.LeadingZeros64(k.low^o.low)
}

// find returns the value around a key, and the length of the widest network around it
// that has this value throughout.
func (t *trie) find(k key) (value int32, length int) {
	value = noValue
	if len(t.nodes) == 0 {
		return value, 0
	}
	for n := &t.nodes[0]; ; {
		if n.value != noValue {
			value = n.value
		}
		if n.below == [2]int32{} {
			return value, int(n.bits)
		}
		next := n.below[k.bit(int(n.bits))]
		if next == 0 {
			return value, int(n.bits) + 1
		}
		n = &t.nodes[next]
		if shared := k.shared(n.key); shared < int(n.bits) {
			return value, shared + 1
		}
	}
}

// insert gives a network a value; a later one takes the place of an earlier.
func (t *trie) insert(k key, length int, value int32) {
	if len(t.nodes) == 0 {
		t.add(key{}, 0, noValue)
	}
	for at := int32(0); ; {
		n := &t.nodes[at]
		if int(n.bits) == length {
			n.value = value
			return
		}
		side := k.bit(int(n.bits))
		next := n.below[side]
		if next == 0 {
			next = t.add(k, length, value) // may move the nodes
			t.nodes[at].below[side] = next
			return
		}
		at = t.descend(at, next, k, length)
	}
}

// descend returns the node to go on from: the next one, or, where the network does not
// lie in it, a new one that has it below.
func (t *trie) descend(at, next int32, k key, length int) int32 {
	old := t.nodes[next].key
	shared := min(k.shared(old), length, int(t.nodes[next].bits))
	if shared == int(t.nodes[next].bits) {
		return next
	}
	between := t.add(k, shared, noValue)
	t.nodes[between].below[old.bit(shared)] = next
	t.nodes[at].below[k.bit(int(t.nodes[at].bits))] = between
	return between
}

func (t *trie) add(k key, length int, value int32) int32 {
	t.nodes = append(t.nodes, node{key: k, bits: uint8(length), value: value})
	return int32(len(t.nodes) - 1)
}
