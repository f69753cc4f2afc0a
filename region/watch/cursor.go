package watch

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"

	"gazetteer"
)

// A cursor is how far a watch has come, as its client carries it: opaque text that any
// server of any region understands. Its bytes are
//
//	format (1) | hash of the scope (8) | origins | partitions | hash of all before (8)
//
// Origins are a count and 16 bytes each, in ascending order. Of each partition that is not
// empty stand its distance from the one before, the count of its entries, and of each
// entry the distance of its origin and the sequence number, as unsigned varints.
const (
	cursorFormat = 1
	cursorHead   = 1 + 8
	cursorSum    = 8
	originBytes  = 16
)

// CursorMax bounds the text of a cursor: it has to fit into the header of a request.
const CursorMax = 56 << 10

// ScopeHash names what a cursor is of: equal scopes of equal planets have equal hashes in
// every version.
func ScopeHash(t gazetteer.Type, prefix gazetteer.ID, partitions uint32) uint64 {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 64), partitions)
	b = append(append(b, t...), 0)
	return gazetteer.HashBytes(append(b, prefix...))
}

// Cursor returns the text of how far a watch has come, by partition; empty if it is too
// long to be carried.
func Cursor(scope uint64, vectors []gazetteer.Vector) string {
	b := appendCursor(nil, scope, vectors)
	if base64.RawURLEncoding.EncodedLen(len(b)) > CursorMax {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func appendCursor(b []byte, scope uint64, vectors []gazetteer.Vector) []byte {
	b = binary.BigEndian.AppendUint64(append(b, cursorFormat), scope)
	origins := originsOf(vectors)
	b = binary.AppendUvarint(b, uint64(len(origins)))
	for _, o := range origins {
		b = binary.BigEndian.AppendUint64(b, uint64(o.Store))
		b = binary.BigEndian.AppendUint64(b, o.Incarnation)
	}
	last := 0
	for i, v := range vectors {
		if len(v) > 0 {
			b = binary.AppendUvarint(b, uint64(i-last))
			b = appendEntries(b, v, origins)
			last = i
		}
	}
	return binary.BigEndian.AppendUint64(b, gazetteer.HashBytes(b))
}

func appendEntries(b []byte, v gazetteer.Vector, origins []gazetteer.Origin) []byte {
	b = binary.AppendUvarint(b, uint64(len(v)))
	last := 0
	for _, p := range v {
		at, _ := slices.BinarySearchFunc(origins, p.Origin, gazetteer.Origin.Compare)
		b = binary.AppendUvarint(b, uint64(at-last))
		b = binary.AppendUvarint(b, p.Seq)
		last = at
	}
	return b
}

func originsOf(vectors []gazetteer.Vector) []gazetteer.Origin {
	var all []gazetteer.Origin
	for _, v := range vectors {
		for _, p := range v {
			if at, known := slices.BinarySearchFunc(all, p.Origin, gazetteer.Origin.Compare); !known {
				all = slices.Insert(all, at, p.Origin)
			}
		}
	}
	return all
}

// DecodeCursor returns the vectors of a cursor, by partition. It fails with kind Invalid on
// anything that [Cursor] does not write, and on the cursor of another scope: of what lies
// outside that, its vectors say nothing.
func DecodeCursor(text string, scope uint64, partitions uint32) ([]gazetteer.Vector, error) {
	if len(text) > CursorMax {
		return nil, badCursor("is longer than %d bytes", CursorMax)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	switch {
	case err != nil || len(b) < cursorHead+cursorSum:
		return nil, badCursor("is no cursor, or only a part of one")
	case b[0] != cursorFormat:
		return nil, badCursor("has format %d, and this server knows %d", b[0], cursorFormat)
	}
	body, sum := b[:len(b)-cursorSum], binary.BigEndian.Uint64(b[len(b)-cursorSum:])
	if sum != gazetteer.HashBytes(body) {
		return nil, badCursor("is damaged")
	}
	if binary.BigEndian.Uint64(b[1:]) != scope {
		return nil, badCursor("is of a watch with another type, prefix or planet")
	}
	d := cursorDecoder{b: body[cursorHead:]}
	vectors := d.vectors(partitions)
	if d.bad || string(appendCursor(nil, scope, vectors)) != string(b) {
		return nil, badCursor("is not one that a server has given")
	}
	return vectors, nil
}

func badCursor(format string, args ...any) error {
	return &gazetteer.Error{Op: "watch.DecodeCursor", Kind: gazetteer.Invalid, Pointer: "from",
		Detail: fmt.Sprintf(format, args...) + "; begin without one"}
}

// cursorDecoder takes a cursor apart. After something that does not fit it is bad, and
// says nothing more.
type cursorDecoder struct {
	b   []byte
	bad bool
}

func (d *cursorDecoder) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || v > limit {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *cursorDecoder) vectors(partitions uint32) []gazetteer.Vector {
	origins := make([]gazetteer.Origin, d.uvarint(uint64(len(d.b)/originBytes)))
	for i := range origins {
		if len(d.b) < originBytes {
			d.bad = true
			return nil
		}
		origins[i] = gazetteer.Origin{Store: gazetteer.StoreID(binary.BigEndian.Uint64(d.b)), Incarnation: binary.BigEndian.Uint64(d.b[8:])}
		d.b = d.b[originBytes:]
	}
	vectors := make([]gazetteer.Vector, partitions)
	for at := uint64(0); len(d.b) > 0 && !d.bad; {
		if at += d.uvarint(uint64(partitions)); at < uint64(partitions) {
			vectors[at] = d.entries(origins)
		} else {
			d.bad = true
		}
	}
	return vectors
}

func (d *cursorDecoder) entries(origins []gazetteer.Origin) gazetteer.Vector {
	v := make(gazetteer.Vector, 0, d.uvarint(uint64(len(origins))))
	for at := uint64(0); len(v) < cap(v) && !d.bad; {
		if at += d.uvarint(uint64(len(origins))); at >= uint64(len(origins)) {
			d.bad = true
			return nil
		}
		v = append(v, gazetteer.Position{Origin: origins[at], Seq: d.uvarint(^uint64(0))})
	}
	return v
}
