package control

import (
	"io"

	"github.com/hashicorp/raft"

	"gazetteer/cluster/mastery"
)

// fsm is the machine as raft drives it: one goroutine of raft calls Apply, Snapshot and
// Restore.
type fsm struct {
	*machine
	publish func(*agreed)
}

var _ raft.FSM = fsm{}

func (f fsm) Apply(l *raft.Log) any {
	if isDecision(l.Data) {
		return f.decided.apply(f.now.Load(), l.Data)
	}
	r := f.apply(l.Data)
	f.show()
	return r
}

func (f fsm) show() {
	if now := f.now.Load(); now != nil {
		f.publish(now)
	}
}

// Snapshot costs a copy of the ledger's index: a state that was shown never changes.
func (f fsm) Snapshot() (raft.FSMSnapshot, error) {
	return snapshot{f.now.Load(), f.decided.copy()}, nil
}

// Restore refuses what is damaged and then keeps the state it has.
func (f fsm) Restore(r io.ReadCloser) error {
	data, err := readSnapshot(r)
	if err != nil {
		return err
	}
	if err := f.restoreAll(data); err != nil {
		return err
	}
	f.show()
	return nil
}

type snapshot struct {
	of     *agreed
	ledger *mastery.Ledger
}

func (s snapshot) Persist(sink raft.SnapshotSink) error {
	data, err := sealAll(s.of, s.ledger)
	if err != nil {
		return cancel(sink, err)
	}
	if _, err := sink.Write(data); err != nil {
		return cancel(sink, err)
	}
	return sink.Close()
}

func cancel(sink raft.SnapshotSink, err error) error {
	sink.Cancel()
	return err
}

func (snapshot) Release() {}
