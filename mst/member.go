package mst

import (
	"time"

	"gazetteer"
)

// Config is what a Member needs for good.
type Config struct {
	Self gazetteer.RegionID
	// Epoch is the highest that a [Ready] ever asked to save for this region, by this
	// process or by one before it. The region takes no part in it again: what an
	// earlier process knew of that run is lost.
	Epoch Epoch
	// ResendAfter (500 ms) is how long a link waits for an acknowledgement before it
	// sends again; it should be above the largest round-trip time.
	ResendAfter time.Duration
	// JoinWithin (5 s) is how long an epoch may be joined without its Run being known.
	JoinWithin time.Duration
}

// Member is one region among those that build a tree: what its leader runs. It follows
// the highest epoch that it hears of. In each it is at first joined (its edges are not
// yet known), then it runs a node over links, and at last it has the tree.
type Member struct {
	cfg    Config
	now    time.Duration
	epoch  Epoch // taken part in, or about to
	joined bool  // in epoch, and not barred from it by a restart
	run    *run  // nil until Begin
	early  []packet
	failBy time.Duration // when to give up; 0: there is nothing to give up
	ready  Ready
}

// earlyMax bounds the frames kept until Begin. More are dropped; their senders send
// them again.
const earlyMax = 1024

// packet is a frame and where it came from.
type packet struct {
	from  gazetteer.RegionID
	frame Frame
}

// Delivery is a frame and the region it goes to.
type Delivery struct {
	To    gazetteer.RegionID
	Frame Frame
}

// Failure says that a run will not end, and why. The answer is a new epoch, after a
// random back-off; nothing is urgent, the last tree is still in use.
type Failure struct {
	Epoch Epoch
	Err   error
}

// Ready is what the driver performs, in this order: Save, then Send, then the rest.
type Ready struct {
	// Save, if it is not zero, must be durable, for the region and not only for this
	// process, before anything else is sent; see [Config].
	Save Epoch
	Send []Delivery
	// Join, if it is not zero, is an epoch that others run: find out its Run and
	// [Member.Begin].
	Join    Epoch
	Install *Tree    // the new tree
	Failed  *Failure // propose a new epoch, after a back-off
}

// New returns a member that takes part in nothing yet.
func New(c Config) (*Member, error) {
	if c.Self == "" {
		return nil, fail("mst.New", gazetteer.Invalid, "Self names no region")
	}
	if c.ResendAfter == 0 {
		c.ResendAfter = 500 * time.Millisecond
	}
	if c.JoinWithin == 0 {
		c.JoinWithin = 5 * time.Second
	}
	return &Member{cfg: c, epoch: c.Epoch}, nil
}

// Epoch returns the highest epoch that the member has heard of.
func (m *Member) Epoch() Epoch { return m.epoch }

// Running reports whether the member takes part in its epoch: it has begun, or has joined
// and will. A member that started with this epoch saved does not.
func (m *Member) Running() bool { return m.joined }

// Halted reports whether this region, as one of the core's two, knows that the tree of the
// run is complete.
func (m *Member) Halted() bool { return m.run != nil && m.run.node.Halted() }

// Propose opens an epoch above all that the member has heard of and gives up what runs.
// Agree on its Run with the others, then Begin and Wake.
func (m *Member) Propose() Epoch {
	m.enter(m.epoch.Next(m.cfg.Self))
	return m.epoch
}

// Join goes on to a higher epoch that the member was told of by other means than a frame,
// and gives up what runs. It reports false if the member is there already, or further.
func (m *Member) Join(e Epoch) bool {
	if e.Compare(m.epoch) <= 0 {
		return false
	}
	m.enter(e)
	return true
}

// Begin takes part in an epoch that was proposed or joined. The error is of kind
// Conflict if the member has gone on to another or has begun already.
func (m *Member) Begin(r Run) error {
	if r.Epoch != m.epoch || !m.joined || m.run != nil {
		return fail("mst.Member.Begin", gazetteer.Conflict, "epoch %v cannot begin, the member is at %v", r.Epoch, m.epoch)
	}
	run, err := newRun(m.cfg.Self, r, m.cfg.ResendAfter)
	if err != nil {
		return err
	}
	if r.Deadline == 0 {
		r.Deadline = DeadlineFor(r.Regions)
	}
	m.run, m.failBy = run, m.now+r.Deadline
	m.Tick(m.now) // the links are new
	m.replay()
	return nil
}

// replay takes the frames that came before Begin. An error concerns their senders alone.
func (m *Member) replay() {
	early := m.early
	m.early = nil
	for _, p := range early {
		_ = m.receive(p.from, p.frame)
	}
}

// Wake starts the run from here. The proposer does; others may, too, or are woken by
// the first message.
func (m *Member) Wake() {
	if m.run != nil {
		m.run.node.Wake()
		m.settle()
	}
}

// Step takes a frame. One that no correct member can have sent is an error, and changes
// nothing but that the run may fail.
func (m *Member) Step(from gazetteer.RegionID, f Frame) error {
	switch c := f.Epoch.Compare(m.epoch); {
	case f.Epoch.Counter == 0:
		return fail("mst.Member.Step", gazetteer.Invalid, "a frame of no epoch from %q", from)
	case c < 0:
		m.refuse(from, f)
		return nil
	case c > 0:
		m.enter(f.Epoch)
		m.ready.Join = f.Epoch
	}
	return m.current(from, f)
}

// current takes a frame of the member's own epoch.
func (m *Member) current(from gazetteer.RegionID, f Frame) error {
	switch {
	case f.Stale == m.epoch:
		m.fail(fail("mst.Member", gazetteer.Unavailable, "%q started anew and cannot go on in epoch %v", from, m.epoch))
	case f.Stale != Epoch{}: // it refused an earlier one, which is over here, too
	case !m.joined:
		m.refuse(from, f)
	case m.run == nil:
		m.keep(from, f)
	default:
		return m.receive(from, f)
	}
	return nil
}

func (m *Member) receive(from gazetteer.RegionID, f Frame) error {
	err := m.run.receive(from, f)
	m.settle()
	return err
}

// refuse answers a frame of an epoch that is over here.
func (m *Member) refuse(from gazetteer.RegionID, f Frame) {
	if f.Stale == (Epoch{}) {
		m.ready.Send = append(m.ready.Send, Delivery{from, Frame{Epoch: m.epoch, Stale: f.Epoch}})
	}
}

// enter throws away the state of the run, whatever it is, and goes on to a higher
// epoch, asleep. Node, links and tally are made anew, so nothing of the old ones is
// left; what they had still to send is never sent.
func (m *Member) enter(e Epoch) {
	m.epoch, m.joined, m.run, m.early = e, true, nil, nil
	m.failBy = m.now + m.cfg.JoinWithin
	m.ready = Ready{Save: e}
}

func (m *Member) keep(from gazetteer.RegionID, f Frame) {
	if len(m.early) < earlyMax {
		m.early = append(m.early, packet{from, f})
	}
}

// Tick tells the time, on a clock that only goes forward.
func (m *Member) Tick(now time.Duration) {
	m.now = now
	if m.failBy > 0 && now >= m.failBy {
		m.fail(fail("mst.Member", gazetteer.Deadline, "epoch %v has no tree in time", m.epoch))
	}
	if m.run != nil {
		for _, p := range m.run.peers {
			m.run.links[p].Tick(now)
		}
	}
}

// Due returns when a Tick is needed next, if at all.
func (m *Member) Due() (at time.Duration, ok bool) {
	if m.run != nil {
		at, ok = m.run.due()
	}
	if m.failBy > 0 && (!ok || m.failBy < at) {
		at, ok = m.failBy, true
	}
	return at, ok
}

// settle passes on what the run has come to.
func (m *Member) settle() {
	m.run.settle()
	if m.run.broken != nil {
		m.fail(m.run.broken)
	}
	if t := m.run.tree(); t != nil {
		m.failBy = 0
		m.ready.Install = t
	}
}

// fail tells once that the run will not end. The run stays: should its tree come late,
// it is as good.
func (m *Member) fail(err error) {
	if m.failBy > 0 {
		m.failBy = 0
		m.ready.Failed = &Failure{m.epoch, err}
	}
}

// Ready returns what is to be done, and forgets it.
func (m *Member) Ready() Ready {
	out := m.ready
	m.ready = Ready{}
	if m.run == nil {
		return out
	}
	for _, p := range m.run.peers {
		for _, f := range m.run.links[p].Ready() {
			out.Send = append(out.Send, Delivery{p, f})
		}
	}
	return out
}
