package world

import (
	"fmt"
	"time"

	"gazetteer"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// Break lets a fault happen now, as far as it is one of replicas, regional servers, disks,
// clocks or the network; what it breaks is whole again after its time, if it has one.
// Faults of other things are another's.
func (w *World) Break(f *scenario.Fault) {
	heal := w.breaking(f)
	if heal == nil {
		return
	}
	w.cover.Faults++
	w.happens(string(f.Kind), f, describe(f))
	if f.For > 0 {
		w.agenda.After(f.For, func() {
			heal()
			w.happens("healed", f, describe(f))
		})
	}
}

// breaking does it, and returns what makes it whole again; nil if it is no fault of this world.
func (w *World) breaking(f *scenario.Fault) (heal func()) {
	switch f.Kind {
	case scenario.Crash:
		return w.ends(f.Node, crashes)
	case scenario.PowerLoss:
		return w.ends(f.Node, losesPower)
	case scenario.DiskLoss:
		return w.ends(f.Node, losesDisk)
	case scenario.Pause:
		return w.pauses(f.Node)
	case scenario.SlowDisk:
		return w.slows(f)
	case scenario.ClockJump:
		return w.jumps(f)
	case scenario.RegionDown:
		return w.falls(f.Region)
	case scenario.Cut, scenario.Lossy, scenario.Delay, scenario.Duplicate:
		return w.hinders(f)
	case scenario.Upgrade:
		return w.upgrades(f.Region)
	}
	return nil
}

func nothing() {}

// ends stops a process, or a regional server, until it is healed.
func (w *World) ends(node string, how downs) func() {
	if p := w.byID[gazetteer.NodeID(node)]; p != nil {
		p.barred++
		p.end(how)
		return p.unbar
	}
	if v := w.hosts[gazetteer.NodeID(node)]; v != nil {
		v.barred++
		v.up = false
		w.log.node(v.id, "ends")
		return v.unbar
	}
	return nil
}

func (p *process) unbar() {
	p.barred--
	p.start()
}

func (v *server) unbar() {
	v.barred--
	if v.barred == 0 && !v.up {
		v.up, v.paused = true, false
		v.region.world.log.node(v.id, "starts")
	}
}

func (w *World) pauses(node string) func() {
	if p := w.byID[gazetteer.NodeID(node)]; p != nil {
		p.pause(true)
		life := p.life
		return func() {
			if p.life == life {
				p.pause(false)
			}
		}
	}
	if v := w.hosts[gazetteer.NodeID(node)]; v != nil {
		v.paused = true
		return func() { v.paused = false }
	}
	return nil
}

func (w *World) slows(f *scenario.Fault) func() {
	p := w.byID[gazetteer.NodeID(f.Node)]
	if p == nil {
		return nil
	}
	p.disk.slower = f.Amount
	return func() { p.disk.slower = 0 }
}

func (w *World) jumps(f *scenario.Fault) func() {
	p := w.byID[gazetteer.NodeID(f.Node)]
	if p == nil {
		if w.hosts[gazetteer.NodeID(f.Node)] != nil {
			return nothing // a regional server reads no wall clock here
		}
		return nil
	}
	p.clock.jump += f.By
	p.clock.jumped = w.agenda.Now()
	return func() {
		p.clock.jump -= f.By
		p.clock.jumped = w.agenda.Now()
	}
}

// falls takes a region down with all its machines.
func (w *World) falls(r gazetteer.RegionID) func() {
	g := w.byRegion[r]
	if g == nil {
		return nil
	}
	var heal []func()
	for _, p := range g.members {
		heal = append(heal, w.ends(string(p.id), takenOffAir))
	}
	for _, v := range g.servers {
		heal = append(heal, w.ends(string(v.id), takenOffAir))
	}
	return func() {
		for _, do := range heal {
			do()
		}
	}
}

func (w *World) hinders(f *scenario.Fault) func() {
	r := &rule{kind: f.Kind, amount: f.Amount, by: f.By}
	switch {
	case f.Link != nil:
		r.from, r.to, r.oneWay = f.Link.From, f.Link.To, f.Link.OneWay
	case f.Region != "":
		r.from, r.around = string(f.Region), true
	default:
		return nil
	}
	w.network.add(r)
	return func() { w.network.remove(r) }
}

const (
	// upgradeTakes is how long a process of a rolling upgrade is down.
	upgradeTakes = 2 * time.Second
	// upgradePatience is how long the next one waits for it to serve.
	upgradePatience = 10 * time.Second
)

// upgrades restarts every process of a region, one when the one before serves again.
func (w *World) upgrades(r gazetteer.RegionID) func() {
	g := w.byRegion[r]
	if g == nil {
		return nil
	}
	var steps []upgrade
	for _, v := range g.servers {
		steps = append(steps, upgrade{string(v.id), func() bool { return v.up }})
	}
	for _, p := range g.members {
		steps = append(steps, upgrade{string(p.id), p.servesAll})
	}
	w.upgrade(steps)
	return nothing
}

// upgrade is one process of a rolling upgrade.
type upgrade struct {
	node  string
	ready func() bool
}

func (w *World) upgrade(steps []upgrade) {
	if len(steps) == 0 {
		w.log.note("upgraded")
		return
	}
	heal := w.ends(steps[0].node, crashes)
	w.agenda.After(upgradeTakes, func() {
		heal()
		w.upgradeNext(steps, w.agenda.Now()+upgradePatience)
	})
}

func (w *World) upgradeNext(steps []upgrade, until time.Duration) {
	if steps[0].ready() || w.agenda.Now() >= until {
		w.upgrade(steps[1:])
		return
	}
	w.agenda.After(100*time.Millisecond, func() { w.upgradeNext(steps, until) })
}

// CopyDisk makes a copy of a replica's disk, as it is durable now.
func (w *World) CopyDisk(n gazetteer.NodeID) {
	if p := w.byID[n]; p != nil {
		p.disk.copied = p.disk.clone()
	}
}

// RestoreDisk stops a replica, puts the last copy of its disk back, and starts it again
// after a while. Without a copy nothing happens.
func (w *World) RestoreDisk(n gazetteer.NodeID, after time.Duration) {
	p := w.byID[n]
	if p == nil || p.disk.copied == nil {
		return
	}
	w.cover.Faults++
	p.barred++
	p.end(crashes)
	p.replaceDisk(p.disk.copied.clone(), true)
	w.log.node(p.id, "has an old copy of its disk back")
	w.agenda.After(after, p.unbar)
}

func describe(f *scenario.Fault) string {
	what := f.Node
	switch {
	case f.Link != nil && f.Link.OneWay:
		what = f.Link.From + " -> " + f.Link.To
	case f.Link != nil:
		what = f.Link.From + " - " + f.Link.To
	case f.Region != "":
		what = string(f.Region)
	}
	switch {
	case f.By != 0:
		return fmt.Sprintf("%s %s by %v", f.Kind, what, f.By)
	case f.Amount != 0:
		return fmt.Sprintf("%s %s %g", f.Kind, what, f.Amount)
	}
	return fmt.Sprintf("%s %s", f.Kind, what)
}

// happens notes something that stands beside the curves, and in the log.
func (w *World) happens(kind string, f *scenario.Fault, detail string) {
	h := result.Happening{AtMS: result.MillisOf(w.agenda.Now() - w.zero), Kind: kind, Region: f.Region, Node: f.Node, Detail: detail}
	w.sights.happenings = append(w.sights.happenings, h)
	if kind == "healed" {
		detail = "healed: " + detail
	}
	w.log.note(detail)
}
