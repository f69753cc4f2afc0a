package control

import (
	"github.com/hashicorp/raft"
)

// guarded is where raft keeps its term and vote. Raft ends the whole process when it
// cannot write its term; a full disk would so take away reads that need no raft. Here it
// only ends this member's part in raft: fail closes its streams before raft goes on, so
// nothing that is not on the disk gets out.
type guarded struct {
	raft.StableStore
	fail func(error)
}

const currentTerm = "CurrentTerm" // raft's key, the only one whose loss it does not survive

func (g guarded) SetUint64(key []byte, value uint64) error {
	err := g.StableStore.SetUint64(key, value)
	if err != nil && string(key) == currentTerm {
		g.fail(err)
		return nil
	}
	return err
}
