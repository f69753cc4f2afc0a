package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"gazetteer"
)

// machine is the state and what commands make of it. One goroutine applies and restores;
// all may look. It is pure: the same commands in the same order make the same bytes.
type machine struct {
	now     atomic.Pointer[agreed]
	decided decided
}

// agreed is one state with the plan it stands for; nil before the region is founded.
type agreed struct {
	state *state
	plan  *Plan
}

// Result is what became of a command.
type Result struct {
	Epoch uint64 // of the plan after it
	Err   error  // then nothing was changed
}

// apply performs a command. Whatever its bytes say, it returns: a member that stopped at
// a command would stop at it again after every restart, and all others with it.
func (m *machine) apply(data []byte) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			r = Result{Epoch: m.epoch(), Err: refuse(gazetteer.Internal, "", "a fault in performing the command: %v", p)}
		}
	}()
	c, err := DecodeCommand(data)
	if err != nil {
		return Result{Epoch: m.epoch(), Err: err}
	}
	next, err := m.perform(c)
	if err != nil {
		return Result{Epoch: m.epoch(), Err: err}
	}
	m.now.Store(next)
	return Result{Epoch: next.state.Epoch}
}

// perform returns what a command makes of the state, which stays as it is.
func (m *machine) perform(c Command) (*agreed, error) {
	now := m.now.Load()
	if err := admit(now, c); err != nil {
		return nil, err
	}
	next := &state{}
	if now != nil {
		next = now.state.clone()
	}
	planned, err := c.Edit.edit(next)
	if err != nil {
		return nil, err
	}
	if !planned {
		return &agreed{next, now.plan}, next.checkTokens()
	}
	next.Epoch++
	plan, err := newAgreed(next)
	if err != nil {
		return nil, err
	}
	return &agreed{next, plan}, nil
}

// admit refuses commands that come too early, too late, or for another plan.
func admit(now *agreed, c Command) error {
	_, founds := c.Edit.(found)
	switch {
	case founds && now != nil:
		return refuse(gazetteer.Conflict, "", "the region %s is founded already", now.state.Region)
	case founds:
		return nil
	case now == nil:
		return refuse(gazetteer.Unavailable, "", "the region is not founded yet: retry in a second")
	case now.state.Ended:
		return refuse(gazetteer.Conflict, "", "the region %s has ended: its last regional server was removed", now.state.Region)
	case c.Edit.guarded() && c.Expect != now.state.Epoch:
		return refuse(gazetteer.Precondition, "/expect", "the command was made for plan %d, the region has plan %d: look at it and decide again", c.Expect, now.state.Epoch)
	}
	return nil
}

func (m *machine) epoch() uint64 {
	if now := m.now.Load(); now != nil {
		return now.state.Epoch
	}
	return 0
}

// seal returns the state as bytes, the same for the same state.
func (m *machine) seal() ([]byte, error) { return m.now.Load().seal() }

// restore takes the place of everything with what seal has returned.
func (m *machine) restore(data []byte) error {
	if bytes.Equal(data, appendSum(nil)) {
		m.now.Store(nil)
		return nil
	}
	a, err := unseal(data)
	if err != nil {
		return err
	}
	m.now.Store(a)
	return nil
}

// seal of nil is that of a region that is not founded.
func (a *agreed) seal() ([]byte, error) {
	if a == nil {
		return appendSum(nil), nil
	}
	return a.state.seal(true)
}

// seal writes the state with a checksum. Without secrets the join tokens are left out:
// they are nobody's business but that of the regional servers.
func (s *state) seal(secrets bool) ([]byte, error) {
	out := *s
	if !secrets {
		out.Tokens = nil
	}
	body, err := json.Marshal(out)
	if err != nil {
		return nil, sealError("%v", err)
	}
	return appendSum(body), nil
}

// unseal reads what seal has written. It refuses everything else: a flipped bit, a
// missing end, another version, a state that is no plan.
func unseal(data []byte) (*agreed, error) {
	body, err := cutSum(data)
	if err != nil {
		return nil, err
	}
	s := &state{}
	if err := decodeStrict(body, s); err != nil {
		return nil, sealError("%v", err)
	}
	plan, err := newAgreed(s)
	if err != nil {
		return nil, &gazetteer.Error{Op: "control.unseal", Kind: gazetteer.Invalid, Detail: "what was read is no plan", Err: err}
	}
	if again, err := json.Marshal(s); err != nil || !bytes.Equal(again, body) {
		return nil, sealError("it is not written as it should be")
	}
	return &agreed{s, plan}, nil
}

func sealError(format string, args ...any) error {
	return &gazetteer.Error{Op: "control.unseal", Kind: gazetteer.Invalid, Detail: "a saved plan cannot be read: " + fmt.Sprintf(format, args...)}
}
