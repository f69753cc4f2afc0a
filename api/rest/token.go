package rest

import (
	"encoding/base64"
	"encoding/binary"

	"gazetteer"
	"gazetteer/region"
)

// A page token is a cursor as clients carry it: opaque text for URLs, bound to the
// listing it came from. Its bytes are a format, the partition, the id behind which the
// listing goes on, and a hash over these and the listing, so that a token of another
// listing or a damaged one is refused instead of read as a wrong place.
const (
	tokenFormat = 1
	tokenMax    = 1 + binary.MaxVarintLen32 + gazetteer.MaxIDBytes + tokenHash
	tokenHash   = 8
)

func encodeToken(t gazetteer.Type, prefix string, c region.Cursor) string {
	b := append(make([]byte, 0, tokenMax), tokenFormat)
	b = binary.AppendUvarint(b, uint64(c.Partition))
	b = append(b, c.After...)
	b = binary.BigEndian.AppendUint64(b, listingHash(t, prefix, b))
	return base64.RawURLEncoding.EncodeToString(b)
}

func decodeToken(t gazetteer.Type, prefix, token string) (region.Cursor, error) {
	bad := badParameter("page_token", "is not a token of this listing; begin without one")
	if len(token) > base64.RawURLEncoding.EncodedLen(tokenMax) {
		return region.Cursor{}, bad
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) < 1+1+tokenHash || b[0] != tokenFormat {
		return region.Cursor{}, bad
	}
	b, sum := b[:len(b)-tokenHash], binary.BigEndian.Uint64(b[len(b)-tokenHash:])
	partition, n := binary.Uvarint(b[1:])
	if n <= 0 || partition>>32 != 0 || sum != listingHash(t, prefix, b) {
		return region.Cursor{}, bad
	}
	return region.Cursor{Partition: uint32(partition), After: gazetteer.ID(b[1+n:]), More: true}, nil
}

func listingHash(t gazetteer.Type, prefix string, b []byte) uint64 {
	text := make([]byte, 0, len(t)+len(prefix)+len(b)+2)
	text = append(append(text, t...), 0)
	text = append(append(text, prefix...), 0)
	return gazetteer.HashBytes(append(text, b...))
}
