package scenario

import (
	"fmt"
	"strings"

	"gazetteer"
	"gazetteer/simulation/aws"
	"gazetteer/yamltree"
)

// Bounds of a planet's size.
const (
	maxRegions  = 1000
	maxServers  = 100
	maxRings    = 100
	maxReplicas = 15
)

// regionList is the names of a file's regions, also of those that are wrong otherwise, so
// that one mistake brings no others with it.
type regionList struct {
	names []gazetteer.RegionID
	lines map[gazetteer.RegionID]int
	wrong map[gazetteer.RegionID]bool // of which it is not known where they are, or what
	table *aws.World
	made  bool // the planet is made up: its round trips go by distance
}

func (l *regionList) has(name gazetteer.RegionID) bool { return l.lines[name] > 0 }

func (l *regionList) add(name gazetteer.RegionID, line int) {
	l.names = append(l.names, name)
	l.lines[name] = line
}

func (d *decoder) eachRegion(t *tree, at string) {
	d.Mapping(t, at, append(d.serverKeys(&d.each), d.countKey("replicas", &d.replicas, 1, maxReplicas))...)
	d.rings(t, at, &d.each)
}

// serverKeys are the keys that a region and each_region have in common. Rings are read
// after them: how many replicas they have may stand behind.
func (d *decoder) serverKeys(r *Region) []key {
	return []key{
		d.countKey("servers", &r.Servers, 1, maxServers),
		d.countKey("cluster_servers", &r.ClusterServers, 1, maxServers),
		yamltree.Known("rings", func(*tree, string) {}),
	}
}

// rings reads the key rings of a mapping: their number, or a list. Without the key there
// are as many as before, with as many replicas as is said now.
func (d *decoder) rings(t *tree, at string, r *Region) {
	for _, f := range t.Fields {
		if f.Key != "rings" {
			continue
		}
		at := at + "/rings"
		if f.Value.Kind == yamltree.List {
			r.Rings = d.ringList(f.Value, at)
		} else if n, ok := d.count(f.Value, at, 1, maxRings); ok {
			r.Rings = numberedRings(n, d.replicas)
		}
		return
	}
	if at == "/each_region" {
		r.Rings = numberedRings(1, d.replicas)
	}
}

func numberedRings(n, replicas int) (out []Ring) {
	for i := range n {
		out = append(out, Ring{Name: fmt.Sprintf("r%d", i+1), Replicas: replicas})
	}
	return out
}

func (d *decoder) ringList(t *tree, at string) []Ring {
	lines := map[string]int{}
	rings := yamltree.Each(d.Reader, t, at, func(t *tree, at string) Ring {
		g := Ring{Replicas: d.replicas}
		d.Mapping(t, at, textKey(d, "name", &g.Name), textKey(d, "type", &g.Type), d.countKey("replicas", &g.Replicas, 1, maxReplicas))
		d.checkRingName(g.Name, lines, t.Line, at+"/name")
		return g
	})
	if len(rings) == 0 {
		d.Fail(t.Line, at, "a region has at least one ring")
	}
	return rings
}

func (d *decoder) checkRingName(name string, lines map[string]int, line int, at string) {
	switch {
	case name == "server" || name == "cluster":
		d.Fail(line, at, "a ring cannot be named %q: other nodes are called so", name)
	case gazetteer.RegionID(name).Validate() != nil: // a ring's name is a label like a region's
		d.Fail(line, at, "the ring name %q is not a DNS label: lower-case letters, digits and hyphens, a letter first", name)
	case lines[name] > 0:
		d.Fail(line, at, "the ring %q stands on line %d already", name, lines[name])
	}
	lines[name] = line
}

// readRegions reads a number, a made-up planet or a list.
func (d *decoder) readRegions(t *tree, at string) {
	table, err := aws.Load()
	if err != nil {
		d.Fail(t.Line, at, "the bundled table cannot be read: %v", err)
		return
	}
	d.regions = regionList{lines: map[gazetteer.RegionID]int{}, wrong: map[gazetteer.RegionID]bool{}, table: table}
	d.Note(t, at)
	switch t.Kind {
	case yamltree.Text:
		d.countedRegions(t, at)
	case yamltree.Mapping:
		d.randomRegions(t, at)
	default:
		d.listedRegions(t, at)
	}
	sortRegions(d.s.Regions)
}

func (d *decoder) countedRegions(t *tree, at string) {
	all := tableOrder(d.regions.table)
	n, ok := d.count(t, at, 1, len(all))
	if !ok {
		return
	}
	for _, r := range all[:n] {
		d.addRegion(d.region(r.Name, r.Point), t.Line)
	}
}

func (d *decoder) randomRegions(t *tree, at string) {
	n, seed := 0, uint64(1)
	d.Mapping(t, at, d.countKey("random", &n, 1, maxRegions), d.seedKey("seed", &seed))
	if n == 0 && len(d.Faults) == 0 {
		d.Fail(t.Line, at, "write `random: 100` for a hundred regions anywhere on the globe")
	}
	d.regions.made = true
	for _, r := range madeUp(n, seed) {
		d.addRegion(d.region(r.Name, r.Point), t.Line)
	}
}

func (d *decoder) listedRegions(t *tree, at string) {
	items := d.Items(t, at)
	if t.Kind == yamltree.List && (len(items) == 0 || len(items) > maxRegions) {
		d.Fail(t.Line, at, "there are %d regions here; a planet has from 1 to %d", len(items), maxRegions)
		return
	}
	for i, item := range items {
		d.listedRegion(item, fmt.Sprintf("%s/%d", at, i))
	}
}

// listedRegion reads a name of the table, or a region of one's own.
func (d *decoder) listedRegion(t *tree, at string) {
	r, placed := d.region("", gazetteer.Point{}), false
	if t.Kind == yamltree.Mapping {
		placed = d.ownRegion(t, at, &r)
	} else {
		r.Name = gazetteer.RegionID(d.Text(t, at))
	}
	if r.Name == "" {
		if t.Kind == yamltree.Mapping {
			d.Fail(t.Line, at, "a region has a name")
		}
		return
	}
	line, before := d.Line(at), len(d.Faults)
	d.checkRegionName(r.Name, line, at)
	if known, ok := d.regions.table.Region(r.Name); ok && !placed {
		r.Point = known.Point
	} else if !ok && !placed && before == len(d.Faults) {
		d.Fail(line, at, "the bundled table has no region %q; for one of your own write {name: %s, lat: 0, lon: 0}, and its round trips under /network/rtt%s", r.Name, r.Name, d.nearestInTable(r.Name))
	}
	if !d.regions.has(r.Name) {
		d.regions.wrong[r.Name] = len(d.Faults) > before
	}
	d.addRegion(r, line)
}

// ownRegion reads a region that says more than its name, and tells whether it says where
// it is.
func (d *decoder) ownRegion(t *tree, at string, r *Region) (placed bool) {
	d.Mapping(t, at, append(d.serverKeys(r), textKey(d, "name", &r.Name),
		d.floatKey("lat", &r.Point.Lat, -90, 90), d.floatKey("lon", &r.Point.Lon, -180, 180))...)
	d.rings(t, at, r)
	lat, lon := has(t, "lat"), has(t, "lon")
	if lat != lon {
		d.Fail(t.Line, at, "a place has both lat and lon")
	}
	return lat || lon
}

func has(t *tree, name string) bool {
	for _, f := range t.Fields {
		if f.Key == name {
			return true
		}
	}
	return false
}

func (d *decoder) checkRegionName(name gazetteer.RegionID, line int, at string) {
	if err := name.Validate(); err != nil {
		d.Fail(line, at, "%s", strings.TrimPrefix(err.Error(), "gazetteer.Validate: "))
	}
	if d.regions.has(name) {
		d.Fail(line, at, "the region %q stands on line %d already", name, d.regions.lines[name])
	}
}

func (d *decoder) nearestInTable(name gazetteer.RegionID) string {
	var names []gazetteer.RegionID
	for _, r := range d.regions.table.Regions() {
		names = append(names, r.Name)
	}
	return meant(string(name), names)
}

// region returns one that consists of what each consists of.
func (d *decoder) region(name gazetteer.RegionID, p gazetteer.Point) Region {
	r := d.each
	r.Name, r.Point = name, p
	r.Rings = append([]Ring(nil), d.each.Rings...)
	return r
}

func (d *decoder) addRegion(r Region, line int) {
	if d.regions.has(r.Name) {
		return
	}
	d.regions.add(r.Name, line)
	d.s.Regions = append(d.s.Regions, r)
}
