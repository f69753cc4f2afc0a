package control

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/hashicorp/raft"
)

// summed is a log store with a checksum in each entry. bbolt has none: it would give
// back a flipped bit as a command.
type summed struct{ raft.LogStore }

var errDamaged = errors.New("its checksum does not fit: a bit was flipped on the disk")

func (s summed) GetLog(index uint64, l *raft.Log) error {
	if err := s.LogStore.GetLog(index, l); err != nil {
		return err
	}
	if l.Index != index || !bytes.Equal(l.Extensions, sumOf(l)) {
		return errDamaged
	}
	l.Extensions = nil
	return nil
}

func (s summed) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs works on copies: raft still uses the entries.
func (s summed) StoreLogs(logs []*raft.Log) error {
	out := make([]*raft.Log, len(logs))
	for i, l := range logs {
		c := *l
		c.Extensions = sumOf(l)
		out[i] = &c
	}
	return s.LogStore.StoreLogs(out)
}

func sumOf(l *raft.Log) []byte {
	var head [17]byte
	binary.BigEndian.PutUint64(head[:], l.Index)
	binary.BigEndian.PutUint64(head[8:], l.Term)
	head[16] = byte(l.Type)
	table := crc32.MakeTable(crc32.Castagnoli)
	return binary.BigEndian.AppendUint32(nil, crc32.Update(crc32.Checksum(head[:], table), table, l.Data))
}
