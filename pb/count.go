package pb

import "google.golang.org/protobuf/encoding/protowire"

// Fields that CountNested is asked about.
const (
	WriteRequestWrites      = 2
	WriteReplyOutcomes      = 1
	ConflictsReplyConflicts = 1
)

// CountNested returns how many fields of a number b has, and how many fields lie within
// these in all; a packed list is one, its bytes bound it. A decoder of outside bytes asks before it
// makes messages out of them: an empty message takes two bytes on the wire and fifty
// times that in memory.
func CountNested(b []byte, number int) (outer, inner int, err error) {
	for len(b) > 0 {
		f, rest, err := nextField(b)
		if err != nil {
			return 0, 0, malformed("pb.CountNested", err)
		}
		if f.number == protowire.Number(number) && f.kind == protowire.BytesType {
			outer++
			n, err := countFields(f.bytes)
			if err != nil {
				return 0, 0, malformed("pb.CountNested", err)
			}
			inner += n
		}
		b = rest
	}
	return outer, inner, nil
}

func countFields(b []byte) (n int, err error) {
	for len(b) > 0 {
		_, rest, err := nextField(b)
		if err != nil {
			return 0, err
		}
		n++
		b = rest
	}
	return n, nil
}
