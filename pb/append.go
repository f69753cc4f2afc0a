package pb

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Message is what every generated message can do.
type Message interface {
	SizeVT() int
	MarshalToSizedBufferVT([]byte) (int, error)
}

// Append appends the encoding of m to dst.
func Append(dst []byte, m Message) []byte {
	size := m.SizeVT()
	dst = slices.Grow(dst, size)[:len(dst)+size]
	if _, err := m.MarshalToSizedBufferVT(dst[len(dst)-size:]); err != nil {
		// The buffer has the size that the message itself told.
		panic("pb: a message does not fit into its own size: " + err.Error())
	}
	return dst
}

// lengthBytes is the width of the length that BeginBytes leaves room for: 28 bits.
const lengthBytes = 4

// MaxBytes is the most that may lie between BeginBytes and EndBytes.
const MaxBytes = 1<<(7*lengthBytes) - 1

// BeginBytes opens a length-delimited field whose content the caller appends in place,
// whatever its length, so that it is not copied into the message afterwards. EndBytes
// closes it, given the position that BeginBytes returned.
func BeginBytes(dst []byte, number int) ([]byte, int) {
	dst = protowire.AppendTag(dst, protowire.Number(number), protowire.BytesType)
	return append(dst, 0, 0, 0, 0), len(dst) + lengthBytes
}

// EndBytes writes the length of the field that begins at start: a varint in its full
// width, which every decoder reads.
func EndBytes(dst []byte, start int) {
	n := len(dst) - start
	for i := range lengthBytes - 1 {
		dst[start-lengthBytes+i] = byte(n>>(7*i)) | 0x80
	}
	dst[start-1] = byte(n>>(7*(lengthBytes-1))) & 0x7f
}
