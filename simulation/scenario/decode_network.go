package scenario

import (
	"time"

	"gazetteer"
	"gazetteer/yamltree"
)

// Bounds of what a network may be like.
const (
	minRTT       = time.Microsecond
	maxRTT       = time.Minute
	maxLoss      = 0.9 // beyond it nearly all that is sent is sent again
	maxBandwidth = 1e12
	maxDrift     = 0.01
	maxSkew      = time.Hour
)

func (d *decoder) network(t *tree, at string) {
	n := &d.s.Network
	d.Mapping(t, at,
		yamltree.Known("rtt", d.roundTrips),
		d.boolKey("by_distance", &d.byDistance),
		d.timeKey("local", &n.Local, minRTT, maxRTT),
		d.floatKey("jitter", &n.Jitter, 0, 1),
		d.floatKey("loss", &n.Loss, 0, maxLoss),
		d.sizeKey("bandwidth", &n.Bandwidth, 0, maxBandwidth),
		d.floatKey("drift", &n.Drift, 0, maxDrift),
		d.timeKey("skew", &n.Skew, 0, maxSkew),
	)
}

// roundTrips reads {a: {b: 80ms}}, each pair once, in any order.
func (d *decoder) roundTrips(t *tree, at string) {
	lines := map[Pair]int{}
	for _, from := range d.Fields(t, at) {
		at := at + "/" + yamltree.Escape(from.Key)
		if !d.wantRegion(from.Key, from.Line, at) {
			continue
		}
		for _, to := range d.Fields(from.Value, at) {
			d.roundTrip(from.Key, to, at+"/"+yamltree.Escape(to.Key), lines)
		}
	}
}

func (d *decoder) roundTrip(from string, to yamltree.Field, at string, lines map[Pair]int) {
	pair := PairOf(gazetteer.RegionID(from), gazetteer.RegionID(to.Key))
	rtt, ok := d.duration(to.Value, at, minRTT, maxRTT)
	switch {
	case !d.wantRegion(to.Key, to.Line, at):
	case from == to.Key:
		d.Fail(to.Line, at, "from %s to itself; the round trip inside a region is /network/local", from)
	case lines[pair] > 0:
		d.Fail(to.Line, at, "the round trip between %s and %s stands on line %d already", pair.A, pair.B, lines[pair])
	default:
		lines[pair] = to.Line
		if !ok {
			rtt = minRTT // so that it is not said to be absent
		}
		d.s.Network.RTT[pair] = rtt
	}
}

// completeNetwork adds the round trips that the file leaves to the table or to distance,
// and names the regions for which neither can be asked.
func (d *decoder) completeNetwork() {
	rs, table := d.s.Regions, d.regions.table
	for i := range rs {
		var lacking []gazetteer.RegionID
		for j := i + 1; j < len(rs); j++ {
			a, b := &rs[i], &rs[j]
			pair := PairOf(a.Name, b.Name)
			if d.s.Network.RTT[pair] > 0 {
				continue
			}
			rtt := table.RTT(a.Name, b.Name)
			if rtt == 0 && (d.byDistance || d.regions.made) {
				rtt = ByDistance(a.Point, b.Point)
			}
			if rtt == 0 && !d.regions.wrong[a.Name] && !d.regions.wrong[b.Name] {
				lacking = append(lacking, b.Name)
			}
			d.s.Network.RTT[pair] = rtt
		}
		d.complainOfLacking(rs[i].Name, lacking)
	}
}

func (d *decoder) complainOfLacking(a gazetteer.RegionID, lacking []gazetteer.RegionID) {
	if len(lacking) == 0 {
		return
	}
	at := "/network/rtt/" + string(a)
	line := d.regions.lines[a]
	d.Fail(line, at, "no round trip from %s to %s; add `%s: {%s: 80ms}` under /network/rtt, or set /network/by_distance", a, listed(lacking), a, lacking[0])
}
