package control

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"gazetteer"
	"gazetteer/region"
)

// recoveredEpochs is what a recovery adds to the epoch: no member can have seen a plan so
// far ahead of the one that was found, so the recovered one counts as newer everywhere.
const recoveredEpochs = 1 << 20

// Recover makes a regional server the only one of its region, when a majority of the
// others is lost for good. It works on the directory while no process uses it, and takes
// what is newest of raft's files and of the last plan; what was decided and had not
// reached this server is lost. Afterwards the process starts as always and leads a group
// of its own; the other regional servers count as dead and come back with empty
// directories, by new join tokens. Should they still run, they and this one no longer talk
// to each other: stop them first, or the region has two plans.
func Recover(path string, node gazetteer.NodeID) (epoch uint64, err error) {
	d := openDir(path)
	id, err := d.identity()
	switch {
	case err != nil:
		return 0, err
	case id.Node != node || id.Region == "":
		return 0, d.bad("it is not that of a member %q of a region, so there is nothing to recover", node)
	}
	s, err := d.newest()
	if err != nil {
		return 0, err
	}
	id.Server, id.Group, id.Stage = newServer(node), randomHex(), founding
	if s, err = s.recovered(node, id.Server); err != nil {
		return 0, err
	}
	// A crash in between leaves a directory that Start refuses and Recover takes again.
	return s.Epoch, inOrder(
		func() error { return d.savePlan(s) },
		func() error { return d.setAside(raftFile) },
		func() error { return d.setAside(snapshotDir) },
		func() error { return d.saveIdentity(id) },
	)
}

// newest returns the newest state that the directory holds.
func (d dir) newest() (*state, error) {
	last, err1 := d.plan()
	logged, err2 := d.replay()
	switch {
	case errors.Is(err2, errInUse), errors.Is(err2, errDecided):
		return nil, err2
	case logged != nil && (last == nil || logged.state.Epoch >= last.state.Epoch):
		return logged.state, nil
	case last != nil:
		return last.state, nil
	}
	return nil, d.wrap(errors.Join(err1, err2), "neither the last plan nor raft's files hold a plan")
}

// replay performs all commands that raft's files hold, also those of which it is not
// known whether they were decided: nobody is left who knows.
func (d dir) replay() (*agreed, error) {
	if _, err := os.Stat(filepath.Join(d.path, raftFile)); err != nil {
		return nil, d.wrap(err, raftFile)
	}
	s, err := openStores(d, hclog.NewNullLogger())
	if err != nil {
		return nil, err
	}
	defer s.shut()
	if err := s.check(d); err != nil {
		return nil, err
	}
	m := &machine{}
	from, err := s.restoreNewest(m)
	if err != nil {
		return nil, err
	}
	last, err := s.log.LastIndex()
	for i := from + 1; err == nil && i <= last; i++ {
		var l raft.Log
		if err = s.log.GetLog(i, &l); err == nil && l.Type == raft.LogCommand {
			m.replay(l.Data)
		}
	}
	if l := m.decided.copy(); l != nil && l.Len() > 0 {
		return nil, errDecided
	}
	return m.now.Load(), err
}

// errDecided keeps a region from going on without what it has decided: it would decide on
// the same records again, in epochs that have been.
var errDecided = errors.New("the region has decided on records of mode mastered, and a recovery would forget that: bring a majority of its regional servers back")

func (m *machine) replay(data []byte) {
	if isDecision(data) {
		m.decided.apply(m.now.Load(), data)
		return
	}
	m.apply(data)
}

// restoreNewest restores the newest snapshot that can be, and returns its index.
func (s *stores) restoreNewest(m *machine) (index uint64, err error) {
	list, err := s.snaps.List()
	if err != nil {
		return 0, err
	}
	for _, meta := range list {
		_, r, err := s.snaps.Open(meta.ID)
		if err != nil {
			continue
		}
		data, err := readSnapshot(r)
		r.Close()
		if err == nil && m.restoreAll(data) == nil {
			return meta.Index, nil
		}
	}
	return 0, nil
}

// recovered returns the state of a region that goes on with one regional server.
func (s *state) recovered(self gazetteer.NodeID, server string) (*state, error) {
	out := s.clone()
	if m := out.member(self); m == nil || !m.is(region.RoleRegion) {
		return nil, opError("control.Recover", gazetteer.Conflict, "the plan %d does not name %q as a regional server", s.Epoch, self)
	}
	out.Epoch += recoveredEpochs
	out.Tokens, out.Ended = nil, false
	for i := range out.Members {
		switch m := &out.Members[i]; {
		case m.Name == self:
			m.State, m.Server, m.Since = Live, server, out.Epoch
		case m.is(region.RoleRegion) && m.State != Leaving:
			m.State, m.Server, m.Since = Dead, "", out.Epoch
		}
	}
	_, err := newAgreed(out)
	return out, err
}

// setAside renames what is replaced: nothing of a lost region is deleted by us.
func (d dir) setAside(name string) error {
	old := filepath.Join(d.path, name)
	aside := fmt.Sprintf("%s.before-%d", old, time.Now().Unix())
	if err := os.Rename(old, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return d.wrap(err, name+" cannot be set aside")
	}
	return nil
}
