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

// Bounds of catalogues and loads.
const (
	maxIDs  = 10_000_000
	maxZipf = 5
	maxRate = 1e6
)

func (d *decoder) types(t *tree, at string) {
	lines := map[gazetteer.Type]int{}
	for i, item := range d.Items(t, at) {
		at := fmt.Sprintf("%s/%d", at, i)
		name := gazetteer.Type(d.Text(item, at))
		if line := lines[name]; line > 0 {
			d.Fail(item.Line, at, "the type %q stands on line %d already", name, line)
			continue
		}
		lines[name] = item.Line
		d.addType(name, item.Line, at)
	}
}

// addType adds a type that is not there yet.
func (d *decoder) addType(name gazetteer.Type, line int, at string) {
	if err := name.Validate(); err != nil && name != "" {
		d.Fail(line, at, "%s", strings.TrimPrefix(err.Error(), "gazetteer.Validate: "))
	}
	if d.regions.has(gazetteer.RegionID(name)) {
		d.Fail(line, at, "%q is the name of a region; regions and types share one name space", name)
	}
	if !slices.Contains(d.typeNames(), name) {
		d.s.Types = append(d.s.Types, Type{Name: name})
	}
}

func (d *decoder) typeNames() (out []gazetteer.Type) {
	for _, t := range d.s.Types {
		out = append(out, t.Name)
	}
	return out
}

func (d *decoder) wantType(name gazetteer.Type, line int, at string) {
	if all := d.typeNames(); !slices.Contains(all, name) {
		d.Fail(line, at, "no type is named %q; there are %s%s", name, listed(all), meant(string(name), all))
	}
}

func (d *decoder) catalogue(t *tree, at string) {
	c := &d.s.Catalogue
	d.Mapping(t, at,
		d.boolKey("bundled", &c.Bundled),
		textKey(d, "file", &c.File),
		yamltree.Known("synthetic", func(t *tree, at string) { c.Synthetic = d.synthetics(t, at) }),
	)
	if c.File != "" && len(d.s.Types) == 0 {
		d.Fail(d.Line(at+"/file"), at+"/file", "say under /types which types the file holds")
	}
}

func (d *decoder) synthetics(t *tree, at string) []Synthetic {
	lines := map[gazetteer.Type]int{}
	return yamltree.Each(d.Reader, t, at, func(t *tree, at string) Synthetic {
		c := defaultSynthetic("")
		d.Mapping(t, at, textKey(d, "type", &c.Type), d.countKey("ids", &c.IDs, 1, maxIDs),
			d.countKey("locations", &c.Locations, 1, gazetteer.MaxLocations), d.floatKey("zipf", &c.Zipf, 0, maxZipf))
		switch {
		case c.Type == "":
			d.Fail(t.Line, at, "say of which type: `type: %s`", defaultType)
		case lines[c.Type] > 0:
			d.Fail(t.Line, at, "a catalogue of the type %q stands on line %d already", c.Type, lines[c.Type])
		default:
			d.addType(c.Type, t.Line, at+"/type")
		}
		lines[c.Type] = t.Line
		return c
	})
}

// completeCatalogue gives a scenario that says nothing a small catalogue of each of its
// types, and a type.
func (d *decoder) completeCatalogue() {
	c := &d.s.Catalogue
	if c.Bundled {
		for _, t := range bundledTypes() {
			d.addType(t, d.Line("/catalogue/bundled"), "/catalogue/bundled")
		}
	}
	if len(d.s.Types) == 0 {
		d.s.Types = []Type{{defaultType}}
	}
	if !c.Bundled && c.File == "" && c.Synthetic == nil {
		for _, t := range d.s.Types {
			c.Synthetic = append(c.Synthetic, defaultSynthetic(t.Name))
		}
	}
}

func (d *decoder) clients(t *tree, at string) {
	for i, item := range d.Items(t, at) {
		d.s.Clients = append(d.s.Clients, d.fleet(item, fmt.Sprintf("%s/%d", at, i))...)
	}
}

// fleet reads the clients of one entry: a fleet in each region that it names.
func (d *decoder) fleet(t *tree, at string) (out []Clients) {
	f := Clients{Type: d.s.Types[0].Name, Reads: 0.95}
	regions := d.regions.names
	var crowds []crowd
	d.Mapping(t, at,
		yamltree.Known("regions", func(t *tree, at string) { regions = d.fleetRegions(t, at) }),
		textKey(d, "type", &f.Type),
		d.floatKey("reads", &f.Reads, 0, 1),
		yamltree.Known("rate", func(t *tree, at string) { f.Rate = d.rate(t, at) }),
		yamltree.Known("crowds", func(t *tree, at string) { crowds = yamltree.Each(d.Reader, t, at, d.crowd) }),
	)
	if has(t, "type") {
		d.wantType(f.Type, d.Line(at+"/type"), at+"/type")
	}
	if !has(t, "rate") {
		d.Fail(t.Line, at, "clients have a rate: `rate: 20` for 20 requests a second in each region")
	}
	f.Rate = d.withCrowds(f.Rate, crowds, at+"/crowds")
	d.checkRate(f.Rate, at+"/rate")
	for _, r := range slices.Sorted(slices.Values(regions)) {
		one := f
		one.Region, one.Rate = r, slices.Clone(f.Rate)
		out = append(out, one)
	}
	return out
}

// checkRate looks at rates after crowds and load have multiplied them.
func (d *decoder) checkRate(rate []Step, at string) {
	for _, s := range rate {
		if s.Rate > maxRate {
			d.Fail(d.Line(at), at, "with load and crowds it comes to %s requests a second at %v; the most is %s", plain(s.Rate), s.At, plain(maxRate))
			return
		}
	}
}

// fleetRegions reads `all` or a list.
func (d *decoder) fleetRegions(t *tree, at string) (out []gazetteer.RegionID) {
	if t.Kind == yamltree.Text && t.Text == "all" {
		return d.regions.names
	}
	for i, item := range d.Items(t, at) {
		at := fmt.Sprintf("%s/%d", at, i)
		name := gazetteer.RegionID(d.Text(item, at))
		switch {
		case slices.Contains(out, name):
			d.Fail(item.Line, at, "the region %q is named twice", name)
		case d.wantRegion(string(name), item.Line, at):
			out = append(out, name)
		}
	}
	return out
}

// rate reads a number, or a list of steps.
func (d *decoder) rate(t *tree, at string) []Step {
	if t.Kind == yamltree.Text {
		v, _ := d.float(t, at, 0, maxRate)
		return []Step{{Rate: v * d.load}}
	}
	steps := yamltree.Each(d.Reader, t, at, d.step)
	if t.Kind == yamltree.List && len(steps) == 0 {
		d.Fail(t.Line, at, "the list of steps is empty; write at least `- {at: 0s, rate: 20}`")
	}
	for i := range steps {
		at := fmt.Sprintf("%s/%d", at, i)
		if i > 0 && steps[i].At <= steps[i-1].At {
			d.Fail(d.Line(at), at, "a step at %v comes after one at %v; steps stand in the order of time", steps[i].At, steps[i-1].At)
		}
		if steps[i].Ramp && i == len(steps)-1 {
			d.Fail(d.Line(at+"/ramp"), at+"/ramp", "the last step leads to no other; take its ramp out, or add a step")
		}
	}
	return steps
}

func (d *decoder) step(t *tree, at string) (s Step) {
	d.Mapping(t, at, d.timeKey("at", &s.At, 0, d.s.Duration), d.floatKey("rate", &s.Rate, 0, maxRate), d.boolKey("ramp", &s.Ramp))
	if !has(t, "at") || !has(t, "rate") {
		d.Fail(t.Line, at, "a step has a time and a rate: `{at: 10s, rate: 20}`")
	}
	s.Rate *= d.load
	return s
}

// crowd is a time in which many more ask.
type crowd struct {
	at, span, rise time.Duration
	times          float64
}

func (d *decoder) crowd(t *tree, at string) (c crowd) {
	d.Mapping(t, at, d.timeKey("at", &c.at, 0, d.s.Duration), d.timeKey("for", &c.span, above, maxTime),
		d.timeKey("rise", &c.rise, 0, maxTime), d.floatKey("times", &c.times, 0, 1e6))
	if !has(t, "at") || !has(t, "for") || !has(t, "times") {
		d.Fail(t.Line, at, "a crowd has a time, a length and a size: `{at: 20s, for: 30s, times: 5}`")
	}
	if 2*c.rise > c.span {
		d.Fail(d.Line(at+"/rise"), at+"/rise", "a rise of %v and a fall as long do not fit into %v", c.rise, c.span)
	}
	return c
}

// withCrowds makes steps of crowds: a rise, a plateau and a fall.
func (d *decoder) withCrowds(rate []Step, crowds []crowd, at string) []Step {
	if len(crowds) == 0 || len(rate) == 0 {
		return rate
	}
	if len(rate) > 1 {
		d.Fail(d.Line(at), at, "crowds come on top of one number as rate; write them as steps instead")
		return rate
	}
	base := rate[0].Rate
	slices.SortStableFunc(crowds, func(a, b crowd) int { return cmp.Compare(a.at, b.at) })
	for i, c := range crowds {
		if i > 0 && c.at < crowds[i-1].at+crowds[i-1].span {
			d.Fail(d.Line(at), at, "the crowd at %v comes before the one at %v has gone", c.at, crowds[i-1].at)
		}
		rate = append(rate, c.steps(base)...)
	}
	return compact(rate)
}

func (c crowd) steps(base float64) []Step {
	high := base * c.times
	if c.rise == 0 {
		return []Step{{At: c.at, Rate: high}, {At: c.at + c.span, Rate: base}}
	}
	return []Step{
		{At: c.at, Rate: base, Ramp: true}, {At: c.at + c.rise, Rate: high},
		{At: c.at + c.span - c.rise, Rate: high, Ramp: true}, {At: c.at + c.span, Rate: base},
	}
}

// compact keeps the later of two steps at one time.
func compact(steps []Step) (out []Step) {
	for _, s := range steps {
		if n := len(out); n > 0 && out[n-1].At == s.At {
			out = out[:n-1]
		}
		out = append(out, s)
	}
	return out
}
