package control

import (
	"cmp"
	"slices"

	"gazetteer/region"
)

// maxVoters is how many regional servers decide; the others only follow. More would make
// each decision wait for more disks and save nobody.
const maxVoters = 5

// seat is a server of raft's configuration.
type seat struct {
	server, addr string
	voter        bool
}

// reseat is one change of raft's configuration, the only kind there is.
type reseat struct {
	verb verb
	seat seat
}

type verb string

const (
	addSeat    verb = "add" // a follower without a vote, or a new address
	removeSeat verb = "remove"
	promote    verb = "promote"
	demote     verb = "demote"
	handOver   verb = "hand over" // the leadership
)

// reseat returns the next change that brings raft's configuration nearer to what the
// state asks for: every regional server has a seat, and the best 1, 3 or 5 have a vote.
// An even number would let one more failure stop the group without any to spare.
func (s *state) reseat(seats []seat, self string) (reseat, bool) {
	for _, step := range []func([]seat, string) (reseat, bool){s.vacate, s.admit, s.vote} {
		if r, ok := step(seats, self); ok {
			return r, true
		}
	}
	return reseat{}, false
}

// vacate takes away the seats that nobody is to have.
func (s *state) vacate(seats []seat, self string) (reseat, bool) {
	for _, t := range seats {
		if m := s.holder(t); (m == nil || m.State == Leaving) && t.server != self {
			return reseat{removeSeat, t}, true
		}
	}
	return reseat{}, false
}

// admit gives seats to those who have none, and follows those who have moved.
func (s *state) admit(seats []seat, _ string) (reseat, bool) {
	for _, m := range s.Members {
		if m.Server == "" || m.Addr == "" || m.State == Leaving || !m.is(region.RoleRegion) {
			continue
		}
		i := slices.IndexFunc(seats, func(t seat) bool { return t.server == m.Server })
		if i < 0 {
			return reseat{addSeat, seat{server: m.Server, addr: m.Addr}}, true
		}
		if seats[i].addr != m.Addr {
			return reseat{addSeat, seat{server: m.Server, addr: m.Addr, voter: seats[i].voter}}, true
		}
	}
	return reseat{}, false
}

// vote gives votes to the best, and takes them from the others: from dead ones first, so
// that the group does not depend on them while it changes.
func (s *state) vote(seats []seat, self string) (reseat, bool) {
	best := s.best(seats, self)
	if len(best) == 0 {
		return reseat{}, false
	}
	for _, t := range seats {
		if t.voter && !slices.Contains(best, t) && s.holder(t) != nil && s.holder(t).State == Dead {
			return reseat{demote, t}, true
		}
	}
	for _, t := range best {
		if !t.voter {
			return reseat{promote, t}, true
		}
	}
	for _, t := range seats {
		if t.voter && !slices.Contains(best, t) && t.server != self {
			return reseat{demote, t}, true
		}
	}
	if !slices.ContainsFunc(best, func(t seat) bool { return t.server == self }) {
		return reseat{handOver, best[0]}, true
	}
	return reseat{}, false
}

// best returns the seats that are to have a vote: the leader's, then those of live
// members, of these first those that have one.
func (s *state) best(seats []seat, self string) []seat {
	able := slices.DeleteFunc(slices.Clone(seats), func(t seat) bool {
		m := s.holder(t)
		return m == nil || m.State == Leaving || m.State == Joining || m.State == Dead && !t.voter
	})
	merit := func(t seat) int {
		switch live := s.holder(t).State == Live; {
		case t.server == self:
			return 0
		case live && t.voter:
			return 1
		case live:
			return 2
		}
		return 3
	}
	slices.SortFunc(able, func(a, b seat) int {
		return cmp.Or(cmp.Compare(merit(a), merit(b)), cmp.Compare(a.server, b.server))
	})
	n := min(len(able), maxVoters)
	if n%2 == 0 && n > 0 {
		n--
	}
	return able[:n]
}

// holder returns the regional server whose seat it is, nil if none has it.
func (s *state) holder(t seat) *Member {
	i := slices.IndexFunc(s.Members, func(m Member) bool { return m.Server == t.server && m.is(region.RoleRegion) })
	if i < 0 {
		return nil
	}
	return &s.Members[i]
}
