package health

import (
	"sync"

	"gazetteer"
)

// downs count the locations of each type that are down.
type downs struct {
	mu     sync.Mutex // guards following
	byType map[gazetteer.Type]int
}

func (d *downs) set(t gazetteer.Type, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byType == nil {
		d.byType = map[gazetteer.Type]int{}
	}
	d.byType[t] = n
}

func (d *downs) sum() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, of := range d.byType {
		n += of
	}
	return n
}

// downAfter counts those that are down when a verdict is carried out.
func downAfter(results []Result, v *Verdict) int {
	n := len(v.Down) - len(v.Up)
	for i := range results {
		if results[i].Down {
			n++
		}
	}
	return n
}
