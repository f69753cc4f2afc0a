package fleet

import (
	"fmt"
	"time"

	"gazetteer/simulation/scenario"
)

// group is a scaling group: an alarm that was beyond its threshold for some periods in a
// row changes the number of servers, and then nothing is changed for the cooldown. Dead
// servers are replaced, which waits for no cooldown (Auto Scaling, "Scaling Cooldowns").
type group struct {
	crew    *crew
	model   scenario.Group
	stopped bool
	booting int

	acted   time.Duration
	hasOnce bool // acted
}

// defaultCooldown is that of Auto Scaling.
const defaultCooldown = 300 * time.Second

// inspectEvery is how often a group looks for dead servers: as often as EC2 checks the
// status of instances.
const inspectEvery = time.Minute

// alarm watches the mean use of a group's cores over periods.
type alarm struct {
	scenario.Alarm
	group  *group
	beyond func(cpu float64) bool
	by     int
	row    int // periods in a row
	last   map[*station]time.Duration
}

func newGroup(c *crew, model scenario.Group) *group {
	model.Cooldown = orElse(model.Cooldown, defaultCooldown)
	return &group{crew: c, model: model}
}

// begin plans its alarms and inspections.
func (g *group) begin() {
	up, down := g.model.Up, g.model.Down
	g.watch(up, func(cpu float64) bool { return cpu > up.CPU }, up.By)
	g.watch(down, func(cpu float64) bool { return cpu < down.CPU }, -down.By)
	g.crew.area.fleet.agenda.After(inspectEvery, g.inspect)
}

func (g *group) watch(of scenario.Alarm, beyond func(float64) bool, by int) {
	if of.By == 0 {
		return
	}
	of.Period = orElse(of.Period, time.Minute)
	a := &alarm{Alarm: of, group: g, beyond: beyond, by: by}
	a.read()
	g.crew.area.fleet.agenda.After(of.Period, a.look)
}

// look ends a period.
func (a *alarm) look() {
	cpu, known := a.read()
	switch {
	case !known:
	case a.beyond(cpu):
		a.row++
	default:
		a.row = 0
	}
	if a.row >= max(1, a.Periods) {
		a.group.scale(a.by, cpu)
	}
	a.group.crew.area.fleet.agenda.After(a.Period, a.look)
}

// read returns the mean use of the cores of all servers that run, since it was called
// last; false if none does: the dead send no measures.
func (a *alarm) read() (cpu float64, known bool) {
	now := a.group.crew.area.fleet.agenda.Now()
	last := a.last
	a.last = map[*station]time.Duration{}
	var spent, could time.Duration
	for _, s := range a.group.crew.stations {
		if s.state != Up {
			continue
		}
		a.last[s] = s.used()
		spent += s.used() - last[s]
		could += time.Duration(s.cores) * min(a.Period, now-s.born)
	}
	if could == 0 {
		return 0, false
	}
	return float64(spent) / float64(could), true
}

// size is how many servers there are, with those that boot.
func (g *group) size() int { return len(g.crew.stations) + g.booting }

// scale changes the number of servers, if the cooldown is over and the bounds allow it.
func (g *group) scale(by int, cpu float64) {
	f := g.crew.area.fleet
	from := g.size()
	to := min(max(from+by, g.model.Min), max(g.model.Max, g.model.Min))
	cooling := g.hasOnce && f.agenda.Now()-g.acted < g.model.Cooldown
	if g.stopped || cooling || to == from {
		return
	}
	g.acted, g.hasOnce = f.agenda.Now(), true
	kind := "scale_up"
	if to < from {
		kind = "scale_down"
	}
	f.happened(kind, g.crew.area, "", fmt.Sprintf("%s servers: %d to %d, as their cores are in use at %.0f %%", g.crew.tier, from, to, 100*cpu))
	for range to - from {
		g.boot()
	}
	for range from - to {
		g.dismiss()
	}
}

// boot brings a new server, which has to pass the checks of its balancers.
func (g *group) boot() {
	g.booting++
	g.crew.area.fleet.agenda.After(g.model.Boot, func() {
		g.booting--
		if s := g.crew.add(false); g.crew.area.down {
			s.end(Gone)
		}
	})
}

// dismiss ends the newest server that runs; it finishes what it has.
func (g *group) dismiss() {
	all := g.crew.stations
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].state == Up {
			g.crew.remove(all[i])
			return
		}
	}
}

// inspect replaces what is dead.
func (g *group) inspect() {
	f := g.crew.area.fleet
	f.agenda.After(inspectEvery, g.inspect)
	if g.stopped || g.crew.area.down {
		return
	}
	for _, s := range append([]*station(nil), g.crew.stations...) {
		if s.state == Down || s.state == Gone {
			f.happened("replaced", g.crew.area, s.place.Node, "its group found it dead and starts another")
			g.crew.remove(s)
			g.boot()
		}
	}
}
