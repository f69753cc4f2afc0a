package fleet

import (
	"time"

	"gazetteer/simulation/agenda"
)

// station is a server with its cores: requests wait in one queue, and each takes one core
// for the time of its service (M/D/c if they come by Poisson).
type station struct {
	agenda  *agenda.Agenda
	place   Place
	cores   int
	service time.Duration
	state   State
	life    int // goes up when what it had in hand is lost or put back
	ends    int // of its process

	inHand []job // in the order in which they were begun, and so will be done
	queue  []job

	born  time.Duration
	spent time.Duration // by its cores, up to since
	since time.Duration

	sampled time.Duration // what was spent when the collector came last
}

// job is what becomes of a request at a station.
type job struct {
	over func() bool // nobody waits for it any more: it is not begun
	done func()
	lost func() // the process ended before
}

// take is for a station that is up or paused.
func (s *station) take(j job) {
	s.queue = append(s.queue, j)
	s.serve()
}

// serve begins what there is a core for.
func (s *station) serve() {
	for s.state == Up && len(s.queue) > 0 && len(s.inHand) < s.cores {
		next := s.queue[0]
		s.queue = s.queue[1:]
		if next.over() {
			continue
		}
		s.settle()
		s.inHand = append(s.inHand, next)
		life := s.life
		s.agenda.After(s.service, func() {
			if s.life == life {
				s.finish()
			}
		})
	}
}

func (s *station) finish() {
	s.settle()
	j := s.inHand[0]
	s.inHand = append(s.inHand[:0], s.inHand[1:]...)
	s.serve()
	j.done()
}

// settle adds up what the cores have spent until now.
func (s *station) settle() {
	now := s.agenda.Now()
	s.spent += time.Duration(len(s.inHand)) * (now - s.since)
	s.since = now
}

// used is what its cores have spent in all.
func (s *station) used() time.Duration {
	s.settle()
	return s.spent
}

// end makes it Down or Gone.
func (s *station) end(as State) {
	s.settle()
	lost := append(s.inHand, s.queue...)
	s.inHand, s.queue = nil, nil
	s.state = as
	s.life++
	s.ends++
	for _, j := range lost {
		j.lost()
	}
}

// pause keeps all that it has.
func (s *station) pause() {
	if s.state != Up {
		return
	}
	s.settle()
	s.queue = append(s.inHand, s.queue...)
	s.inHand = nil
	s.state = Paused
	s.life++
}

// start lets it go on, or start anew.
func (s *station) start() {
	s.settle()
	s.state = Up
	s.serve()
}
