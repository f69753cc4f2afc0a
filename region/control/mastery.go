package control

import (
	"context"
	"time"

	"github.com/hashicorp/raft"

	"gazetteer"
	"gazetteer/cluster/mastery"
)

// Decide lets the group decide on a command of the ledger. Only the leader may be asked:
// others answer Unavailable, and nothing was done. Errors of the ledger are those of
// [mastery.Ledger.Perform]. With the kind Deadline it is unknown whether the command was
// performed; it is known when [Group.Reign] returns.
func (g *Group) Decide(ctx context.Context, c mastery.Command) (mastery.Entry, error) {
	data, err := c.Encode()
	if err != nil {
		return mastery.Entry{}, err
	}
	if err := g.mustLead(); err != nil {
		return mastery.Entry{}, err
	}
	var f raft.ApplyFuture
	err = g.await(ctx, func() raft.Future {
		f = g.raft.Apply(append([]byte{decisionMark}, data...), raftTimeout)
		return f
	})
	if err != nil {
		return mastery.Entry{}, leaderless(err)
	}
	d := f.Response().(Decision)
	return d.Entry, d.Err
}

// Ledger gives use what the region has decided, as far as this member knows. It must not
// keep it. A region that has decided nothing has an empty one.
func (g *Group) Ledger(use func(*mastery.Ledger)) {
	if g.machine == nil {
		use(mastery.NewLedger(g.id.Region))
		return
	}
	d := &g.machine.decided
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ledger == nil {
		d.ledger = mastery.NewLedger(g.id.Region)
	}
	use(d.ledger)
}

// Reign returns the term in which this process leads, once its ledger shows all that was
// decided before: what a leader does first. Unavailable: it does not lead.
func (g *Group) Reign(ctx context.Context) (term uint64, err error) {
	if err := g.mustLead(); err != nil {
		return 0, err
	}
	term = g.raft.CurrentTerm()
	if err := g.catchUp(ctx); err != nil {
		return 0, leaderless(err)
	}
	return term, g.Verify(ctx, term)
}

// Verify reports nil if this process led in a term at a moment after the call, and its
// ledger shows all that was decided until the call. It asks the other members and writes
// nothing. The term is one that Reign has returned.
func (g *Group) Verify(ctx context.Context, term uint64) error {
	if err := g.mustLead(); err != nil {
		return err
	}
	upTo := g.raft.CommitIndex()
	if err := g.await(ctx, func() raft.Future { return g.raft.VerifyLeader() }); err != nil {
		return leaderless(err)
	}
	if g.raft.CurrentTerm() != term {
		return noLeader(errNotLeader)
	}
	for g.raft.AppliedIndex() < upTo {
		select {
		case <-ctx.Done():
			return opError("control.Verify", gazetteer.Deadline, "the log is not performed up to %d in time: %v", upTo, ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// mustLead refuses what only a leader of a founded region may do.
func (g *Group) mustLead() error {
	if g.raft == nil || g.machine.now.Load() == nil {
		return noLeader(errNotLeader)
	}
	if leader, _ := g.Leader(); !leader.Self {
		return noLeader(errNotLeader)
	}
	return nil
}

// leaderless says of an error for want of a leader what it means for a caller.
func leaderless(err error) error {
	if err == errNotLeader {
		return noLeader(err)
	}
	return err
}
