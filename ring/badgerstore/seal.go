package badgerstore

import (
	"encoding/binary"
	"math/bits"

	"gazetteer"
)

// Every stored value ends with a seal: a checksum over its key and itself. A value that
// lost a bit, ended up under another key, or came back empty does not pass. The seals of
// what a partition holds, added up, also tell whether anything is missing.
const sealBytes = 8

// sealOf returns the seal of a payload under its key.
func sealOf(key, payload []byte) uint64 {
	return gazetteer.HashBytes(payload) ^ bits.RotateLeft64(gazetteer.HashBytes(key), 32)
}

// unseal returns the payload of a stored value and its seal, and whether the value is
// what was stored under this key.
func unseal(key, value []byte) (payload []byte, seal uint64, ok bool) {
	n := len(value) - sealBytes
	if n < 0 {
		return nil, 0, false
	}
	seal = binary.BigEndian.Uint64(value[n:])
	return value[:n], seal, seal == sealOf(key, value[:n])
}
