package ec2

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"gazetteer"
	"gazetteer/simulation/scenario"
)

// Outputs are what Terraform says of the regions that it has made.
type Outputs map[string]Region

// Region is one of them.
type Region struct {
	Endpoint string            `json:"endpoint"`
	Entry    string            `json:"entry"`    // for peers
	Balancer string            `json:"balancer"` // its name in CloudWatch
	VPC      string            `json:"vpc"`
	Subnets  []string          `json:"subnets"`
	Image    string            `json:"image"`
	Groups   map[string]string `json:"groups"`
	Targets  map[string]Target `json:"targets"`
}

// Target is a target group: its ARN, and its name in CloudWatch.
type Target struct {
	ARN    string `json:"arn"`
	Suffix string `json:"arn_suffix"`
}

// tree is JSON.
type tree = map[string]any

// placeModules copies the modules beside the root, so that a run needs nothing that moves.
func (e *experiment) placeModules() error {
	if err := os.RemoveAll(filepath.Join(e.root(), "modules")); err != nil {
		return err
	}
	return os.CopyFS(filepath.Join(e.root(), "modules"), e.Modules)
}

// writeRoot writes what Terraform makes: the regions, and the clients if they are wanted.
func (e *experiment) writeRoot(clients bool) error {
	if err := os.MkdirAll(e.root(), 0o700); err != nil {
		return err
	}
	modules, regions := tree{}, tree{}
	for i := range e.Scenario.Regions {
		r := &e.Scenario.Regions[i]
		name := moduleOf(string(r.Name))
		modules[name] = e.regionModule(r)
		regions[string(r.Name)] = outputsOf(name)
		if n := machines(e.Scenario, r.Name); clients && n > 0 {
			modules["clients_"+string(r.Name)] = e.clientsModule(string(r.Name), n)
		}
	}
	text, err := json.MarshalIndent(tree{
		"terraform": tree{"required_version": ">= 1.11", "required_providers": tree{"aws": tree{"source": "hashicorp/aws", "version": ">= 6.0"}}},
		"provider":  tree{"aws": tree{"region": e.home()}},
		"module":    modules,
		"output":    tree{"regions": tree{"value": regions}},
	}, "", "  ")
	if err != nil {
		return err
	}
	return writeSynced(filepath.Join(e.root(), "main.tf.json"), append(text, '\n'))
}

func moduleOf(region string) string { return "region_" + region }

func of(module, output string) string { return "${module." + module + "." + output + "}" }

func outputsOf(module string) tree {
	return tree{
		"endpoint": of(module, "endpoint"), "entry": of(module, "peer_entry"), "balancer": of(module, "balancer.arn_suffix"),
		"vpc": of(module, "vpc_id"), "subnets": of(module, "subnet_ids"), "image": of(module, "image"),
		"groups": of(module, "groups"), "targets": of(module, "targets"),
	}
}

// admission is where a region finds the token by which it joins.
func (e *experiment) admission() string { return "/gazetteer/" + e.Run + "/admission" }

// regionModule is what the scenario says of a region, as modules/region takes it.
func (e *experiment) regionModule(r *scenario.Region) tree {
	t := &e.Scenario.Tiers
	voters := votersOf(r)
	m := tree{
		"source": "./modules/region", "aws_region": string(r.Name), "name": string(r.Name),
		"place":           tree{"lat": r.Point.Lat, "lon": r.Point.Lon},
		"cidr":            cidrOf(slices.IndexFunc(e.Scenario.Regions, func(o scenario.Region) bool { return o.Name == r.Name })),
		"package":         e.Package,
		"voters":          tree{"count": voters, "type": e.Types.Server},
		"servers":         bounds(t.Regional.Group, r.Servers-voters, voters, 0, e.Types.Server),
		"cluster_servers": bounds(t.Cluster.Group, r.ClusterServers, 0, 1, e.Types.Cluster),
		"replicas":        tree{"rings": max(1, len(r.Rings)), "each": replicasOf(r), "type": e.Types.Replica},
		"peers":           e.peers(),
		"flags":           e.flags(),
		"tags":            tree{"gazetteer:run": e.Run},
	}
	if b := t.Regional.Balancer; b != nil {
		m["health"] = tree{"interval": seconds(b.Interval.Seconds(), 5, 300), "timeout": seconds(b.Timeout.Seconds(), 2, 120), "healthy": min(10, max(2, b.Healthy)), "unhealthy": min(10, max(2, b.Unhealthy))}
	}
	if g := t.Regional.Group; g != nil {
		m["scaling"] = tree{"up": math.Round(100 * g.Up.CPU), "down": math.Round(100 * g.Down.CPU), "periods": max(1, g.Up.Periods), "cooldown": seconds(g.Cooldown.Seconds(), 1, 3600)}
	}
	if string(r.Name) != e.home() {
		m["planet"] = []string{of(moduleOf(e.home()), "peer_entry")}
		m["admission_parameter"] = e.admission()
	}
	return m
}

func (e *experiment) flags() []string {
	// Between machines of an experiment that lasts minutes there are no certificates.
	return []string{"--insecure"}
}

// peers are the networks of all servers that are known.
func (e *experiment) peers() []string {
	all := []string{}
	for _, a := range e.state.Peers {
		all = append(all, a+"/32")
	}
	return all
}

// votersOf is how many of a region's servers vote: an odd number, five at most.
func votersOf(r *scenario.Region) int {
	switch {
	case r.Servers >= 5:
		return 5
	case r.Servers >= 3:
		return 3
	}
	return 1
}

// replicasOf is how many replicas the largest ring has: all have as many here.
func replicasOf(r *scenario.Region) int {
	each := 1
	for _, g := range r.Rings {
		each = max(each, g.Replicas)
	}
	return each
}

// bounds of a scaling group, of which some servers stand beside it.
func bounds(g *scenario.Group, n, beside, least int, kind string) tree {
	low, high := max(least, n), max(least, n)
	if g != nil {
		low, high = max(least, g.Min-beside), max(least, g.Max-beside)
	}
	return tree{"min": low, "max": high, "type": kind}
}

func seconds(s, low, high float64) float64 { return min(high, max(low, math.Round(s))) }

func cidrOf(i int) string { return "10." + strconv.Itoa(70+i) + ".0.0/16" }

// clientsModule is the machines of a region's clients, as modules/simulation takes them.
func (e *experiment) clientsModule(region string, n int) tree {
	endpoints := tree{}
	for _, r := range e.regions() {
		endpoints[r] = of(moduleOf(r), "endpoint")
	}
	here := moduleOf(region)
	return tree{
		"source": "./modules/simulation", "aws_region": region, "region": region, "run": e.Run,
		"endpoints": endpoints, "network": tree{"vpc_id": of(here, "vpc_id"), "subnet_ids": of(here, "subnet_ids")},
		"clients": tree{"count": n, "type": e.Types.Client}, "bucket": e.state.Bucket, "bucket_region": e.home(),
		"image": of(here, "image"), "package": e.Package, "tags": tree{"gazetteer:client": "yes"},
	}
}

const (
	// perMachine is how many requests a second one machine of clients is asked for: it has
	// to have time left, or it measures itself.
	perMachine = 2000
	// mostMachines is what modules/simulation takes.
	mostMachines = 20
)

// machines is how many machines the clients of a region need.
func machines(s *scenario.Scenario, region gazetteer.RegionID) int {
	highest := 0.0
	for _, c := range s.Clients {
		if c.Region != region {
			continue
		}
		most := 0.0
		for _, step := range c.Rate {
			most = max(most, step.Rate)
		}
		highest += most
	}
	return int(math.Ceil(highest / perMachine))
}

// makeRegions writes the root and applies it.
func (e *experiment) makeRegions(ctx context.Context) error {
	if err := e.placeModules(); err != nil {
		return err
	}
	return e.apply(ctx, false)
}

func (e *experiment) apply(ctx context.Context, clients bool) error {
	if err := e.writeRoot(clients); err != nil {
		return err
	}
	e.outputs = nil
	return e.Terraform.Apply(ctx, e.root())
}

func (e *experiment) makeClients(ctx context.Context) error { return e.apply(ctx, true) }
