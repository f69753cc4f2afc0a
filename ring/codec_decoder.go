package ring

import (
	"encoding/binary"
	"math"
	"strconv"

	"gazetteer"
)

// decoder takes values off the front of b. After the first failure it yields zeros, so
// that its callers check once.
type decoder struct {
	b       []byte
	origins []byte // the table of origins, 16 bytes each
	op      string // names the decoder in its errors
	at      int    // elements begun
	err     error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = &gazetteer.Error{Op: d.op, Kind: gazetteer.Invalid, Detail: what + " (element " + strconv.Itoa(d.at) + ")"}
	}
	d.b = nil
}

// head takes the format and the table of origins, and returns the number of elements.
func (d *decoder) head(format byte) uint64 {
	d.format(format)
	d.origins = d.bytes(d.count(originBytes) * originBytes)
	for i := originBytes; i < len(d.origins); i += originBytes {
		if string(d.origins[i-originBytes:i]) >= string(d.origins[i:i+originBytes]) {
			d.fail("origins are not sorted")
		}
	}
	n := d.count(minElement)
	if d.err != nil {
		return 0
	}
	return n
}

func (d *decoder) format(want byte) {
	if got := d.byte(); got != want && d.err == nil {
		d.fail("format " + strconv.Itoa(int(got)) + ", this version reads " + strconv.Itoa(int(want)))
	}
}

// count takes a number of things that take at least size bytes each.
func (d *decoder) count(size uint64) uint64 {
	n := d.uvarint()
	if n > uint64(len(d.b))/size {
		d.fail("more announced than there are bytes for")
		return 0
	}
	return n
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail("cut off")
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail("cut off")
		return nil
	}
	out := d.b[:n:n]
	d.b = d.b[n:]
	return out
}

// name takes an id or a location.
func (d *decoder) name() []byte {
	n := d.uvarint()
	if n > gazetteer.MaxIDBytes {
		d.fail("an id of " + strconv.FormatUint(n, 10) + " bytes")
		return nil
	}
	return d.bytes(n)
}

func (d *decoder) uint32() uint32 {
	if b := d.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if b := d.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 {
		d.fail("cut off, or a number above 64 bits")
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) varint() int64 {
	n, size := binary.Varint(d.b)
	if size <= 0 {
		d.fail("cut off, or a number above 64 bits")
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) epoch() uint32 {
	n := d.uvarint()
	if n == 0 || n > math.MaxUint32 {
		d.fail("an epoch of " + strconv.FormatUint(n, 10))
	}
	return uint32(n)
}

// origin returns the i-th origin of the table.
func (d *decoder) origin(i uint64) gazetteer.Origin {
	if i >= uint64(len(d.origins)/originBytes) {
		d.fail("an origin that is not in the table")
		return gazetteer.Origin{}
	}
	b := d.origins[i*originBytes:]
	return gazetteer.Origin{
		Store:       gazetteer.StoreID(binary.BigEndian.Uint64(b)),
		Incarnation: binary.BigEndian.Uint64(b[8:]),
	}
}
