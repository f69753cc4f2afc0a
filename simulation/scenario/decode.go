package scenario

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/yamltree"
)

// decoder reads a scenario out of a tree. What does not depend on other parts of the file
// is checked as it is read, the rest when all has been read.
type decoder struct {
	*yamltree.Reader
	s *Scenario

	regions  regionList
	each     Region // what a region is that says nothing
	replicas int    // of a ring that says nothing

	byDistance bool
	load       float64
}

// spot is a name with its place in the file.
type spot struct {
	name string
	line int
	at   string
}

// scenario reads the file. The keys' order in it does not matter: those that others build
// on are read first.
func (d *decoder) scenario(t *tree) {
	d.each, d.replicas, d.load = defaultRegion(), defaultReplicas, 1
	parts := map[string]*tree{}
	part := func(name string) key {
		return yamltree.Known(name, func(t *tree, _ string) { parts[name] = t })
	}
	s := d.s
	d.Mapping(t, "",
		textKey(d, "name", &s.Name),
		textKey(d, "about", &s.About),
		d.seedKey("seed", &s.Seed),
		d.timeKey("duration", &s.Duration, minDuration, maxTime),
		d.timeKey("rest", &s.Rest, 0, maxTime),
		yamltree.Known("partitions", d.partitions),
		d.floatKey("load", &d.load, 0, maxLoad),
		part("regions"), part("each_region"), part("network"), part("tree"), part("types"), part("catalogue"),
		part("clients"), part("tiers"), part("metrics"), part("faults"), part("checks"),
	)
	s.About = strings.TrimSpace(s.About)
	d.checkName()
	d.parts(parts)
}

// maxName is the longest name of a scenario, in bytes.
const maxName = 100

// checkName keeps a name fit for being that of a folder.
func (d *decoder) checkName() {
	name := d.s.Name
	if len(name) > maxName || name == "." || name == ".." || strings.ContainsFunc(name, func(r rune) bool { return r == '/' || r == '\\' || !unicode.IsPrint(r) }) {
		d.Fail(d.Line("/name"), "/name", "%.80q cannot be the name of a folder; take letters, digits and hyphens, at most %d", name, maxName)
	}
}

// minDuration is the shortest load that tells something.
const minDuration = time.Second

// maxLoad is the most that all rates can be multiplied with.
const maxLoad = 1e6

// parts reads the parts of a file in the order in which they build on each other. What is
// absent is nil.
func (d *decoder) parts(p map[string]*tree) {
	read := func(name string, f func(*tree, string)) {
		if p[name] != nil {
			f(p[name], "/"+name)
		}
	}
	read("each_region", d.eachRegion)
	if p["regions"] == nil {
		d.Fail(1, "/regions", "no regions; write `regions: 7`, or a list of names")
	}
	read("regions", d.readRegions)
	read("network", d.network)
	d.completeNetwork()
	read("tree", d.tree)
	read("types", d.types)
	read("catalogue", d.catalogue)
	d.completeCatalogue()
	read("clients", d.clients)
	read("tiers", d.tiers)
	read("metrics", d.metrics)
	read("faults", d.faults)
	read("checks", d.checks)
	d.checkRings()
	d.checkGroups()
}

func (d *decoder) seedKey(name string, to *uint64) key {
	return yamltree.Known(name, func(t *tree, at string) {
		v, err := strconv.ParseUint(d.Text(t, at), 10, 64)
		if err != nil && t.Kind == yamltree.Text && t.Text != "" {
			d.Fail(t.Line, at, "%q is not a seed: a whole number from 0 to 2^64-1", t.Text)
			return
		}
		*to = v
	})
}

func (d *decoder) partitions(t *tree, at string) {
	if n, ok := d.count(t, at, 1, cluster.MaxPartitions); ok {
		d.s.Partitions = uint32(n)
	}
}

func (d *decoder) tree(t *tree, at string) {
	s := &d.s.Tree
	shape := oneOfKey(d, "shape", &s.Shape, MST, Star, Mesh)
	if t.Kind == yamltree.Text {
		d.Note(t, at)
		d.Mapping(&tree{Kind: yamltree.Mapping, Line: t.Line, Fields: []yamltree.Field{{Key: "shape", Line: t.Line, Value: t}}}, at, shape)
	} else {
		d.Mapping(t, at, shape, textKey(d, "hub", &s.Hub), d.countKey("shortcuts", &s.Shortcuts, 0, 1000))
	}
	d.checkTree(at)
}

func (d *decoder) checkTree(at string) {
	s := &d.s.Tree
	switch {
	case s.Hub != "" && s.Shape != Star:
		d.Fail(d.Line(at+"/hub"), at+"/hub", "only a star has a hub; write `shape: star`, or take the hub out")
	case s.Hub != "":
		d.wantRegion(string(s.Hub), d.Line(at+"/hub"), at+"/hub")
	case s.Shape == Star:
		s.Hub = d.s.centre()
	}
	if s.Shortcuts > 0 && s.Shape != MST {
		d.Fail(d.Line(at+"/shortcuts"), at+"/shortcuts", "a %s has no shortcuts; they are for `shape: mst`", s.Shape)
	}
}

func (d *decoder) metrics(t *tree, at string) {
	d.Mapping(t, at, d.timeKey("period", &d.s.Metrics.Period, minDuration, maxTime))
}

func (d *decoder) checks(t *tree, at string) {
	c := &d.s.Checks
	d.Mapping(t, at,
		yamltree.Known("max_errors", func(t *tree, at string) {
			if v, ok := d.float(t, at, 0, 1); ok {
				c.MaxErrors = &v
			}
		}),
		yamltree.Known("max_p99", func(t *tree, at string) {
			if v, ok := d.duration(t, at, above, maxTime); ok {
				c.MaxP99 = &v
			}
		}),
		yamltree.Known("equal_in", func(t *tree, at string) {
			if v, ok := d.duration(t, at, 0, d.s.Rest); ok {
				c.EqualIn = &v
			}
		}),
		yamltree.Known("max_rebuilds", func(t *tree, at string) {
			if v, ok := d.count(t, at, 0, 1e6); ok {
				c.MaxRebuild = &v
			}
		}),
	)
}

// wantRegion complains of a region that does not exist.
func (d *decoder) wantRegion(name string, line int, at string) bool {
	if d.regions.has(gazetteer.RegionID(name)) {
		return true
	}
	d.Fail(line, at, "no region is named %.80q; there are %s%s", name, listed(d.regions.names), meant(name, d.regions.names))
	return false
}
