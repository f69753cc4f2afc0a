package scenario

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gazetteer"
)

// sound returns what about a scenario that was read without a word does not hold
// together; others rely on it.
func sound(s *Scenario) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if s.Duration < minDuration || s.Rest < 0 || s.Partitions < 1 || len(s.Regions) == 0 || len(s.Types) == 0 {
		say("times %v, %v, partitions %d, regions %d, types %d", s.Duration, s.Rest, s.Partitions, len(s.Regions), len(s.Types))
	}
	wrong = append(wrong, soundPlanet(s)...)
	for _, c := range s.Clients {
		if s.Region(c.Region) == nil || !slices.Contains(s.Types, Type{c.Type}) || len(c.Rate) == 0 || !(c.Reads >= 0 && c.Reads <= 1) {
			say("clients %+v", c)
		}
		for i, step := range c.Rate {
			if step.At < 0 || i > 0 && step.At <= c.Rate[i-1].At || !(step.Rate >= 0) || math.IsInf(step.Rate, 0) || step.Ramp && i == len(c.Rate)-1 {
				say("steps %+v", c.Rate)
			}
		}
	}
	for i, f := range s.Faults {
		if i > 0 && f.At < s.Faults[i-1].At || f.Line < 1 {
			say("order or line of %+v", f)
		}
		wrong = append(wrong, soundFault(s, &f)...)
	}
	return wrong
}

func soundPlanet(s *Scenario) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	seen := map[string]bool{}
	for i := range s.Regions {
		r := &s.Regions[i]
		if r.Name.Validate() != nil || r.Point.Validate() != nil || i > 0 && r.Name <= s.Regions[i-1].Name {
			say("region %+v", r)
		}
		for _, n := range r.Nodes() {
			if seen[n] {
				say("two nodes are called %s", n)
			}
			seen[n] = true
		}
		for _, t := range s.Types {
			if len(r.RingsOf(t.Name)) == 0 {
				say("%s has no home in %s", t.Name, r.Name)
			}
		}
		for _, b := range s.Regions[i+1:] {
			if rtt := s.Network.RTT[PairOf(r.Name, b.Name)]; rtt < minRTT || rtt > maxRTT {
				say("%v between %s and %s", rtt, r.Name, b.Name)
			}
		}
	}
	if n := len(s.Regions); len(s.Network.RTT) != n*(n-1)/2 {
		say("%d round trips", len(s.Network.RTT))
	}
	return wrong
}

// soundFault looks for what a fault breaks, in a way of its own.
func soundFault(s *Scenario, f *Fault) (wrong []string) {
	node := func(name string) bool {
		region, _, _ := strings.Cut(name, "/")
		r := s.Region(gazetteer.RegionID(region))
		return r != nil && slices.Contains(r.Nodes(), name)
	}
	end := func(name string) bool { return s.Region(gazetteer.RegionID(name)) != nil || node(name) }
	var ok bool
	switch f.Kind {
	case Crash, PowerLoss, DiskLoss, Pause:
		ok = node(f.Node)
	case SlowDisk:
		ok = node(f.Node) && f.Amount >= 1
	case ClockJump:
		ok = node(f.Node) && f.By.Abs() <= maxJump
	case Cut:
		ok = f.Link == nil && end(string(f.Region)) || f.Link != nil && f.Region == "" && end(f.Link.From) && end(f.Link.To)
	case Lossy, Duplicate:
		ok = end(f.Link.From) && end(f.Link.To) && f.Link.From != f.Link.To && f.Amount >= 0 && f.Amount <= 1
	case Delay:
		ok = end(f.Link.From) && end(f.Link.To) && f.Link.From != f.Link.To && f.By > 0
	case RegionDown, Upgrade:
		ok = s.Region(f.Region) != nil
	case BalancerDown, GroupStop:
		region, name, _ := strings.Cut(f.Node, "/")
		tier := s.Tiers.Tier(name)
		ok = end(region) && tier != nil && (f.Kind == BalancerDown && tier.Balancer != nil || f.Kind == GroupStop && tier.Group != nil)
	}
	if !ok {
		wrong = append(wrong, fmt.Sprintf("target of %+v, link %+v", f, f.Link))
	}
	if f.At < 0 || f.At >= s.Duration || f.For < 0 || s.healed(f) > s.Duration+s.Rest {
		wrong = append(wrong, fmt.Sprintf("time of %+v", f))
	}
	return wrong
}
