package planet

import (
	"context"
	"time"

	"gazetteer"
	"gazetteer/mst/voice"
	"gazetteer/region/control"
)

// speakEvery is the pace of the voice's clock.
const speakEvery = 50 * time.Millisecond

// speaker drives the region's voice for as long as this process leads.
type speaker struct {
	p       *Planet
	v       *voice.Voice
	began   time.Time
	planned *control.Plan // that the voice was told of
	shown   time.Time     // when the status was shown last
	stale   bool          // it has changed since
	inbox   chan letter
	samples chan sample
}

type sample struct {
	region gazetteer.RegionID
	rtt    time.Duration
}

// speak is the region's voice until ctx ends or what it says cannot be made durable.
func (p *Planet) speak(ctx context.Context) error {
	saved, err := savedIn(p.plan())
	if err != nil {
		return err
	}
	v, err := voice.New(voice.Config{Self: p.self, Saved: saved, Given: p.Costs != nil, Nearest: p.Candidates})
	if err != nil {
		return err
	}
	s := &speaker{p: p, v: v, began: time.Now(), inbox: make(chan letter, inboxMax), samples: make(chan sample, inboxMax)}
	p.mail.open(s.inbox)
	p.rtts.tell(s.measured)
	defer p.mail.open(nil)
	defer p.rtts.tell(nil)
	defer p.status.Store(nil)
	return s.run(ctx)
}

// measured takes a round trip; one too many is no loss.
func (s *speaker) measured(r gazetteer.RegionID, rtt time.Duration) {
	select {
	case s.samples <- sample{r, rtt}:
	default:
	}
}

func (s *speaker) run(ctx context.Context) error {
	tick := time.NewTicker(speakEvery)
	defer tick.Stop()
	for {
		changed := s.p.Group.View().Changed()
		s.v.Tick(time.Since(s.began))
		if err := s.introduce(); err != nil {
			return err
		}
		if err := s.perform(ctx, s.v.Ready()); err != nil {
			return err
		}
		select {
		case l := <-s.inbox:
			s.v.Tick(time.Since(s.began))
			s.hear(l)
			s.drain()
		case m := <-s.samples:
			s.v.Tick(time.Since(s.began))
			s.v.Sample(m.region, m.rtt)
		case <-changed:
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// drain hears what else is there, so that the answers to it go together.
func (s *speaker) drain() {
	for range inboxMax {
		select {
		case l := <-s.inbox:
			s.hear(l)
		default:
			return
		}
	}
}

// hear takes a letter. One that cannot be read is its sender's fault, and concerns nobody
// else.
func (s *speaker) hear(l letter) {
	m, err := voice.Decode(l.body)
	if err != nil {
		s.p.Logger.Warn("a letter from another region cannot be read", "region", string(l.from), "error", err)
		return
	}
	s.v.Step(l.from, m)
}

// introduce tells the voice which regions there are, and what they cost if that is given,
// each time the plan changes.
func (s *speaker) introduce() error {
	plan := s.p.plan()
	if plan == s.planned {
		return nil
	}
	s.planned = plan
	s.v.Regions(append(plan.PeerNames(), s.p.self))
	if s.p.Costs != nil {
		for _, r := range plan.PeerNames() {
			if cost, ok := s.p.Costs(r); ok {
				s.v.SetCost(r, uint64(cost.Microseconds()))
			}
		}
	}
	saved, err := savedIn(plan)
	if err != nil {
		return err
	}
	for _, b := range saved.Branches {
		if b.Why == voice.Contact {
			s.v.Contact(b.Region)
		}
	}
	return nil
}

// perform does what the voice asks for: what it depends on is durable for the region, and
// not only for this process, before anybody hears of it.
func (s *speaker) perform(ctx context.Context, r voice.Ready) error {
	if r.Save != nil {
		if err := s.save(ctx, r.Save.Encode()); err != nil {
			return err
		}
	}
	letters := map[gazetteer.RegionID][][]byte{}
	for _, e := range r.Send {
		letters[e.To] = append(letters[e.To], voice.Encode(e.Message))
	}
	for to, ls := range letters {
		s.p.send(to, ls)
	}
	s.show(r.Changed)
	return nil
}

// save has the region agree on what its voice has to remember. Only the leader's own word
// counts: had another process spoken in between, this one would no longer lead.
func (s *speaker) save(ctx context.Context, value []byte) error {
	return s.p.Group.Lead(ctx, control.SetTree{Value: value})
}
