package processes

import (
	"context"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/api/peer/delay"
)

// chart is what a process is told of the ways between regions. A later one takes the
// place of an earlier one as a whole.
type chart struct {
	From   gazetteer.RegionID            `json:"from"` // where the process stands
	At     map[string]gazetteer.RegionID `json:"at"`   // whose ports these addresses are
	Ways   []way                         `json:"ways"`
	Jitter float64                       `json:"jitter,omitempty"` // see scenario.Network
}

// way leads from one region to another.
type way struct {
	From  gazetteer.RegionID `json:"from"`
	To    gazetteer.RegionID `json:"to"`
	Takes time.Duration      `json:"takes"`
	Cut   bool               `json:"cut,omitempty"` // also the way back
}

// ways puts the distances of a chart between this process and others.
type ways struct {
	network *delay.Network
	now     atomic.Pointer[known]
}

// known is a chart as it is asked.
type known struct {
	at     map[string]gazetteer.RegionID
	takes  map[[2]gazetteer.RegionID]time.Duration
	jitter float64
}

func newWays(c *chart) *ways {
	w := &ways{}
	w.network = delay.New(w.takes)
	w.follow(c)
	return w
}

// takes is how long a byte is under way that leaves now.
func (w *ways) takes(from, to gazetteer.RegionID) time.Duration {
	k := w.now.Load()
	d := k.takes[[2]gazetteer.RegionID{from, to}]
	if k.jitter > 0 {
		d += time.Duration(k.jitter * rand.Float64() * float64(d))
	}
	return d
}

func (w *ways) region(addr string) gazetteer.RegionID { return w.now.Load().at[addr] }

// follow makes the ways what a chart says.
func (w *ways) follow(c *chart) {
	k := &known{at: c.At, takes: map[[2]gazetteer.RegionID]time.Duration{}, jitter: c.Jitter}
	for _, y := range c.Ways {
		k.takes[[2]gazetteer.RegionID{y.From, y.To}] = y.Takes
	}
	w.now.Store(k)
	for _, y := range c.Ways {
		w.turn(y)
	}
}

// turn cuts a way or heals it. The network is told of changes only: to heal what is whole
// would have it send again what is under way.
func (w *ways) turn(y way) {
	if y.From > y.To || y.Cut == w.network.IsCut(y.From, y.To) {
		return
	}
	a, b := []gazetteer.RegionID{y.From}, []gazetteer.RegionID{y.To}
	if y.Cut {
		w.network.Cut(a, b)
	} else {
		w.network.Heal(a, b)
	}
}

// dialer is what somebody in a region dials with.
func (w *ways) dialer(from gazetteer.RegionID) func(ctx context.Context, addr string) (net.Conn, error) {
	return w.network.Dialer(from, w.region, nil)
}
