package control

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// disk is what a process of a test keeps for raft. It can be told to crash its process
// at a point; each process has its own opening of it, and when that has crashed it writes
// no more.
type disk struct {
	store *raft.InmemStore
	snaps *memSnaps

	mu   sync.Mutex // guards following
	hook func(point) bool
	bad  error // all writes of the term fail with it
}

// point is where a process can crash: just before or just after it has written something.
type point struct {
	proc string
	what string // append, config, vote, term, snapshot, install
	done bool
}

func (p point) String() string {
	when := "before"
	if p.done {
		when = "after"
	}
	return when + " " + p.what
}

func newDisk() *disk {
	return &disk{store: raft.NewInmemStore(), snaps: &memSnaps{}}
}

func (d *disk) setHook(h func(point) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hook = h
}

// opening is one process' use of a disk.
type opening struct {
	*disk
	proc string
	dead atomic.Bool
}

func (d *disk) open(proc string) (*stores, *opening) {
	o := &opening{disk: d, proc: proc}
	return &stores{
		log: summed{hookedLog{d.store, o}}, stable: hookedStable{d.store, o}, snaps: hookedSnaps{d.snaps, o},
		close: func() error { return nil },
	}, o
}

// write performs a write unless the process has crashed, or crashes before or after it.
// After a crash the process is off the network: what it still believes nobody hears.
func (o *opening) write(what string, do func() error) error {
	if o.dead.Load() || o.crashes(point{o.proc, what, false}) {
		return nil
	}
	err := do()
	o.crashes(point{o.proc, what, true})
	return err
}

func (o *opening) crashes(p point) bool {
	o.mu.Lock()
	hook := o.hook
	o.mu.Unlock()
	if hook != nil && hook(p) {
		o.dead.Store(true)
	}
	return o.dead.Load()
}

type hookedLog struct {
	raft.LogStore
	o *opening
}

func (h hookedLog) StoreLog(l *raft.Log) error { return h.StoreLogs([]*raft.Log{l}) }

func (h hookedLog) StoreLogs(logs []*raft.Log) error {
	what := "append"
	if slices.ContainsFunc(logs, func(l *raft.Log) bool { return l.Type == raft.LogConfiguration }) {
		what = "config"
	}
	return h.o.write(what, func() error { return h.LogStore.StoreLogs(logs) })
}

func (h hookedLog) DeleteRange(from, to uint64) error {
	return h.o.write("truncate", func() error { return h.LogStore.DeleteRange(from, to) })
}

type hookedStable struct {
	raft.StableStore
	o *opening
}

func (h hookedStable) Set(key, value []byte) error {
	return h.o.write("vote", func() error { return h.StableStore.Set(key, value) })
}

func (h hookedStable) SetUint64(key []byte, value uint64) error {
	what := "vote"
	if string(key) == currentTerm {
		what = "term"
	}
	h.o.mu.Lock()
	bad := h.o.bad
	h.o.mu.Unlock()
	if bad != nil && what == "term" {
		return bad
	}
	return h.o.write(what, func() error { return h.StableStore.SetUint64(key, value) })
}

// memSnaps keeps two snapshots in memory; one counts when it is closed, not before.
type memSnaps struct {
	mu   sync.Mutex // guards following
	made int
	list []*memSnap // newest first
}

type memSnap struct {
	meta raft.SnapshotMeta
	data []byte
}

func (m *memSnaps) List() (out []*raft.SnapshotMeta, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.list {
		out = append(out, &s.meta)
	}
	return out, nil
}

func (m *memSnaps) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.list {
		if s.meta.ID == id {
			return &s.meta, io.NopCloser(bytes.NewReader(s.data)), nil
		}
	}
	return nil, nil, errors.New("no such snapshot")
}

func (m *memSnaps) add(s *memSnap) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.meta.Size = int64(len(s.data))
	m.list = append([]*memSnap{s}, m.list...)
	slices.SortStableFunc(m.list, func(a, b *memSnap) int { return int(b.meta.Index) - int(a.meta.Index) })
	m.list = m.list[:min(len(m.list), keepSnapshots)]
}

// count returns how many snapshots were begun.
func (m *memSnaps) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.made
}

// spoil flips a bit of all that are kept. Who reads one already goes on with what it was.
func (m *memSnaps) spoil() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.list {
		s.data = bytes.Clone(s.data)
		s.data[len(s.data)/2] ^= 4
	}
}

type hookedSnaps struct {
	*memSnaps
	o *opening
}

func (h hookedSnaps) Create(v raft.SnapshotVersion, index, term uint64, c raft.Configuration, at uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	h.mu.Lock()
	h.made++
	id := fmt.Sprint(h.made)
	h.mu.Unlock()
	meta := raft.SnapshotMeta{Version: v, ID: id, Index: index, Term: term, Configuration: c, ConfigurationIndex: at}
	return &memSink{memSnap: &memSnap{meta: meta}, in: h}, nil
}

type memSink struct {
	*memSnap
	in     hookedSnaps
	closed bool
}

func (s *memSink) Write(p []byte) (int, error) {
	s.data = append(s.data, p...)
	return len(p), nil
}

func (s *memSink) Close() error {
	if s.closed { // raft closes once more than its documentation asks for
		return nil
	}
	s.closed = true
	return s.in.o.write("snapshot", func() error { s.in.add(s.memSnap); return nil })
}

func (s *memSink) Cancel() error { return nil }
func (s *memSink) ID() string    { return s.meta.ID }
