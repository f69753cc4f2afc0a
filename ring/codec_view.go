package ring

import (
	"encoding/binary"

	"gazetteer"
)

// RecordView walks over an encoded record without allocating, in the order of the
// locations, attributes first:
//
//	for v := ring.View(b); v.Next(); { … v.Location, v.Body … }
//
// Its slices are the record's memory, and valid as long as that does not change.
type RecordView struct {
	Location  []byte // empty for the attributes
	Tombstone bool
	Body      []byte // nil for a tombstone
	Stamp     gazetteer.Stamp
	Position  gazetteer.Position

	d       decoder
	batch   bool // elements have ids, in any order
	left    uint64
	digest  uint64
	live    int
	id      []byte
	context []byte // encoded entries
}

// View returns a view that stands before the first element of an encoded record.
func View(b []byte) RecordView {
	v := RecordView{d: decoder{b: b, op: "ring.DecodeRecord"}}
	if len(b) > 0 {
		v.left = v.d.head(formatRecord)
		if v.left == 0 {
			v.d.fail("no elements")
		}
	}
	return v
}

// Next goes to the next element. It returns false behind the last one, and when the
// bytes are no record: see [RecordView.Err].
func (v *RecordView) Next() bool {
	if v.left == 0 || v.d.err != nil {
		v.end()
		return false
	}
	v.left--
	first := v.d.at == 0
	v.d.at++
	before := v.Location
	v.element(first)
	if v.d.err == nil && !v.batch && !first && string(before) >= string(v.Location) {
		v.d.fail("locations are not sorted")
	}
	return v.d.err == nil
}

// Err returns what is wrong with the encoding, as far as the view has walked.
func (v *RecordView) Err() error { return v.d.err }

// Version returns the version of the record, see [VersionOf], once the view has walked
// over all of it.
func (v *RecordView) Version() gazetteer.Version { return finishVersion(v.digest, v.live) }

// VersionOf returns the version of a resource: a digest over the (location, stamp) of
// its live elements in the order of us, which is by location; without those beside a
// location: a version is of what publishers say. It is 0 when nothing lives, and never
// ^0, which stands for any version.
func VersionOf(us []gazetteer.Update) gazetteer.Version {
	digest, live := uint64(0), 0
	for i := range us {
		if !us[i].Tombstone && !us[i].Element.Location.IsBeside() {
			digest = addVersion(digest, us[i].Element.Location, &us[i].Stamp)
			live++
		}
	}
	return finishVersion(digest, live)
}

// addVersion chains one live element to a digest. What is hashed ends with a fixed
// width, so no two sequences of elements read alike.
func addVersion(digest uint64, location gazetteer.LocationID, s *gazetteer.Stamp) uint64 {
	var few [8 + gazetteer.MaxIDBytes + 28]byte
	b := binary.BigEndian.AppendUint64(few[:0], digest)
	b = append(b, location...)
	b = binary.BigEndian.AppendUint32(b, s.Epoch)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Clock))
	return gazetteer.HashBytes(appendOrigin(b, s.Origin))
}

func finishVersion(digest uint64, live int) gazetteer.Version {
	switch {
	case live == 0:
		return 0
	case digest == 0, digest == ^uint64(0):
		return 1
	}
	return gazetteer.Version(digest)
}

func (v *RecordView) element(first bool) {
	d := &v.d
	flags := d.byte()
	if flags&^flagsKnown != 0 || (flags&flagSameID != 0 && (first || !v.batch)) {
		d.fail("unknown flags")
	}
	if v.batch && flags&flagSameID == 0 {
		v.id = d.name()
		if len(v.id) == 0 {
			d.fail("an element without id")
		}
	}
	v.Location = d.name()
	v.Tombstone = flags&flagTombstone != 0
	v.position()
	v.stamp(flags)
	v.skipContext(flags)
	v.body()
}

func (v *RecordView) position() {
	v.Position.Origin = v.d.origin(v.d.uvarint())
	v.Position.Seq += uint64(v.d.varint())
}

func (v *RecordView) stamp(flags byte) {
	d := &v.d
	v.Stamp.Epoch = 0
	if flags&flagEpoch != 0 {
		v.Stamp.Epoch = d.epoch()
	}
	if flags&flagFar != 0 {
		v.Stamp.Clock = gazetteer.Clock(d.uint64())
	} else {
		v.Stamp.Clock += gazetteer.Clock(int32(d.uint32()))
	}
	v.Stamp.Origin = v.Position.Origin
	if flags&flagOrigin != 0 {
		v.Stamp.Origin = d.origin(d.uvarint())
	}
}

// skipContext checks the context and remembers where it lies.
func (v *RecordView) skipContext(flags byte) {
	v.context = nil
	if flags&flagContext == 0 {
		return
	}
	d := &v.d
	n := d.count(2)
	if n == 0 {
		d.fail("an empty context")
	}
	from := d.b
	for i, before := uint64(0), uint64(0); i < n && d.err == nil; i++ {
		o := d.uvarint()
		d.origin(o)
		if (i > 0 && o <= before) || d.uvarint() == 0 {
			d.fail("a context is not sorted, or has sequence 0")
		}
		before = o
	}
	v.context = from[:len(from)-len(d.b)]
}

func (v *RecordView) body() {
	v.Body = nil
	if v.Tombstone {
		return
	}
	v.Body = v.d.bytes(v.d.uvarint())
	location := gazetteer.LocationID(alias(v.Location))
	if v.d.err == nil && !v.batch && !location.IsBeside() {
		v.digest = addVersion(v.digest, location, &v.Stamp)
		v.live++
	}
}

// update returns the element that the view stands on, without its id.
func (v *RecordView) update() gazetteer.Update {
	return gazetteer.Update{
		Element:   gazetteer.Element{Location: gazetteer.LocationID(alias(v.Location))},
		Stamp:     v.Stamp,
		Position:  v.Position,
		Context:   v.vector(),
		Tombstone: v.Tombstone,
		Body:      v.Body,
	}
}

// vector returns the element's context.
func (v *RecordView) vector() gazetteer.Vector {
	if len(v.context) == 0 {
		return nil
	}
	out := make(gazetteer.Vector, 0, len(v.context)/2)
	d := decoder{b: v.context, origins: v.d.origins}
	for len(d.b) > 0 {
		out = append(out, gazetteer.Position{Origin: d.origin(d.uvarint()), Seq: d.uvarint()})
	}
	return out
}

func (v *RecordView) end() {
	if v.d.err == nil && len(v.d.b) > 0 {
		v.d.fail("bytes behind the last element")
	}
}
