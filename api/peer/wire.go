package peer

import "encoding/binary"

// The first byte of a connection says that it is one of ours, and its kind; the second
// is the version of what follows. Neither HTTP nor TLS begins with such a byte.
const (
	preambleMagic   byte = 0xC0
	preambleKind    byte = 0x0F
	preambleVersion byte = 1
	preambleBytes        = 2
)

// connKind is what a connection is for.
type connKind byte

const (
	kindRequests connKind = 1
	kindLink     connKind = 2
	kindRaft     connKind = 3
	kindWatch    connKind = 4
)

// The formats of frames and messages that this version speaks.
const (
	formatMin = 1
	formatMax = 1
)

// Feature bits of a hello.
const featureLinks = 1 << 0 // the node takes links

// headerBytes is the fixed length of what precedes every frame's payload:
//
//	length of the payload (4) | id (4) | code (1) | role (1) | flags (2) | micros (4)
//
// in little-endian order. Requests use all of it, replies no role and no micros, links
// only length and code.
const headerBytes = 16

// codeOffset is where the code stands in a header.
const codeOffset = 8

// Limits of a frame's payload, checked before anything is allocated for it. A record
// has at most 1 MiB of bodies and 10,000 locations with their stamps; a batch is split
// by its sender.
const (
	maxHelloBytes   = 16 << 10
	maxRequestBytes = 4 << 20
	maxServiceFrame = maxRequestBytes + 1<<10 // a service's request and its name
	maxLinkBytes    = 2 << 20
)

// header is the decoded beginning of a frame.
type header struct {
	length uint32
	id     uint32
	code   byte // of a request its method, of a reply its status, of a link its message kind
	role   byte
	flags  uint16
	micros uint32 // of a request: the time left when it was queued
}

// Methods of requests.
const (
	methodVoid byte = iota // a request that was given up before it was written
	methodCancel
	methodPing
	methodRead
	methodWrite
	methodList
	methodConflicts
	methodService
	methodEcho // a ping that is replied to under its id
)

// Flags of requests and replies.
const (
	flagHops uint16 = 1 << iota // of a read: tell the hops
	flagMore                    // of a reply: more parts follow
)

// Status of replies.
const (
	statusOK byte = iota
	statusError
	statusPong
)

func putHeader(b []byte, h header) {
	_ = b[headerBytes-1]
	binary.LittleEndian.PutUint32(b, h.length)
	binary.LittleEndian.PutUint32(b[4:], h.id)
	b[8], b[9] = h.code, h.role
	binary.LittleEndian.PutUint16(b[10:], h.flags)
	binary.LittleEndian.PutUint32(b[12:], h.micros)
}

func getHeader(b []byte) header {
	_ = b[headerBytes-1]
	return header{
		length: binary.LittleEndian.Uint32(b),
		id:     binary.LittleEndian.Uint32(b[4:]),
		code:   b[8],
		role:   b[9],
		flags:  binary.LittleEndian.Uint16(b[10:]),
		micros: binary.LittleEndian.Uint32(b[12:]),
	}
}

// beginFrame leaves room for a header; endFrame fills it, given the position that
// beginFrame returned and all of the header but its length.
func beginFrame(dst []byte) ([]byte, int) {
	var room [headerBytes]byte
	return append(dst, room[:]...), len(dst)
}

func endFrame(dst []byte, start int, h header) {
	h.length = uint32(len(dst) - start - headerBytes)
	putHeader(dst[start:], h)
}

// appendFrame appends a whole frame.
func appendFrame(dst []byte, h header, payload []byte) []byte {
	dst, start := beginFrame(dst)
	dst = append(dst, payload...)
	endFrame(dst, start, h)
	return dst
}
