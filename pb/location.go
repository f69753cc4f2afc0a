package pb

import (
	"encoding/binary"
	"math"

	"gazetteer"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of body.proto.
const (
	locationURL     = 1
	locationLat     = 2
	locationLon     = 3
	locationCountry = 4
	locationWeight  = 5
	locationLabels  = 6

	labelKey   = 1
	labelValue = 2

	attributesJSON = 1
)

// AppendLocation appends the body of l to dst. The id is not part of it. Fields that
// hold what their absence means are left out, so equal locations have equal bodies.
func AppendLocation(dst []byte, l *gazetteer.Location) []byte {
	dst = appendString(dst, locationURL, l.URL)
	if l.Located {
		dst = appendDouble(dst, locationLat, l.Point.Lat)
		dst = appendDouble(dst, locationLon, l.Point.Lon)
	}
	dst = appendString(dst, locationCountry, l.Country)
	if l.Weight != 1 {
		dst = appendDouble(dst, locationWeight, l.Weight)
	}
	for i := range l.Labels {
		dst = appendLabel(dst, &l.Labels[i])
	}
	return dst
}

func appendLabel(dst []byte, l *gazetteer.Label) []byte {
	dst = protowire.AppendTag(dst, locationLabels, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(sizeString(l.Key)+sizeString(l.Value)))
	dst = appendString(dst, labelKey, l.Key)
	return appendString(dst, labelValue, l.Value)
}

// DecodeLocation sets every field of l but its ID from a body. The strings are views
// of body: they are valid as long as nobody changes it. The memory of l.Labels is used
// again; nothing else is allocated. Unknown fields are passed over.
//
// A body that is not protobuf, or whose numbers no location can have, is an error of
// kind Internal: it was checked when it was written, so something has damaged it.
// What l holds then is undefined.
func DecodeLocation(body []byte, l *gazetteer.Location) error {
	*l = gazetteer.Location{ID: l.ID, Weight: 1, Labels: l.Labels[:0]}
	var located coordinates
	for len(body) > 0 {
		if n := takeShort(body, l, &located); n > 0 {
			body = body[n:]
			continue
		}
		f, rest, err := nextField(body)
		if err != nil {
			return damaged("pb.DecodeLocation", err)
		}
		if err := setLocation(l, f, &located); err != nil {
			return damaged("pb.DecodeLocation", err)
		}
		body = rest
	}
	l.Located = located == lat|lon
	return checkNumbers(l)
}

// coordinates says which of the two a body has had so far.
type coordinates uint8

const (
	lat coordinates = 1 << iota
	lon
)

// Tags of the fields as AppendLocation writes them: number and wire type in one byte.
const (
	tagURL     = locationURL<<3 | byte(protowire.BytesType)
	tagLat     = locationLat<<3 | byte(protowire.Fixed64Type)
	tagLon     = locationLon<<3 | byte(protowire.Fixed64Type)
	tagCountry = locationCountry<<3 | byte(protowire.BytesType)
	tagWeight  = locationWeight<<3 | byte(protowire.Fixed64Type)
	tagLabels  = locationLabels<<3 | byte(protowire.BytesType)
	tagKey     = labelKey<<3 | byte(protowire.BytesType)
	tagValue   = labelValue<<3 | byte(protowire.BytesType)
)

// takeShort takes the first field if it is of the kind that nearly all are: known, and
// shorter than 128 bytes. It returns how many bytes it took, 0 if the field is another.
// The decoder is run for every location of every lookup; this makes it three times as fast.
func takeShort(b []byte, l *gazetteer.Location, located *coordinates) int {
	switch b[0] {
	case tagLat:
		*located |= lat
		return takeDouble(b, &l.Point.Lat)
	case tagLon:
		*located |= lon
		return takeDouble(b, &l.Point.Lon)
	case tagWeight:
		return takeDouble(b, &l.Weight)
	}
	if len(b) < 2 || b[1] >= 0x80 || len(b) < 2+int(b[1]) {
		return 0
	}
	content := b[2 : 2+int(b[1])]
	switch b[0] {
	case tagURL:
		l.URL = textOf(content)
	case tagCountry:
		l.Country = textOf(content)
	case tagLabels:
		if !takeLabel(content, l) {
			return 0
		}
	default:
		return 0
	}
	return 2 + len(content)
}

func takeDouble(b []byte, x *float64) int {
	if len(b) < 9 {
		return 0
	}
	*x = math.Float64frombits(binary.LittleEndian.Uint64(b[1:]))
	return 9
}

// takeLabel takes a label of less than 128 bytes that has a key, then a value.
func takeLabel(b []byte, l *gazetteer.Location) bool {
	if len(b) < 2 || b[0] != tagKey || len(b) < 4+int(b[1]) {
		return false
	}
	key, rest := b[2:2+int(b[1])], b[2+int(b[1]):]
	if rest[0] != tagValue || len(rest) != 2+int(rest[1]) {
		return false
	}
	l.Labels = append(l.Labels, gazetteer.Label{Key: textOf(key), Value: textOf(rest[2:])})
	return true
}

func setLocation(l *gazetteer.Location, f field, located *coordinates) error {
	switch f.number {
	case locationURL:
		return f.text(&l.URL)
	case locationLat:
		*located |= lat
		return f.double(&l.Point.Lat)
	case locationLon:
		*located |= lon
		return f.double(&l.Point.Lon)
	case locationCountry:
		return f.text(&l.Country)
	case locationWeight:
		return f.double(&l.Weight)
	case locationLabels:
		return addLabel(l, f)
	}
	return nil
}

func addLabel(l *gazetteer.Location, f field) error {
	if f.kind != protowire.BytesType {
		return errKind
	}
	l.Labels = append(l.Labels, gazetteer.Label{})
	label := &l.Labels[len(l.Labels)-1]
	for body := f.bytes; len(body) > 0; {
		f, rest, err := nextField(body)
		if err != nil {
			return err
		}
		switch f.number {
		case labelKey:
			err = f.text(&label.Key)
		case labelValue:
			err = f.text(&label.Value)
		}
		if err != nil {
			return err
		}
		body = rest
	}
	return nil
}

// checkNumbers keeps from rankings what has no order (NaN) or no place on earth.
func checkNumbers(l *gazetteer.Location) error {
	if !l.Located {
		l.Point = gazetteer.Point{}
	} else if err := l.Point.Validate(); err != nil {
		return damaged("pb.DecodeLocation", err)
	}
	if !(l.Weight >= 0) || math.IsInf(l.Weight, 1) {
		return damaged("pb.DecodeLocation", errWeight)
	}
	return nil
}

func appendString(dst []byte, n protowire.Number, s string) []byte {
	if s == "" {
		return dst
	}
	return protowire.AppendString(protowire.AppendTag(dst, n, protowire.BytesType), s)
}

// sizeString is the size of what appendString writes for a field number below 16.
func sizeString(s string) int {
	if s == "" {
		return 0
	}
	return 1 + protowire.SizeBytes(len(s))
}

func appendDouble(dst []byte, n protowire.Number, x float64) []byte {
	dst = protowire.AppendTag(dst, n, protowire.Fixed64Type)
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
}
