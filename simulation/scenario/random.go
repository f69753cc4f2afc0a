package scenario

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"gazetteer/yamltree"
)

// shortest is the shortest fault that is drawn: something must notice it.
const shortest = 100 * time.Millisecond

func (d *decoder) random(t *tree, at string) {
	r := Random{Every: 5 * time.Second, Until: d.s.Duration, Line: t.Line}
	d.Mapping(t, at,
		d.timeKey("every", &r.Every, shortest, maxTime),
		d.timeKey("longest", &r.Longest, shortest, maxTime),
		d.timeKey("from", &r.From, 0, d.s.Duration),
		d.timeKey("until", &r.Until, 0, d.s.Duration),
		yamltree.Known("kinds", func(t *tree, at string) { r.Kinds = d.kinds(t, at) }),
	)
	if r.Longest == 0 {
		r.Longest = 2 * r.Every
	}
	if r.Kinds == nil {
		r.Kinds = d.s.possible()
	}
	if r.From+r.Every+shortest > r.Until {
		d.Fail(t.Line, at, "no fault fits between %v and %v, of which the first comes %v later; lengthen the time or shorten `every`", r.From, r.Until, r.Every)
	}
	d.s.Random = append(d.s.Random, r)
}

func (d *decoder) kinds(t *tree, at string) (out []FaultKind) {
	all, possible := Kinds(), d.s.possible()
	for i, k := range yamltree.Texts[FaultKind](d.Reader, t, at) {
		line, at := t.Items[i].Line, fmt.Sprintf("%s/%d", at, i)
		switch {
		case !slices.Contains(all, k):
			d.Fail(line, at, "%q is no kind of fault; kinds are %s%s", k, listed(all), meant(string(k), all))
		case !slices.Contains(possible, k):
			d.Fail(line, at, "there is nothing in this scenario that %s could break; leave it out", k)
		case slices.Contains(out, k):
			d.Fail(line, at, "%s is named twice", k)
		default:
			out = append(out, k)
		}
	}
	return out
}

// possible returns the kinds of faults for which there is something to break.
func (s *Scenario) possible() (out []FaultKind) {
	for _, b := range catalogueOfFaults() {
		if len(s.targets(b.aim)) > 0 {
			out = append(out, b.kind)
		}
	}
	return out
}

// targets returns everything that a fault can break, in the order of regions.
func (s *Scenario) targets(a aim) (out []Fault) {
	for i := range s.Regions {
		r := &s.Regions[i]
		switch a {
		case ofNode:
			for _, n := range r.Nodes() {
				out = append(out, Fault{Node: n})
			}
		case ofRegion:
			out = append(out, Fault{Region: r.Name})
		case ofBalancer, ofGroup:
			out = append(out, s.inTiers(r, a)...)
		case ofLink, ofLinkOrRegion:
			out = append(out, s.links(i)...)
		}
	}
	return out
}

// links returns the links from a region to those after it, both ways and each way.
func (s *Scenario) links(i int) (out []Fault) {
	from := string(s.Regions[i].Name)
	for _, b := range s.Regions[i+1:] {
		to := string(b.Name)
		out = append(out, Fault{Link: &Link{From: from, To: to}},
			Fault{Link: &Link{From: from, To: to, OneWay: true}}, Fault{Link: &Link{From: to, To: from, OneWay: true}})
	}
	return out
}

func (s *Scenario) inTiers(r *Region, a aim) (out []Fault) {
	for _, name := range []string{Regional, Cluster, Replica} {
		t := s.Tiers.Tier(name)
		if a == ofBalancer && t.Balancer != nil || a == ofGroup && t.Group != nil {
			out = append(out, Fault{Node: string(r.Name) + "/" + name})
		}
	}
	return out
}

// FaultsOf returns the faults of a run: those of the file, and those that a seed draws, by
// time. Equal scenarios and seeds give equal faults.
func (s *Scenario) FaultsOf(seed uint64) []Fault {
	out := slices.Clone(s.Faults)
	for i, r := range s.Random {
		d := drawing{s: s, r: r, dice: rand.New(rand.NewPCG(seed, uint64(i))), lost: map[string]bool{}, aims: map[aim][]Fault{}, out: out}
		out = d.all()
	}
	slices.SortStableFunc(out, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	return out
}

// drawing draws the faults of one [Random].
type drawing struct {
	s    *Scenario
	r    Random
	dice *rand.Rand
	lost map[string]bool // rings of which a replica lost its disk
	bag  []FaultKind     // what is left of this turn
	aims map[aim][]Fault // what there is to break
	out  []Fault
}

// all draws kinds in turns: each once before any comes again.
func (d *drawing) all() []Fault {
	for at := d.r.From + d.r.Every; at+shortest <= d.r.Until; at += d.r.Every {
		if len(d.bag) == 0 {
			d.bag = slices.Clone(d.r.Kinds)
			d.dice.Shuffle(len(d.bag), func(i, j int) { d.bag[i], d.bag[j] = d.bag[j], d.bag[i] })
		}
		d.draw(d.bag[0], at)
		d.bag = d.bag[1:]
	}
	return d.out
}

// tries bounds how often another target is looked for when one is broken already.
const tries = 20

func (d *drawing) draw(kind FaultKind, at time.Duration) {
	kinds := catalogueOfFaults()
	b := kinds[slices.IndexFunc(kinds, func(b breaks) bool { return b.kind == kind })]
	targets := d.targets(b.aim)
	for range tries {
		f := targets[d.dice.IntN(len(targets))]
		f.Kind, f.Line = kind, d.r.Line
		d.times(&f, at)
		d.measures(&f)
		if d.fits(&f) {
			d.out = append(d.out, f)
			return
		}
	}
}

// targets is [Scenario.targets], made once.
func (d *drawing) targets(a aim) []Fault {
	if d.aims[a] == nil {
		d.aims[a] = d.s.targets(a)
	}
	return d.aims[a]
}

// times draws when a fault begins, within the second half of its turn at most, and how
// long it lasts.
func (d *drawing) times(f *Fault, at time.Duration) {
	late := min(d.r.Every/2, d.r.Until-at-shortest)
	f.At = at + d.upTo(late)
	f.For = shortest + d.upTo(min(d.r.Longest, d.r.Until-f.At)-shortest)
	if r := d.s.Region(f.Region); f.Kind == Upgrade && r != nil {
		f.For = max(1, f.For/time.Duration(2*len(r.Nodes())))
	}
}

// upTo draws a time from 0 to most, in whole milliseconds so that a log is readable.
func (d *drawing) upTo(most time.Duration) time.Duration {
	return time.Duration(d.dice.Int64N(int64(most/time.Millisecond)+1)) * time.Millisecond
}

// measures draws how much of it happens: enough to be felt, not enough to end all.
func (d *drawing) measures(f *Fault) {
	switch f.Kind {
	case SlowDisk:
		f.Amount = float64(2 + d.dice.IntN(49))
	case Lossy, Duplicate:
		f.Amount = float64(5+d.dice.IntN(46)) / 100
	case Delay:
		f.By = 10*time.Millisecond + d.upTo(490*time.Millisecond)
	case ClockJump:
		f.By = 100*time.Millisecond + d.upTo(4900*time.Millisecond)
		if d.dice.IntN(2) == 0 {
			f.By = -f.By
		}
	}
}

// fits refuses what is broken already, and the second disk of a ring: what is
// acknowledged stands on a majority of its replicas, which a disk loss makes one fewer
// until that replica is filled again.
func (d *drawing) fits(f *Fault) bool {
	for _, p := range d.out {
		if p.Kind == f.Kind && p.Target() == f.Target() && p.At < d.s.healed(f) && (f.At < d.s.healed(&p) || p.For == 0) {
			return false
		}
	}
	if f.Kind != DiskLoss {
		return true
	}
	ring := ringOf(f.Node)
	if d.lost[ring] {
		return false
	}
	d.lost[ring] = true
	return true
}

// ringOf returns the name of a node without its number.
func ringOf(node string) string {
	for i := len(node) - 1; i >= 0; i-- {
		if node[i] == '-' {
			return node[:i]
		}
	}
	return node
}
