package dns

import (
	"crypto/subtle"
	"encoding/binary"
	"net/netip"
)

// A server cookie (RFC 9018, section 4) is 16 bytes: version, three reserved ones, seconds
// since 1970, and a hash of these, of the client's part and of its address. Whoever sends it
// back has got it at that address: its queries are not forged.
const (
	cookieBytes   = 16
	cookieVersion = 1
	// cookieOld and cookieEarly bound, in seconds, the age of a cookie that is believed.
	cookieOld   = 3600
	cookieEarly = 300
	// cookieRenew is the age from which on a client gets a new one.
	cookieRenew = 1800
)

// bake returns the server's part for a client. The reserved bytes are those of RFC 9018: 0.
func bake(dst *[cookieBytes]byte, secret *[16]byte, client []byte, from netip.Addr, unix uint32) {
	*dst = [cookieBytes]byte{cookieVersion}
	binary.BigEndian.PutUint32(dst[4:], unix)
	binary.LittleEndian.PutUint64(dst[8:], cookieHash(secret, client, dst[:8], from))
}

func cookieHash(secret *[16]byte, client, head []byte, from netip.Addr) uint64 {
	var b [8 + 8 + 16]byte
	n := copy(b[:], client[:8])
	n += copy(b[n:], head)
	if from.Is4() {
		a := from.As4()
		n += copy(b[n:], a[:])
	} else {
		a := from.As16()
		n += copy(b[n:], a[:])
	}
	return sipHash(secret, b[:n])
}

// believe reports whether the cookie of a request, the client's part and the server's, was
// baked here for this address, and whether it is still fresh.
func believe(secret *[16]byte, cookie []byte, from netip.Addr, unix uint32) (valid, fresh bool) {
	if len(cookie) != 8+cookieBytes || cookie[8] != cookieVersion {
		return false, false
	}
	age := int32(unix - binary.BigEndian.Uint32(cookie[12:])) // serial arithmetic, as RFC 9018 asks
	if age > cookieOld || age < -cookieEarly {
		return false, false
	}
	var want [8]byte
	binary.LittleEndian.PutUint64(want[:], cookieHash(secret, cookie, cookie[8:16], from))
	valid = subtle.ConstantTimeCompare(want[:], cookie[16:]) == 1
	return valid, valid && age <= cookieRenew
}
