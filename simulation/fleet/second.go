package fleet

import (
	"fmt"
	"time"
)

// second sums up the requests that ended within one second, for the log of decisions: two
// runs that differ in any outcome, or in when it came, differ in its digest.
type second struct {
	requests, errors int64
	digest           uint64
}

// ended takes the outcome of a request.
func (f *Fleet) ended(r *request, took time.Duration, failed string, wrong, stale bool) {
	of := &r.crowd.area.clients
	for _, m := range [2]*meter{&of.period, &of.total} {
		m.ended(r.write, took, failed)
		if wrong {
			m.Wrong++
		}
		if stale {
			m.stale++
		}
	}
	f.second.requests++
	if failed != "" {
		f.second.errors++
	}
	f.second.mix(uint64(r.begun))
	f.second.mix(uint64(took))
	f.second.mix(uint64(len(failed)))
}

// mix is one round of FNV-1a over a word.
func (s *second) mix(word uint64) { s.digest = (s.digest ^ word) * 0x100000001b3 }

// tick ends a second.
func (f *Fleet) tick() {
	if f.second.requests > 0 {
		f.config.Event(fmt.Sprintf("requests %d errors %d digest %016x", f.second.requests, f.second.errors, f.second.digest))
		f.second.requests, f.second.errors = 0, 0
	}
	f.agenda.After(time.Second, f.tick)
}
