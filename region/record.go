package region

import (
	"unsafe"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/ring"
)

// text views bytes as a string. It is as valid as they are.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// decodeLocations appends the live locations of an encoded record to dst, whose memory
// it uses again, what is beside them to facts, and returns the record's version: 0 if
// nothing lives. Strings point into the record.
func decodeLocations(record []byte, dst []gazetteer.Location, facts *[]fact) ([]gazetteer.Location, gazetteer.Version, error) {
	v := ring.View(record)
	for v.Next() {
		if v.Tombstone || len(v.Location) == 0 {
			continue
		}
		if gazetteer.LocationID(text(v.Location)).IsBeside() {
			*facts = appendFact(*facts, &v)
			continue
		}
		dst = grow(dst)
		l := &dst[len(dst)-1]
		l.ID = gazetteer.LocationID(text(v.Location))
		if err := pb.DecodeLocation(v.Body, l); err != nil {
			return dst, 0, err
		}
	}
	return dst, v.Version(), v.Err()
}

// grow makes a slice longer by one element, and keeps what lay there: its labels'
// memory is used again.
func grow(s []gazetteer.Location) []gazetteer.Location {
	if len(s) < cap(s) {
		return s[:len(s)+1]
	}
	return append(s, gazetteer.Location{})
}

// decodeRecord returns the whole of an encoded record, or the zero Record if nothing of
// it lives. It keeps the bytes.
func decodeRecord(k gazetteer.Key, record []byte) (gazetteer.Record, error) {
	var facts []fact
	locations, version, err := decodeLocations(record, nil, &facts)
	if err != nil || version == 0 {
		return gazetteer.Record{}, damaged(k, err)
	}
	r := gazetteer.Record{Key: k, Locations: locations, Version: version, Health: healthOf(facts, locations)}
	v := ring.View(record)
	if v.Next() && len(v.Location) == 0 && !v.Tombstone {
		if r.Attributes, err = pb.DecodeAttributes(v.Body); err != nil {
			return gazetteer.Record{}, damaged(k, err)
		}
		if r.Attributes == nil {
			r.Attributes = emptyObject()
		}
	}
	return r, nil
}

// emptyObject stands for attributes that were written, but are none. A resource that has
// locations only has nil.
func emptyObject() []byte { return []byte("{}") }

// damaged says of which resource a record cannot be read; nil stays nil.
func damaged(k gazetteer.Key, err error) error {
	if err == nil {
		return nil
	}
	return &gazetteer.Error{Op: "region.decode", Kind: gazetteer.Internal, Key: k, Err: err,
		Detail: "what is stored of the resource cannot be read"}
}
