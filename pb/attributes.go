package pb

import (
	"encoding/json"

	"google.golang.org/protobuf/encoding/protowire"
)

// AppendAttributes appends the body of attributes, a compact JSON object, to dst.
func AppendAttributes(dst []byte, object json.RawMessage) []byte {
	if len(object) == 0 {
		return dst
	}
	dst = protowire.AppendTag(dst, attributesJSON, protowire.BytesType)
	return protowire.AppendBytes(dst, object)
}

// DecodeAttributes returns the JSON object of a body as a view of it, nil if there is
// none. Unknown fields are passed over; a body that is not protobuf is an error of
// kind Internal.
func DecodeAttributes(body []byte) (json.RawMessage, error) {
	var object json.RawMessage
	for len(body) > 0 {
		f, rest, err := nextField(body)
		if err == nil && f.number == attributesJSON {
			err = f.view((*[]byte)(&object))
		}
		if err != nil {
			return nil, damaged("pb.DecodeAttributes", err)
		}
		body = rest
	}
	return object, nil
}
