package watch

import (
	"encoding/binary"

	"gazetteer"
	"gazetteer/ring"
)

// Queries and batches as they go between servers: a format, then lists, each with its
// count. Names and vectors have their length before them; updates and vectors are in the
// ring's own encodings.
const wireFormat = 1

// Flags of a query, of where one of its partitions begins, and of a run of updates.
const (
	flagOnce = 1
	flagTail = 1
	flagScan = 1
)

// AppendQuery appends the encoding of a query.
func AppendQuery(b []byte, q *Query) []byte {
	b = append(b, wireFormat, flag(q.Once, flagOnce))
	b = appendBytes(b, string(q.Type))
	b = appendBytes(b, string(q.Prefix))
	b = binary.AppendUvarint(b, uint64(len(q.From)))
	for _, f := range q.From {
		b = append(binary.AppendUvarint(b, uint64(f.Index)), flag(f.Tail, flagTail))
		b = appendVector(appendVector(b, f.Vector), f.Cover)
	}
	return b
}

// DecodeQuery is the reverse of AppendQuery. What it returns shares no memory with b.
func DecodeQuery(b []byte) (*Query, error) {
	d := wireDecoder{b: b}
	d.format()
	q := &Query{Once: d.byte()&flagOnce != 0, Type: gazetteer.Type(d.bytes()), Prefix: gazetteer.ID(d.bytes())}
	q.From = make([]From, 0, d.count(4))
	for len(q.From) < cap(q.From) && d.err == nil {
		q.From = append(q.From, From{Index: d.index(), Tail: d.byte()&flagTail != 0, Vector: d.vector(), Cover: d.vector()})
	}
	return q, d.end()
}

// AppendBatch appends the encoding of a batch.
func AppendBatch(b []byte, t *Batch) []byte {
	b = append(b, wireFormat)
	runs := runsOf(t.Updates)
	b = binary.AppendUvarint(b, uint64(len(runs)))
	for _, r := range runs {
		b = append(binary.AppendUvarint(b, uint64(r[0].Index)), flag(r[0].Scan, flagScan))
		us := make([]gazetteer.Update, len(r))
		for i := range r {
			us[i] = r[i].Update
		}
		b = appendBytes(b, string(ring.AppendUpdates(nil, us)))
	}
	b = binary.AppendUvarint(b, uint64(len(t.Marks)))
	for _, m := range t.Marks {
		b = appendVector(binary.AppendUvarint(b, uint64(m.Index)), m.Vector)
	}
	return appendIndexes(appendIndexes(b, t.Lost), t.Left)
}

// runsOf cuts updates where the partition changes, or whether they are of a scan.
func runsOf(us []Update) (runs [][]Update) {
	start := 0
	for i := range us {
		if i+1 == len(us) || us[i+1].Index != us[i].Index || us[i+1].Scan != us[i].Scan {
			runs = append(runs, us[start:i+1])
			start = i + 1
		}
	}
	return runs
}

// DecodeBatch is the reverse of AppendBatch. What it returns shares no memory with b.
func DecodeBatch(b []byte) (*Batch, error) {
	d := wireDecoder{b: b}
	d.format()
	t := new(Batch)
	for n := d.count(3); n > 0 && d.err == nil; n-- {
		index, scan := d.index(), d.byte()&flagScan != 0
		us, err := ring.DecodeUpdates(append([]byte(nil), d.bytes()...))
		d.fail(err)
		for i := range us {
			t.Updates = append(t.Updates, Update{Index: index, Scan: scan, Update: us[i]})
		}
	}
	for n := d.count(2); n > 0 && d.err == nil; n-- {
		t.Marks = append(t.Marks, Mark{Index: d.index(), Vector: d.vector()})
	}
	t.Lost, t.Left = d.indexes(), d.indexes()
	return t, d.end()
}

func flag(on bool, f byte) byte {
	if on {
		return f
	}
	return 0
}

func appendBytes(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendVector(b []byte, v gazetteer.Vector) []byte {
	if len(v) == 0 {
		return append(b, 0)
	}
	return appendBytes(b, string(ring.AppendVector(nil, v)))
}

func appendIndexes(b []byte, is []uint32) []byte {
	b = binary.AppendUvarint(b, uint64(len(is)))
	for _, i := range is {
		b = binary.AppendUvarint(b, uint64(i))
	}
	return b
}

// wireDecoder takes an encoding apart. Its first error stays.
type wireDecoder struct {
	b   []byte
	err error
}

func (d *wireDecoder) fail(err error) {
	if d.err == nil && err != nil {
		d.err, d.b = err, nil
	}
}

func (d *wireDecoder) malformed() {
	d.fail(&gazetteer.Error{Op: "watch.Decode", Kind: gazetteer.Invalid, Detail: "the message of a watch is malformed"})
}

func (d *wireDecoder) format() {
	if f := d.byte(); d.err == nil && f != wireFormat {
		d.fail(&gazetteer.Error{Op: "watch.Decode", Kind: gazetteer.Unsupported, Detail: "the message of a watch has a format that is unknown here; update the older server"})
	}
}

func (d *wireDecoder) byte() byte {
	if len(d.b) == 0 {
		d.malformed()
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *wireDecoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.malformed()
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count reads how many things follow, each of which takes at least so many bytes: nothing
// is allocated for what cannot be there.
func (d *wireDecoder) count(size int) int {
	n := d.uvarint()
	if n > uint64(len(d.b)/size) {
		d.malformed()
		return 0
	}
	return int(n)
}

func (d *wireDecoder) index() uint32 {
	i := d.uvarint()
	if i > 1<<32-1 {
		d.malformed()
	}
	return uint32(i)
}

func (d *wireDecoder) indexes() []uint32 {
	var out []uint32
	for n := d.count(1); n > 0; n-- {
		out = append(out, d.index())
	}
	return out
}

func (d *wireDecoder) bytes() []byte {
	n := d.count(1)
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *wireDecoder) vector() gazetteer.Vector {
	b := d.bytes()
	if len(b) == 0 {
		return nil
	}
	v, err := ring.DecodeVector(b)
	d.fail(err)
	return v
}

func (d *wireDecoder) end() error {
	if d.err == nil && len(d.b) > 0 {
		d.malformed()
	}
	return d.err
}
