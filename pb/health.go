package pb

import "time"

const (
	healthDown  = 1
	healthTerm  = 2
	healthSince = 3
)

// HealthBody is what an element beside a location says.
type HealthBody struct {
	Down bool
	Term time.Duration // of a lease: how long one renewal lasts; whole milliseconds
	// Since is when it came to be so, in Unix milliseconds, by the clock of who found
	// out; 0: unknown.
	Since int64
}

// AppendHealth appends the body of an element beside a location to dst.
func AppendHealth(dst []byte, h *HealthBody) []byte {
	if h.Down {
		dst = appendUint(dst, healthDown, 1)
	}
	dst = appendUint(dst, healthTerm, uint64(max(h.Term, 0)/time.Millisecond))
	return appendUint(dst, healthSince, uint64(max(h.Since, 0)))
}

// termMax bounds what is read: a longer term is no duration.
const termMax = uint64(1<<63-1) / uint64(time.Millisecond)

// DecodeHealth reads the body of an element beside a location. Unknown fields are passed
// over; a body that is not protobuf is an error of kind Internal.
func DecodeHealth(body []byte) (h HealthBody, err error) {
	var down, term, since uint64
	for len(body) > 0 {
		f, rest, err := nextField(body)
		if err == nil {
			switch f.number {
			case healthDown:
				err = f.uint(&down)
			case healthTerm:
				err = f.uint(&term)
			case healthSince:
				err = f.uint(&since)
			}
		}
		if err != nil {
			return HealthBody{}, damaged("pb.DecodeHealth", err)
		}
		body = rest
	}
	return HealthBody{Down: down != 0, Term: time.Duration(min(term, termMax)) * time.Millisecond, Since: int64(since &^ (1 << 63))}, nil
}
