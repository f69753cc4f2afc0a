package badgerstore

import (
	"errors"
	"sync"
	"time"
)

// keeper does what is due now and then while the store is in use: it syncs the floor
// every second, and scrubs.
type keeper struct {
	quit chan struct{}
	all  sync.WaitGroup
}

func (s *Store) start() {
	s.logger.serving.Store(true)
	s.harm.armed.Store(true)
	s.keeper.quit = make(chan struct{})
	s.keeper.all.Go(s.syncFloor)
	s.keeper.all.Go(s.scrub)
}

func (k *keeper) stop() {
	close(k.quit)
	k.all.Wait()
}

func (s *Store) syncFloor() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-s.keeper.quit:
			return
		case <-tick.C:
			if err := s.floor.sync(); err != nil {
				text := "the floor cannot be synced: " + err.Error()
				s.logger.first.CompareAndSwap(nil, &text)
			}
		}
	}
}

// scrub verifies everything stored: at once if Open did not do it after an unclean end,
// then every ScrubEvery.
func (s *Store) scrub() {
	wait := s.config.ScrubEvery
	if !s.report.Clean && !s.report.Verified && !s.report.Fresh {
		wait = 0
	}
	for {
		select {
		case <-s.keeper.quit:
			return
		case <-time.After(wait):
		}
		err := s.verify(&pace{rate: s.config.ScrubRate, quit: s.keeper.quit, since: time.Now()})
		var d *damage
		if errors.As(err, &d) {
			s.corrupt("badgerstore.Scrub", nil, d.reason)
		}
		wait = s.config.ScrubEvery
	}
}

// pace slows a reader down to a rate. A nil pace does not.
type pace struct {
	rate  int64 // bytes per second
	quit  chan struct{}
	since time.Time
	bytes int64
}

// step counts bytes read, and waits if they came too fast. It returns false when the
// store is being closed.
func (p *pace) step(bytes int) bool {
	if p == nil {
		return true
	}
	p.bytes += int64(bytes)
	ahead := time.Duration(p.bytes*int64(time.Second)/p.rate) - time.Since(p.since)
	if ahead < 10*time.Millisecond {
		select {
		case <-p.quit:
			return false
		default:
			return true
		}
	}
	select {
	case <-p.quit:
		return false
	case <-time.After(ahead):
		return true
	}
}
