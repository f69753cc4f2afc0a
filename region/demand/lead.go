package demand

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/region"
	"gazetteer/region/control"
)

// lead is what a leader remembers: nothing of it outlives its leading.
type lead struct {
	w         *Watch
	began     time.Time
	meter     meter
	followers map[gazetteer.Type]*follower
	silent    string // the servers that did not answer last
}

// follower is what a leader remembers of a cluster whose rings follow its demand.
type follower struct {
	said    control.Follower // as the plan had it last
	since   time.Duration    // when its rings or orders changed last
	fed     time.Duration    // until when the trend knows its demand
	trend   cluster.Trend
	refused string // why the last change was not made
}

func newLead(w *Watch) *lead {
	return &lead{w: w, began: time.Now(), meter: meter{map[gazetteer.NodeID]*heard{}}, followers: map[gazetteer.Type]*follower{}}
}

func (l *lead) now() time.Duration { return time.Since(l.began) }

// look asks the servers what they have counted and changes the rings of one cluster at
// most. While a server was never heard nothing is decided: its share may be any.
func (l *lead) look(ctx context.Context, plan *control.Plan) {
	said := plan.Followers()
	l.remember(said)
	if len(said) == 0 {
		l.meter.keep(nil)
		return
	}
	if !l.listen(ctx, plan) {
		return
	}
	l.feed(plan)
	for i := range said {
		if l.decide(ctx, plan, l.followers[said[i].Type]) {
			return
		}
	}
}

// remember notices what has changed in the plan since the last look.
func (l *lead) remember(said []control.Follower) {
	kept := map[gazetteer.Type]*follower{}
	for _, s := range said {
		f := l.followers[s.Type]
		if f == nil {
			f = &follower{fed: l.now()}
		}
		if !f.said.Equal(&s) {
			f.said, f.since = s, l.now()
		}
		kept[s.Type] = f
	}
	l.followers = kept
}

// listen asks all live regional servers at once what they have counted, and reports
// whether the rates of all are known. A dead one no longer counts: its clients ask others.
func (l *lead) listen(ctx context.Context, plan *control.Plan) (known bool) {
	servers := regionalServers(plan)
	silent := []gazetteer.NodeID{}
	for i, c := range l.ask(ctx, servers) {
		if c != nil {
			l.meter.hear(servers[i], *c)
		} else {
			silent = append(silent, servers[i])
		}
	}
	known = l.meter.keep(servers)
	if text := fmt.Sprint(silent); text != l.silent {
		l.silent = text
		if len(silent) > 0 {
			l.w.Logger.Warn("regional servers do not say what they were asked: they count as they did before, and until they were heard no rings follow demand", "servers", text)
		}
	}
	return known
}

func regionalServers(p *control.Plan) (out []gazetteer.NodeID) {
	for _, m := range p.Members() {
		if m.State == control.Live && slices.Contains(m.Roles, region.RoleRegion) {
			out = append(out, m.Name)
		}
	}
	return out
}

// ask returns what each server says, nil for one that says nothing in time.
func (l *lead) ask(ctx context.Context, servers []gazetteer.NodeID) []*Counts {
	ctx, cancel := context.WithTimeout(ctx, l.w.Every)
	defer cancel()
	out := make([]*Counts, len(servers))
	var all sync.WaitGroup
	for i, n := range servers {
		if n == l.w.Node {
			own := l.w.counts()
			out[i] = &own
			continue
		}
		all.Go(func() {
			if c, err := l.w.ask(ctx, n); err == nil {
				out[i] = &c
			}
		})
	}
	all.Wait()
	return out
}

// feed tells each trend what its cluster was asked since the last time.
func (l *lead) feed(plan *control.Plan) {
	own, now := plan.Types(), l.now()
	for cluster, f := range l.followers {
		rate := l.meter.rate(func(t gazetteer.Type) bool {
			if slices.Contains(own, t) {
				return t == cluster
			}
			return cluster == ""
		})
		f.trend.Add(f.fed, now, rate, f.said.Auto.Cooldown)
		f.fed = now
	}
}

// decide has a cluster's rings follow its demand by one, and reports whether that was
// agreed on.
func (l *lead) decide(ctx context.Context, plan *control.Plan, f *follower) bool {
	rate, known := f.trend.Rate()
	if !known {
		return false
	}
	rings, cooldown := len(f.said.Rings), f.said.Auto.Cooldown
	next := f.said.Auto.Step(cluster.Seen{
		Rings: rings, Moving: plan.Moving(), Quiet: l.now() - f.since,
		Rate: rate, Peak: f.trend.Peak(l.now() - cooldown),
	})
	if next == rings {
		f.refused = ""
		return false
	}
	err := l.w.change(ctx, &f.said, next)
	l.tell(f, next, rate, err)
	return err == nil
}

// changeWithin bounds how long a change may take to be agreed on.
const changeWithin = 10 * time.Second

// change has a ring added or removed, if the newest plan is still what was decided on: the
// operator, or another leader, may have been quicker.
func (w *Watch) change(ctx context.Context, said *control.Follower, next int) error {
	ctx, cancel := context.WithTimeout(ctx, changeWithin)
	defer cancel()
	_, err := w.Group.Edit(ctx, func(p *control.Plan) (control.Command, error) {
		if p.Moving() || !stands(p, said) {
			return control.Command{}, fail("Change", gazetteer.Conflict, "the rings or their orders were changed meanwhile: look again")
		}
		if next > len(said.Rings) {
			return p.WithSpares(said.Type)
		}
		return p.WithoutNewest(said.Type)
	})
	return err
}

func stands(p *control.Plan, said *control.Follower) bool {
	return slices.ContainsFunc(p.Followers(), func(f control.Follower) bool { return f.Equal(said) })
}

// tell logs what was done, and what could not be done once for each reason.
func (l *lead) tell(f *follower, next int, rate float64, err error) {
	log := l.w.Logger.With("type", string(f.said.Type), "rings", len(f.said.Rings), "next", next, "requests_per_second", rate)
	if err == nil {
		f.refused = ""
		log.Info("rings follow demand")
		return
	}
	if why := err.Error(); why != f.refused {
		f.refused = why
		log.Warn("rings do not follow demand", "error", err)
	}
}
