package ec2

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/api/client"
	"gazetteer/simulation/processes"
	"gazetteer/simulation/scenario"
)

const (
	upWithin   = 30 * time.Minute // from instances that are made until servers answer
	treeWithin = 15 * time.Minute
)

func (e *experiment) makeBucket(ctx context.Context) error {
	if err := e.Cloud.MakeBucket(ctx, e.home(), e.state.Bucket, e.Run); err != nil {
		return err
	}
	return e.Cloud.Put(ctx, e.home(), e.state.Bucket, e.Run+"/scenario.yaml", e.Text)
}

func (e *experiment) awaitFounder(ctx context.Context) error { return e.awaitRegion(ctx, e.home()) }

func (e *experiment) awaitRegion(ctx context.Context, region string) error {
	r, err := e.output(ctx, region)
	if err != nil {
		return err
	}
	return e.until(ctx, "region "+region+" answers at "+r.Endpoint, upWithin, func() error { return e.Planet.Ready(ctx, r.Endpoint) })
}

// admit puts the tokens where the founding server of each other region waits for one.
func (e *experiment) admit(ctx context.Context) error {
	home, err := e.output(ctx, e.home())
	if err != nil {
		return err
	}
	return e.eachOther(func(region string) error {
		token, err := e.Planet.Admit(ctx, home.Endpoint, gazetteer.RegionID(region))
		if err != nil {
			return err
		}
		return e.Cloud.PutSecret(ctx, region, e.admission(), token, e.Run)
	})
}

// reach lets the servers of all regions reach one another, by their addresses of now. EC2
// gives an instance another one whenever it starts.
func (e *experiment) reach(ctx context.Context) error {
	var all []string
	for _, region := range e.regions() {
		servers, err := e.servers(ctx, region)
		if err != nil {
			return err
		}
		for _, i := range servers {
			if i.Address != "" {
				all = append(all, i.Address)
			}
		}
	}
	slices.Sort(all)
	if slices.Equal(all, e.state.Peers) {
		return nil
	}
	e.state.Peers = all
	if err := e.state.save(e.Dir); err != nil {
		return err
	}
	return e.apply(ctx, e.state.has("clients"))
}

// servers are the instances of a region that are no clients, by name and then id.
func (e *experiment) servers(ctx context.Context, region string) ([]Instance, error) {
	all, err := e.Cloud.Instances(ctx, region, e.Run)
	return slices.DeleteFunc(all, func(i Instance) bool { return i.Client }), err
}

// awaitPlanet waits for all regions, for one tree of them, and gives each its rings.
func (e *experiment) awaitPlanet(ctx context.Context) error {
	if err := e.eachOther(func(region string) error { return e.awaitRegion(ctx, region) }); err != nil {
		return err
	}
	for i := range e.Scenario.Regions {
		r := &e.Scenario.Regions[i]
		o, err := e.output(ctx, string(r.Name))
		if err != nil {
			return err
		}
		if err := e.until(ctx, "region "+string(r.Name)+" has its rings", upWithin, func() error {
			return e.Planet.Rings(ctx, o.Endpoint, string(r.Name), ringsOf(r))
		}); err != nil {
			return err
		}
	}
	return e.awaitTree(ctx)
}

func (e *experiment) awaitTree(ctx context.Context) error {
	home, err := e.output(ctx, e.home())
	if err != nil {
		return err
	}
	return e.until(ctx, "there is a tree of all regions", treeWithin, func() error {
		t, _, err := e.Planet.Tree(ctx, home.Endpoint)
		if err == nil && t.Regions != len(e.Scenario.Regions) {
			err = fmt.Errorf("the tree is of %d regions", t.Regions)
		}
		return err
	})
}

// ringsOf are the rings of a region. Their members are called as modules/region calls
// nodes. The first ring of all types is the one that the region was founded with.
func ringsOf(r *scenario.Region) (all []processes.Ring) {
	founded := false
	for i, g := range r.Rings {
		ring := processes.Ring{Cluster: string(g.Type), Name: g.Name}
		first := g.Type == "" && !founded
		if g.Type == "" {
			ring.Cluster, founded = client.DefaultCluster, true
		}
		if first {
			ring.Name = processes.FoundedRing
		}
		for n := range replicasOf(r) {
			ring.Members = append(ring.Members, replicaName(r, i, n))
		}
		if first {
			all = slices.Insert(all, 0, ring) // before others take partitions from it
		} else {
			all = append(all, ring)
		}
	}
	return all
}

func replicaName(r *scenario.Region, ring, replica int) string {
	return fmt.Sprintf("%s-r%d-%d", r.Name, ring+1, replica+1)
}

func (e *experiment) load(ctx context.Context) error {
	home, err := e.output(ctx, e.home())
	if err != nil {
		return err
	}
	return e.Planet.Load(ctx, home.Endpoint, e.Scenario, e.Bundled)
}

// clientsBoot is what machines of clients have to come up and fetch their package.
const clientsBoot = 5 * time.Minute

// setStart tells all clients when they begin. The time is kept before it is told: one who
// resumes tells the same.
func (e *experiment) setStart(ctx context.Context) error {
	if e.state.Start.IsZero() {
		e.state.Start = e.Clock.Now().Add(clientsBoot).UTC().Truncate(time.Second)
		if err := e.state.save(e.Dir); err != nil {
			return err
		}
	}
	e.say("clients begin at %s", e.state.Start.Format(time.RFC3339))
	return e.Cloud.Put(ctx, e.home(), e.state.Bucket, e.Run+"/start", []byte(e.state.Start.Format(time.RFC3339)))
}
