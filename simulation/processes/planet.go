package processes

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/api/client"
	"gazetteer/simulation/scenario"
)

// again is how long to wait before looking again whether something has come about.
const again = 50 * time.Millisecond

// layOut decides on the processes of all regions and opens none.
func (r *run) layOut() error {
	for i := range r.c.Scenario.Regions {
		for _, s := range seatsOf(&r.c.Scenario.Regions[i]) {
			r.processes = append(r.processes, &process{seat: s, run: r, data: filepath.Join(r.dir, s.name)})
		}
	}
	addrs, err := freeAddrs(2 * len(r.processes))
	if err != nil {
		return err
	}
	for i, p := range r.processes {
		p.peer = addrs[2*i]
		r.at[p.peer] = p.region
		if !p.isRegional() {
			continue
		}
		p.face = newFace(addrs[2*i+1], &p.seat)
		r.at[p.face.addr] = p.region
		if p.client, err = client.New(client.Config{Addr: "http://" + p.face.addr}); err != nil {
			return err
		}
	}
	r.ways = newWays(r.chartFor(""))
	return nil
}

// found starts the first region, then all others, and returns when all have one tree and
// their rings.
func (r *run) found(ctx context.Context) error {
	regions := r.c.Scenario.Regions
	r.say("starting %d processes of %d regions", len(r.processes), len(regions))
	if err := r.settle(ctx, &regions[0], nil); err != nil {
		return err
	}
	if err := r.together(regions[1:], func(g *scenario.Region) error {
		a, err := r.processes[0].client.AdmitRegion(ctx, string(g.Name))
		if err != nil {
			return err
		}
		return r.settle(ctx, g, []string{"--planet", r.processes[0].peer, "--token", a.Token})
	}); err != nil {
		return err
	}
	r.say("%d regions find their tree", len(regions))
	return r.awaitTree(ctx)
}

// together does something for all regions at once.
func (r *run) together(regions []scenario.Region, do func(*scenario.Region) error) error {
	errs := make([]error, len(regions))
	var doing sync.WaitGroup
	for i := range regions {
		doing.Go(func() { errs[i] = do(&regions[i]) })
	}
	doing.Wait()
	return firstOf(errs...)
}

// settle starts the processes of a region and gives it its rings.
func (r *run) settle(ctx context.Context, g *scenario.Region, join []string) error {
	all := r.of(g.Name)
	first := all[0]
	partitions := cmp.Or(r.c.Scenario.Partitions, gazetteer.DefaultPartitions)
	first.join = append([]string{"--region", string(g.Name), fmt.Sprintf("--place=%g,%g", g.Point.Lat, g.Point.Lon), "--partitions", fmt.Sprint(partitions)}, join...)
	if err := first.begin(ctx); err != nil {
		return err
	}
	for _, p := range all[1:] {
		a, err := r.admit(ctx, first, p)
		if err != nil {
			return err
		}
		p.join = []string{"--join", first.peer, "--token", a.Token}
		if err := p.begin(ctx); err != nil {
			return err
		}
	}
	return r.setRings(ctx, g, all)
}

// admit gets what a process joins its region by. A region that has just begun may not yet
// have somebody to ask.
func (r *run) admit(ctx context.Context, first, p *process) (a client.Admission, err error) {
	err = until(ctx, "region "+string(p.region)+" admits "+p.name, func() error {
		a, err = first.client.AdmitMember(ctx, client.Invitation{Roles: p.roles})
		return err
	})
	return a, err
}

// until tries something until it goes well.
func until(ctx context.Context, what string, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		err := do()
		if err == nil {
			return nil
		}
		if !sleepUntil(ctx, time.Now().Add(again)) {
			return &gazetteer.Error{Op: "processes.Run", Kind: gazetteer.Deadline, Err: err, Detail: "not in time: " + what}
		}
	}
}

// missing is what is not so yet.
func missing(format string, args ...any) error {
	return &gazetteer.Error{Op: "processes.Run", Kind: gazetteer.Unavailable, Detail: fmt.Sprintf(format, args...)}
}

// Ring is one that a region is to have: of a cluster, with members by name.
type Ring struct {
	Cluster, Name string
	Members       []string
}

// ringsOf is what the scenario says of a region's rings. The first one for all types is
// the one that the region was founded with.
func ringsOf(g *scenario.Region, all []*process) (wanted []Ring) {
	founded := false
	for i, ring := range g.Rings {
		w := Ring{string(ring.Type), ring.Name, nil}
		first := ring.Type == "" && !founded
		if ring.Type == "" {
			w.Cluster, founded = client.DefaultCluster, true
		}
		if first {
			w.Name = FoundedRing
		}
		for _, p := range all {
			if p.ring == i {
				w.Members = append(w.Members, p.name)
			}
		}
		if first {
			wanted = slices.Insert(wanted, 0, w)
		} else {
			wanted = append(wanted, w)
		}
	}
	return wanted
}

// FoundedRing is how a region calls the ring that it begins with.
const FoundedRing = "single"

// setRings makes the rings of a region what the scenario says, and waits until nothing
// moves any more.
func (r *run) setRings(ctx context.Context, g *scenario.Region, all []*process) error {
	return SetRings(ctx, all[0].client, string(g.Name), ringsOf(g, all))
}

// SetRings asks a regional server for rings until its region has them.
func SetRings(ctx context.Context, k *client.Client, region string, wanted []Ring) error {
	return until(ctx, "region "+region+" has its rings", func() error {
		clusters, err := k.Rings(ctx)
		if err != nil {
			return err
		}
		// The founded one comes last: as long as others are in no ring, it takes them in again.
		for _, w := range slices.Backward(wanted) {
			if err := w.set(ctx, k, clusters); err != nil {
				return err
			}
		}
		for _, c := range clusters {
			if c.Moving+c.Pending > 0 {
				return missing("%d partitions of %s have to move", c.Moving+c.Pending, c.Type)
			}
		}
		return nil
	})
}

// set asks for a ring that is not there yet. It fails as long as it is not.
func (w *Ring) set(ctx context.Context, k *client.Client, clusters []client.Cluster) error {
	for _, c := range clusters {
		for _, ring := range c.Rings {
			if c.Type != w.Cluster || ring.Name != w.Name {
				continue
			}
			if slices.Equal(slices.Sorted(slices.Values(ring.Members)), slices.Sorted(slices.Values(w.Members))) {
				return nil
			}
			if err := k.SetRing(ctx, w.Cluster, w.Name, w.Members, false); err != nil {
				return err
			}
			return missing("ring %s has %s", w.Name, strings.Join(ring.Members, ", "))
		}
	}
	if err := k.AddRing(ctx, w.Cluster, w.Name, w.Members); err != nil {
		return err
	}
	return missing("ring %s has been asked for", w.Name)
}

// awaitTree waits until every server knows one tree of all regions, all of them live.
func (r *run) awaitTree(ctx context.Context) error {
	epochs := map[string]bool{}
	return until(ctx, "all regions know one tree", func() error {
		clear(epochs)
		for _, p := range r.processes {
			if p.face == nil {
				continue
			}
			now, err := p.client.Topology(ctx)
			if err != nil {
				return err
			}
			r.trees.see(p.region, &now)
			if err := whole(&now, len(r.c.Scenario.Regions)); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			epochs[now.Epoch] = true
		}
		if len(epochs) > 1 {
			return missing("there are %d trees", len(epochs))
		}
		return nil
	})
}

// whole says what a topology lacks of a tree of so many regions.
func whole(t *client.Topology, regions int) error {
	for _, g := range t.Regions {
		if g.State != "live" {
			return missing("region %s is %s", g.Name, g.State)
		}
	}
	switch n := treeSize(t.Edges); {
	case len(t.Regions) != regions:
		return missing("%d regions are known", len(t.Regions))
	case t.Running != "" || t.Due != "":
		return missing("a tree is being built: %s %s", t.Running, t.Due)
	case n != regions-1:
		return missing("the tree has %d edges", n)
	}
	return nil
}

// bury ends whatever still runs, and removes what it has kept.
func (r *run) bury() error {
	r.callers.close()
	var dying sync.WaitGroup
	for _, p := range r.processes {
		dying.Go(p.kill)
	}
	dying.Wait()
	r.lives.Wait()
	r.nursery.close()
	r.http.CloseIdleConnections()
	for _, p := range r.processes {
		if p.client != nil {
			p.client.Close()
		}
	}
	return os.RemoveAll(r.dir)
}
