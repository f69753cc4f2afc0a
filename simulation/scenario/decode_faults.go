package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gazetteer"
	"gazetteer/yamltree"
)

// Bounds of faults.
const (
	maxSlow  = 1000
	maxDelay = time.Minute
	maxJump  = 24 * time.Hour
)

// aim is what kind of thing a fault breaks.
type aim int

const (
	ofNode aim = iota
	ofRegion
	ofLink
	ofLinkOrRegion
	ofBalancer
	ofGroup
)

// breaks is a kind of fault with what it breaks and which further keys it takes.
type breaks struct {
	kind       FaultKind
	aim        aim
	amount, by bool
	least      float64 // amount
	most       float64
	longest    time.Duration // by, either way if back
	back       bool
}

// catalogueOfFaults lists every kind of fault, in the order of the documents.
func catalogueOfFaults() []breaks {
	return []breaks{
		{kind: Crash},
		{kind: PowerLoss},
		{kind: DiskLoss},
		{kind: Pause},
		{kind: SlowDisk, amount: true, least: 1, most: maxSlow},
		{kind: ClockJump, by: true, longest: maxJump, back: true},
		{kind: Cut, aim: ofLinkOrRegion},
		{kind: Lossy, aim: ofLink, amount: true, most: 1},
		{kind: Delay, aim: ofLink, by: true, longest: maxDelay},
		{kind: Duplicate, aim: ofLink, amount: true, most: 1},
		{kind: RegionDown, aim: ofRegion},
		{kind: BalancerDown, aim: ofBalancer},
		{kind: GroupStop, aim: ofGroup},
		{kind: Upgrade, aim: ofRegion},
	}
}

// Kinds returns every kind of fault.
func Kinds() (out []FaultKind) {
	for _, b := range catalogueOfFaults() {
		out = append(out, b.kind)
	}
	return out
}

func (d *decoder) faults(t *tree, at string) {
	for i, item := range d.Items(t, at) {
		at := fmt.Sprintf("%s/%d", at, i)
		switch {
		case has(item, "random"):
			d.Mapping(item, at, yamltree.Known("random", d.random))
		case has(item, "split"):
			d.s.Faults = append(d.s.Faults, d.split(item, at)...)
		default:
			d.s.Faults = append(d.s.Faults, d.fault(item, at)...)
		}
	}
	slices.SortStableFunc(d.s.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	d.checkOverlaps()
}

// fault reads one entry; what is wrong with it makes no fault.
func (d *decoder) fault(t *tree, at string) []Fault {
	f := Fault{Line: t.Line}
	var kinds []breaks
	keys := d.when(&f, "amount", "by")
	keys = append(keys, elsewhere("split"), elsewhere("random"))
	for _, b := range catalogueOfFaults() {
		keys = append(keys, yamltree.Known(string(b.kind), func(t *tree, at string) {
			kinds, f.Kind = append(kinds, b), b.kind
			d.target(t, at, b.aim, &f)
		}))
	}
	before := len(d.Faults)
	d.Mapping(t, at, keys...)
	if len(kinds) != 1 {
		if len(d.Faults) == before || len(kinds) > 1 {
			d.Fail(t.Line, at, "an entry says one thing that breaks, such as `crash: NODE`; this one says %d; kinds are %s", len(kinds), strings.Join(kindNames(), ", "))
		}
		return nil
	}
	d.measures(t, at, kinds[0], &f)
	d.checkTime(t, at, &f)
	if len(d.Faults) > before {
		return nil
	}
	return []Fault{f}
}

// elsewhere is a key that an entry of this kind cannot have, but whose name is worth
// telling.
func elsewhere(name string) key { return yamltree.Known(name, func(*tree, string) {}) }

func kindNames() (out []string) {
	for _, k := range Kinds() {
		out = append(out, string(k))
	}
	return append(out, "split", "random")
}

// when are the keys of every fault's time, and the other ones that are read later.
func (d *decoder) when(f *Fault, others ...string) []key {
	keys := []key{
		d.timeKey("at", &f.At, 0, maxTime),
		d.timeKey("for", &f.For, 0, maxTime),
	}
	for _, name := range others {
		keys = append(keys, yamltree.Known(name, func(t *tree, at string) { d.Note(t, at) }))
	}
	return keys
}

// measures reads how much of it happens, once it is known what.
func (d *decoder) measures(t *tree, at string, b breaks, f *Fault) {
	d.measure(t, at, "amount", b, b.amount, func(t *tree, at string) {
		f.Amount, _ = d.float(t, at, b.least, b.most)
	})
	d.measure(t, at, "by", b, b.by, func(t *tree, at string) {
		least := above
		if b.back {
			least = -b.longest
		}
		f.By, _ = d.duration(t, at, least, b.longest)
	})
}

func (d *decoder) measure(t *tree, at, name string, b breaks, takes bool, read func(*tree, string)) {
	at += "/" + name
	for _, f := range t.Fields {
		switch {
		case f.Key != name:
		case takes:
			read(f.Value, at)
			return
		default:
			d.Fail(f.Line, at, "%s takes no %s; take it out", b.kind, name)
			return
		}
	}
	if takes {
		d.Fail(t.Line, at, "%s needs `%s`: %s", b.kind, name, b.example())
	}
}

// example says what a measure looks like.
func (b breaks) example() string {
	switch {
	case b.back:
		return "how far the clock goes forward, or back, such as 5s or -5s"
	case b.by:
		return "how much later messages come, such as 200ms"
	case b.kind == SlowDisk:
		return "how many times slower, such as 10"
	}
	return "the share of messages, from 0 to 1, such as 0.3"
}

// checkTime holds a fault's time against the scenario's.
func (d *decoder) checkTime(t *tree, at string, f *Fault) {
	line := d.Line(at + "/at")
	if !has(t, "at") {
		d.Fail(t.Line, at, "say when: `at: 30s`")
		return
	}
	if f.Kind == Upgrade && f.For == 0 {
		f.For = defaultUpgrade
	}
	if f.At >= d.s.Duration {
		d.Fail(line, at+"/at", "at %v the load has ended, after %v; faults come before", f.At, d.s.Duration)
		return
	}
	if end, all := d.s.healed(f), d.s.Duration+d.s.Rest; f.For > 0 && end > all {
		d.Fail(d.Line(at+"/for"), at+"/for", "it would be whole again at %v, after the end of all at %v; leave `for` out if it shall stay broken", end, all)
	}
}

// healed returns when a fault is over; one that stays is over at once.
func (s *Scenario) healed(f *Fault) time.Duration {
	if r := s.Region(f.Region); f.Kind == Upgrade && r != nil {
		return f.At + 2*f.For*time.Duration(len(r.Nodes()))
	}
	return f.At + f.For
}

// target reads what a fault breaks, and looks for it.
func (d *decoder) target(t *tree, at string, a aim, f *Fault) {
	text := d.Text(t, at)
	if text == "" {
		return
	}
	here := spot{text, t.Line, at}
	switch {
	case a == ofNode:
		f.Node = text
		d.wantNode(here)
	case a == ofBalancer || a == ofGroup:
		f.Node = text
		d.wantInTier(here, a)
	case a == ofRegion || a == ofLinkOrRegion && !strings.Contains(text, " "):
		f.Region = gazetteer.RegionID(text)
		d.wantRegion(text, t.Line, at)
	default:
		f.Link = d.link(here)
	}
}

// wantNode complains of a process that does not exist.
func (d *decoder) wantNode(p spot) bool {
	region, _, ok := strings.Cut(p.name, "/")
	if !ok {
		d.Fail(p.line, p.at, "%q is no process; write it as REGION/server-1, REGION/cluster-1 or REGION/RING-1", p.name)
		return false
	}
	if !d.wantRegion(region, p.line, p.at) {
		return false
	}
	nodes := d.s.Region(gazetteer.RegionID(region)).Nodes()
	if !slices.Contains(nodes, p.name) {
		d.Fail(p.line, p.at, "no process is named %q; in %s there are %s%s", p.name, region, listed(nodes), meant(p.name, nodes))
		return false
	}
	return true
}

// wantInTier complains of a balancer or scaling group that does not exist.
func (d *decoder) wantInTier(p spot, a aim) {
	region, name, _ := strings.Cut(p.name, "/")
	if !d.wantRegion(region, p.line, p.at) {
		return
	}
	tier := d.s.Tiers.Tier(name)
	switch {
	case tier == nil:
		d.Fail(p.line, p.at, "%q names no tier; write %s/%s, %s/%s or %s/%s", p.name, region, Regional, region, Cluster, region, Replica)
	case a == ofBalancer && tier.Balancer == nil:
		d.Fail(p.line, p.at, "the tier %s has no balancer; give it one under /tiers/%s/balancer", name, name)
	case a == ofGroup && tier.Group == nil:
		d.Fail(p.line, p.at, "the tier %s has no scaling group; give it one under /tiers/%s/group", name, name)
	}
}

// link reads "A <-> B", both ways, or "A -> B", of regions or of processes.
func (d *decoder) link(p spot) *Link {
	l := &Link{}
	var ok bool
	if l.From, l.To, ok = strings.Cut(p.name, " <-> "); !ok {
		l.OneWay = true
		if l.From, l.To, ok = strings.Cut(p.name, " -> "); !ok {
			d.Fail(p.line, p.at, "%q is no link; write it as `A <-> B`, or `A -> B` for one way, of two regions or two processes", p.name)
			return l
		}
	}
	nodes := strings.Contains(l.From, "/")
	switch {
	case nodes != strings.Contains(l.To, "/"):
		d.Fail(p.line, p.at, "one end of %q is a region, the other a process; take two of a kind", p.name)
	case l.From == l.To:
		d.Fail(p.line, p.at, "%q leads to where it comes from", p.name)
	default:
		d.wantEnds(l, p, nodes)
	}
	return l
}

func (d *decoder) wantEnds(l *Link, p spot, nodes bool) {
	for _, end := range []string{l.From, l.To} {
		if nodes {
			d.wantNode(spot{end, p.line, p.at})
		} else {
			d.wantRegion(end, p.line, p.at)
		}
	}
}

// split reads regions that hear nothing of all others: a cut of every link between.
func (d *decoder) split(t *tree, at string) (out []Fault) {
	f := Fault{Kind: Cut, Line: t.Line}
	var side []gazetteer.RegionID
	before := len(d.Faults)
	d.Mapping(t, at, append(d.when(&f), yamltree.Known("split", func(t *tree, at string) { side = d.fleetRegions(t, at) }))...)
	d.checkTime(t, at, &f)
	if len(d.Faults) == before && (len(side) == 0 || len(side) == len(d.regions.names)) {
		d.Fail(t.Line, at+"/split", "all regions are on one side; name those of one side only")
	}
	if len(d.Faults) > before {
		return nil
	}
	for _, a := range slices.Sorted(slices.Values(side)) {
		for _, b := range d.s.Regions {
			if !slices.Contains(side, b.Name) {
				f.Link = &Link{From: string(a), To: string(b.Name)}
				out = append(out, f)
			}
		}
	}
	return out
}

// checkOverlaps complains of faults that break in the same way what is broken.
func (d *decoder) checkOverlaps() {
	last := map[string]Fault{}
	for _, f := range d.s.Faults {
		what := f.what()
		if p, ok := last[what]; ok && (p.For == 0 && p.Kind != ClockJump || d.s.healed(&p) > f.At) {
			d.Fail(f.Line, "/faults", "%s at %v: the same fault of line %d is not over then; begin after its end, or leave one out", what, f.At, p.Line)
		}
		last[what] = f
	}
}

// what names a fault without its time, for a person: "crash of us-east-1/r1-2".
func (f *Fault) what() string {
	return fmt.Sprintf("%s of %s", f.Kind, f.Target())
}

// Target names what a fault breaks, as a file does.
func (f *Fault) Target() string {
	switch {
	case f.Link != nil && f.Link.OneWay:
		return f.Link.From + " -> " + f.Link.To
	case f.Link != nil:
		return f.Link.From + " <-> " + f.Link.To
	case f.Region != "":
		return string(f.Region)
	}
	return f.Node
}
