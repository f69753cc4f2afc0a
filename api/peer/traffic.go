package peer

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"gazetteer"
)

// Traffic counts what links have carried from this node to those of one region, its own
// included, since the start.
type Traffic struct {
	Region gazetteer.RegionID
	// Updates are those sent, in scans and live, and UpdateBytes the frames that they
	// went in. Bytes are all that was sent over links: updates, handshakes, marks,
	// reports and heartbeats, without what TLS and TCP add.
	Updates, UpdateBytes, Bytes uint64
}

// traffic is one Traffic as it is counted.
type traffic struct{ updates, updateBytes, bytes atomic.Uint64 }

func (t *traffic) add(updates, updateBytes, bytes int) {
	t.updates.Add(uint64(updates))
	t.updateBytes.Add(uint64(updateBytes))
	t.bytes.Add(uint64(bytes))
}

// ways holds the traffic to each region that ever had a link.
type ways struct {
	mu sync.Mutex // guards to
	to map[gazetteer.RegionID]*traffic
}

// waysMax bounds the regions that are told apart: a peer may call its region what it likes.
// What goes to further ones is counted as that to "".
const waysMax = 1024

// of returns where what goes to a region is counted.
func (w *ways) of(r gazetteer.RegionID) *traffic {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.to[r] == nil && len(w.to) >= waysMax {
		r = ""
	}
	t := w.to[r]
	if t == nil {
		if w.to == nil {
			w.to = map[gazetteer.RegionID]*traffic{}
		}
		t = new(traffic)
		w.to[r] = t
	}
	return t
}

// Traffic returns what links have carried, by region.
func (t *Transport) Traffic() []Traffic {
	t.ways.mu.Lock()
	defer t.ways.mu.Unlock()
	var out []Traffic
	for r, c := range t.ways.to {
		out = append(out, Traffic{r, c.updates.Load(), c.updateBytes.Load(), c.bytes.Load()})
	}
	slices.SortFunc(out, func(a, b Traffic) int { return cmp.Compare(a.Region, b.Region) })
	return out
}
