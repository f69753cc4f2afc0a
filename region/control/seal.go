package control

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// sealMark begins a saved state; its number is the version of what follows.
const sealMark = "gazetteer-plan 1"

// maxSealBytes bounds a saved state before anything is made of it.
const maxSealBytes = 64 << 20

// appendSum puts a line with length and checksum before a body: a file that was cut
// short, mixed or has a flipped bit is recognised.
func appendSum(body []byte) []byte {
	sum := sha256.Sum256(body)
	head := sealMark + " " + strconv.Itoa(len(body)) + " " + hex.EncodeToString(sum[:]) + "\n"
	return append([]byte(head), body...)
}

func cutSum(data []byte) ([]byte, error) {
	if len(data) > maxSealBytes {
		return nil, sealError("it has %d bytes, want at most %d", len(data), maxSealBytes)
	}
	head, body, ok := bytes.Cut(data, []byte("\n"))
	rest, known := strings.CutPrefix(string(head), sealMark+" ")
	if !ok || !known {
		return nil, sealError("it does not begin with %q: another file or another version", sealMark)
	}
	if !bytes.Equal(appendSum(body), data) {
		return nil, sealError("its checksum does not fit: it was damaged or cut short (%d bytes, head %.100q)", len(body), rest)
	}
	return body, nil
}
