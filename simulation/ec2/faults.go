package ec2

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// act is the beginning of a fault, or its end.
type act struct {
	name  string // in the state
	at    time.Duration
	fault *scenario.Fault
	heals bool
}

// acts are all that can be done on EC2, by time. What cannot is named.
func (e *experiment) acts() (all []act) {
	for i := range e.Scenario.Faults {
		f := &e.Scenario.Faults[i]
		if why := e.cannot(f); why != "" {
			e.unlike("not done: %s at %v: %s", describe(f), f.At, why)
			continue
		}
		all = append(all, act{fmt.Sprintf("%d begins", i), f.At, f, false})
		if f.For > 0 && f.Kind != scenario.Upgrade {
			all = append(all, act{fmt.Sprintf("%d heals", i), min(f.At+f.For, e.Scenario.Duration), f, true})
		}
	}
	slices.SortStableFunc(all, func(a, b act) int { return int(a.at - b.at) })
	return all
}

// cannot says why a fault is not done on EC2; empty if it is.
func (e *experiment) cannot(f *scenario.Fault) string {
	switch f.Kind {
	case scenario.Crash, scenario.PowerLoss, scenario.RegionDown, scenario.Upgrade:
	case scenario.BalancerDown:
		if !strings.HasSuffix(f.Node, "/"+scenario.Regional) {
			return "there is a balancer before the regional servers only"
		}
	case scenario.GroupStop:
		if strings.HasSuffix(f.Node, "/"+scenario.Replica) {
			return "replicas have no scaling group that follows the load"
		}
	case scenario.DiskLoss:
		return "a volume belongs to its node for good; Terraform would have to make it anew"
	case scenario.Pause, scenario.SlowDisk, scenario.ClockJump:
		return "it needs a command inside the instance, and instances take none"
	case scenario.Cut, scenario.Lossy, scenario.Delay, scenario.Duplicate:
		return "EC2 has no such fault of the way between two instances"
	default:
		return "it is not known here"
	}
	return ""
}

// doFaults does each act at its time and then waits for the end of the load.
func (e *experiment) doFaults(ctx context.Context) error {
	for _, a := range e.acts() {
		if slices.Contains(e.state.Acts, a.name) {
			continue
		}
		if err := e.awaitLoad(ctx, a.at); err != nil {
			return err
		}
		h := e.announce(a)
		if err := e.do(ctx, a); err != nil {
			return fmt.Errorf("%s, %s: %w", describe(a.fault), a.name, err)
		}
		// Both together: an act that is done again after a failure happened once.
		e.state.Acts, e.state.Happened = append(e.state.Acts, a.name), append(e.state.Happened, h)
		if err := e.state.save(e.Dir); err != nil {
			return err
		}
	}
	return e.awaitLoad(ctx, e.Scenario.Duration)
}

// awaitLoad waits for a time of the load.
func (e *experiment) awaitLoad(ctx context.Context, at time.Duration) error {
	if d := e.state.Start.Add(at).Sub(e.Clock.Now()); d > 0 {
		return e.Clock.Sleep(ctx, d)
	}
	return ctx.Err()
}

func (e *experiment) do(ctx context.Context, a act) error {
	switch a.fault.Kind {
	case scenario.Crash, scenario.PowerLoss, scenario.RegionDown:
		return e.power(ctx, a)
	case scenario.BalancerDown:
		return e.balancer(ctx, a)
	case scenario.GroupStop:
		region, tier, _ := strings.Cut(a.fault.Node, "/")
		return e.suspend(ctx, region, []string{elasticGroup(region, tier)}, []string{"Launch", "Terminate"}, a.heals)
	}
	return e.upgrade(ctx, a.fault)
}

// announce says what is about to be done, and returns it for the report.
func (e *experiment) announce(a act) result.Happening {
	kind := string(a.fault.Kind)
	if a.heals {
		kind = "healed"
	}
	at := e.Clock.Now().Sub(e.state.Start)
	e.say("%v: %s: %s", at.Round(time.Second), kind, describe(a.fault))
	return result.Happening{AtMS: result.MillisOf(at), Kind: kind, Region: a.fault.Region, Node: a.fault.Node, Detail: describe(a.fault)}
}

// replacing is what a group must not do while its instance is to stay down.
var replacing = []string{"HealthCheck", "ReplaceUnhealthy", "Launch", "Terminate"}

// power takes instances' power away, or gives it back: then they have new addresses.
func (e *experiment) power(ctx context.Context, a act) error {
	region, hit, err := e.hit(ctx, a.fault)
	if err != nil {
		return err
	}
	if !a.heals {
		if err := e.suspend(ctx, region, groupsOf(hit), replacing, false); err != nil {
			return err
		}
		return e.Cloud.Stop(ctx, region, idsOf(hit))
	}
	if err := e.Cloud.Start(ctx, region, idsOf(hit)); err != nil {
		return err
	}
	if err := e.suspend(ctx, region, groupsOf(hit), replacing, true); err != nil {
		return err
	}
	return e.reach(ctx)
}

func (e *experiment) suspend(ctx context.Context, region string, groups, what []string, resume bool) error {
	do := e.Cloud.Suspend
	if resume {
		do = e.Cloud.Resume
	}
	for _, g := range groups {
		if err := do(ctx, region, g, what); err != nil {
			return err
		}
	}
	return nil
}

// hit returns the instances that a fault is about.
func (e *experiment) hit(ctx context.Context, f *scenario.Fault) (region string, hit []Instance, err error) {
	region = string(f.Region)
	if region == "" {
		region, _, _ = strings.Cut(f.Node, "/")
	}
	all, err := e.servers(ctx, region)
	if err != nil || f.Node == "" {
		return region, all, err
	}
	i, err := e.find(all, f.Node)
	return region, []Instance{i}, err
}

// find returns the instance that does a node's work: the first servers vote and have names
// of their own, like replicas; the others are the nth of their scaling group.
func (e *experiment) find(all []Instance, node string) (Instance, error) {
	name, group, n := e.place(node)
	var in []Instance
	for _, i := range all {
		if name != "" && i.Name == name || group != "" && i.Group == group {
			in = append(in, i)
		}
	}
	if n >= len(in) {
		return Instance{}, wrong("/faults", "no instance does the work of %s now", node)
	}
	return in[n], nil
}

// place returns how modules/region calls a node, or its scaling group and its place in it.
func (e *experiment) place(node string) (name, group string, n int) {
	region, rest, _ := strings.Cut(node, "/")
	at := strings.LastIndexByte(rest, '-')
	if at < 0 {
		return "", "", 0
	}
	kind := rest[:at]
	number, err := strconv.Atoi(rest[at+1:])
	i := slices.IndexFunc(e.Scenario.Regions, func(r scenario.Region) bool { return string(r.Name) == region })
	if err != nil || number < 1 || i < 0 {
		return "", "", 0
	}
	r := &e.Scenario.Regions[i]
	switch voters := votersOf(r); {
	case kind == "server" && number <= voters:
		return fmt.Sprintf("%s-v%d", region, number), "", 0
	case kind == "server":
		return "", elasticGroup(region, scenario.Regional), number - voters - 1
	case kind == "cluster":
		return "", elasticGroup(region, scenario.Cluster), number - 1
	}
	ring := slices.IndexFunc(r.Rings, func(g scenario.Ring) bool { return g.Name == kind })
	return replicaName(r, ring, number-1), "", 0
}

// elasticGroup is how modules/region calls the scaling group of a tier.
func elasticGroup(region, tier string) string {
	kind := "cluster"
	if tier == scenario.Regional {
		kind = "server"
	}
	return "gazetteer-" + region + "-" + kind
}

func groupsOf(all []Instance) (groups []string) {
	for _, i := range all {
		if i.Group != "" {
			groups = append(groups, i.Group)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

func idsOf(all []Instance) (ids []string) {
	for _, i := range all {
		ids = append(ids, i.ID)
	}
	return ids
}

// balancer takes all servers out of a region's balancer, or puts them back. Who was in it
// is kept: nobody else knows.
func (e *experiment) balancer(ctx context.Context, a act) error {
	region, _, _ := strings.Cut(a.fault.Node, "/")
	o, err := e.output(ctx, region)
	if err != nil {
		return err
	}
	for _, listener := range sortedKeys(o.Targets) {
		group, key := o.Targets[listener].ARN, region+"/"+listener
		if a.heals {
			err = e.Cloud.Register(ctx, region, group, e.state.Taken[key])
			delete(e.state.Taken, key)
		} else if len(e.state.Taken[key]) == 0 {
			e.state.Taken[key], err = e.Cloud.Deregister(ctx, region, group)
		}
		if err = errors.Join(err, e.state.save(e.Dir)); err != nil {
			return err
		}
	}
	return nil
}

// upgrade restarts every server of a region, one after the other.
func (e *experiment) upgrade(ctx context.Context, f *scenario.Fault) error {
	all, err := e.servers(ctx, string(f.Region))
	if err != nil {
		return err
	}
	for _, i := range all {
		if err := e.Cloud.Reboot(ctx, string(f.Region), []string{i.ID}); err != nil {
			return err
		}
		if err := e.Clock.Sleep(ctx, 2*f.For); err != nil {
			return err
		}
	}
	return nil
}

func describe(f *scenario.Fault) string {
	what := string(f.Kind)
	switch {
	case f.Link != nil:
		return what + " " + f.Link.From + " - " + f.Link.To
	case f.Node != "":
		return what + " " + f.Node
	}
	return what + " " + string(f.Region)
}
