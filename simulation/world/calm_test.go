package world

import (
	"bytes"
	"testing"
	"time"

	"gazetteer/simulation/aws"
	"gazetteer/simulation/result"
)

func TestSevenRegionsWithoutFaults(t *testing.T) {
	var log bytes.Buffer
	w, l := begun(t, planet(t, aws.Seven(), 3), 1, &log)
	w.agenda.Run(w.agenda.Now() + 15*time.Second) // the branches of the way to the tree drain
	w.Begin()
	l.run(50*time.Millisecond, w.agenda.Now()+30*time.Second, 10)
	w.agenda.Run(w.agenda.Now() + 31*time.Second)
	r := finish(t, w, 20*time.Second)
	if l.done != l.answered || l.answered != int(l.next) || l.done == 0 {
		t.Errorf("%d of %d writes answered, %d done: %v", l.answered, l.next, l.done, l.refused)
	}
	if r.Messages.Updates == 0 || r.Messages.Crossings > 6*r.Messages.Updates || r.Messages.Crossings < 6*r.Messages.Updates*95/100 {
		t.Errorf("%d crossings of %d updates, want 6 each, less for those that lost on their way", r.Messages.Crossings, r.Messages.Updates)
	}
	if len(r.Propagation) != 42 {
		t.Errorf("propagation of %d pairs, want 42", len(r.Propagation))
	}
	for _, p := range r.Propagation {
		if p.P50MS < p.PathMS || p.P50MS > p.PathMS+result.MillisOf(20*time.Millisecond) {
			t.Errorf("%s to %s: p50 %.1f ms, the way along the tree takes %.1f", p.From, p.To, p.P50MS, p.PathMS)
		}
	}
	if t.Failed() {
		t.Log(log.String())
	}
}
