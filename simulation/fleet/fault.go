package fleet

import "gazetteer/simulation/scenario"

// Break lets a fault happen, as far as it is one of what the fleet models: servers,
// balancers, groups. The planet is told of the same fault by whoever drives both.
func (f *Fleet) Break(x *scenario.Fault) { f.apply(x, false) }

// Heal ends it.
func (f *Fleet) Heal(x *scenario.Fault) { f.apply(x, true) }

func (f *Fleet) apply(x *scenario.Fault, heals bool) {
	switch x.Kind {
	case scenario.Crash:
		f.crash(x.Node, Down, heals)
	case scenario.PowerLoss, scenario.DiskLoss:
		f.crash(x.Node, Gone, heals)
	case scenario.Pause:
		f.pause(x.Node, heals)
	case scenario.RegionDown:
		if a := f.byName[x.Region]; a != nil {
			a.fall(heals)
		}
	case scenario.BalancerDown:
		f.balancersDown(x, heals)
	case scenario.GroupStop:
		f.groupsStop(x, heals)
	}
}

func (f *Fleet) crash(node string, as State, heals bool) {
	a := f.areaOf(node)
	if a == nil {
		return
	}
	s := a.station(node)
	switch {
	case s == nil: // a replica, or one that its group has replaced
	case heals && !a.down:
		s.start()
	case !heals:
		s.end(as)
	}
}

func (f *Fleet) pause(node string, heals bool) {
	a := f.areaOf(node)
	if a == nil {
		return
	}
	s := a.station(node)
	switch {
	case s == nil:
	case heals && s.state == Paused:
		s.start()
	case !heals:
		s.pause()
	}
}

// fall takes a region away with all that is in it, or brings it back.
func (a *area) fall(heals bool) {
	a.down = !heals
	for _, b := range a.balancers {
		b.down = !heals
	}
	a.eachStation(func(s *station) {
		if heals {
			s.start()
		} else {
			s.end(Gone)
		}
	})
}

// aims reports whether a fault is of this region, and of this node there if it names one:
// a balancer, or for groups a tier.
func (a *area) aims(x *scenario.Fault, name string) bool {
	if x.Node == "" {
		return x.Region == a.name
	}
	return x.Node == name || len(name) > len(x.Node) && name[:len(x.Node)+1] == x.Node+"/"
}

func (f *Fleet) balancersDown(x *scenario.Fault, heals bool) {
	for _, a := range f.areas {
		for _, b := range a.balancers {
			if a.aims(x, b.name) && !b.direct {
				b.down = !heals || a.down
			}
		}
	}
}

func (f *Fleet) groupsStop(x *scenario.Fault, heals bool) {
	for _, a := range f.areas {
		for _, c := range a.servers {
			if c.group != nil && a.aims(x, a.named(c.tier)) {
				c.group.stopped = !heals
			}
		}
	}
}

// Nodes are the servers of a region, in the order in which an upgrade takes them.
func (f *Fleet) Nodes(region string) (names []string) {
	if a := f.areaOf(region); a != nil {
		a.eachStation(func(s *station) { names = append(names, string(s.place.Node)) })
	}
	return names
}

// Runs reports whether one of the fleet's own servers does.
func (f *Fleet) Runs(node string) bool {
	a := f.areaOf(node)
	if a == nil {
		return false
	}
	s := a.station(node)
	return s != nil && s.state == Up
}
