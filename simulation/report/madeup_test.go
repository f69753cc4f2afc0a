package report_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/simulation/aws"
	"gazetteer/simulation/ghs"
	"gazetteer/simulation/result"
)

// madeUp is a run that never was, with figures like those of one that was.
type madeUp struct {
	mode    result.Mode
	regions []aws.Region
	rtt     func(a, b int) float64
	seconds int
	slower  float64 // than the path is
	scales  bool
	seed    uint64
}

func known(t testing.TB, names []gazetteer.RegionID) madeUp {
	t.Helper()
	w, err := aws.Load()
	if err != nil {
		t.Fatal(err)
	}
	m := madeUp{mode: result.Virtual, seconds: 600, slower: 1, scales: true, seed: 7}
	for _, g := range w.Regions() {
		if names == nil || slices.Contains(names, g.Name) {
			m.regions = append(m.regions, g)
		}
	}
	m.rtt = func(a, b int) float64 {
		return float64(w.RTT(m.regions[a].Name, m.regions[b].Name)) / float64(time.Millisecond)
	}
	return m
}

// scattered has regions in places drawn by a seed.
func scattered(n int) madeUp {
	m := madeUp{mode: result.Virtual, seconds: 300, slower: 1, seed: 3}
	dice := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		m.regions = append(m.regions, aws.Region{
			Name:  gazetteer.RegionID(fmt.Sprintf("region-%03d", i)),
			Point: gazetteer.Point{Lat: dice.Float64()*100 - 40, Lon: dice.Float64()*360 - 180},
		})
	}
	m.rtt = func(a, b int) float64 {
		p, q := m.regions[a].Point, m.regions[b].Point
		return 3 + math.Hypot(p.Lat-q.Lat, p.Lon-q.Lon)*1.3 + float64((a*31+b*31)%17)*0.01
	}
	return m
}

func (m *madeUp) write(t testing.TB, dir string) result.Run {
	t.Helper()
	r := m.run(t)
	f, err := result.Create(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	m.samples(f)
	if err := f.Finish(r); err != nil {
		t.Fatal(err)
	}
	return r
}

func (m *madeUp) run(t testing.TB) result.Run {
	t.Helper()
	r := result.Run{
		Scenario: "region-loss-at-peak", About: "Seven regions under load; one of them is lost at the peak and comes back. Lookups go on, and its updates arrive when it is there again.",
		Mode: m.mode, Seed: m.seed, Commit: "9b97afc1d2", Replay: fmt.Sprintf("gazetteer sim run simulation/scenarios/region-loss-at-peak.yaml --seed %d", m.seed),
		DurationMS: result.Millis(m.seconds * 1000), Generators: result.Counts{Errors: map[string]int64{}},
	}
	for _, g := range m.regions {
		r.Regions = append(r.Regions, result.Region{Name: g.Name, Lat: g.Point.Lat, Lon: g.Point.Lon, Rings: 2, Replicas: 3, State: "live"})
	}
	paths := m.tree(t, &r)
	m.propagation(&r, paths)
	m.traffic(&r)
	m.lags(&r)
	n := int64(len(m.regions))
	r.Messages = result.Messages{Updates: 6100, Crossings: 6100*(n-1) + 212, Mesh: 6100 * (n - 1) * 2, Star: 6100*(n-1) + 6100/3,
		ByKind: map[string]int64{"updates": 41210, "acks": 22110, "digest": 913, "hello": 2211}}
	r.StaleReads = 311
	m.story(&r)
	return r
}

// tree lets GHS find the tree and returns the way between each two regions.
func (m *madeUp) tree(t testing.TB, r *result.Run) [][]float64 {
	t.Helper()
	var g ghs.Graph
	for i, a := range m.regions {
		g.Nodes = append(g.Nodes, a.Name)
		for j := range i {
			g.Edges = append(g.Edges, ghs.NewEdge(a.Name, m.regions[j].Name, uint64(1000*m.rtt(i, j))))
		}
	}
	slices.SortFunc(g.Edges, ghs.Edge.Compare)
	built, err := ghs.Simulate(g, ghs.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	in := map[ghs.Edge]bool{}
	for _, e := range built.Tree {
		in[e] = true
	}
	n := len(m.regions)
	along := make([][]float64, n)
	for i := range along {
		along[i] = slices.Repeat([]float64{math.Inf(1)}, n)
		along[i][i] = 0
	}
	at := map[gazetteer.RegionID]int{}
	for i, a := range m.regions {
		at[a.Name] = i
	}
	for _, e := range g.Edges {
		cost := float64(e.Cost) / 1000
		r.Edges = append(r.Edges, result.Edge{A: e.A, B: e.B, CostMS: result.Millis(cost), Tree: in[e]})
		if in[e] {
			along[at[e.A]][at[e.B]], along[at[e.B]][at[e.A]] = cost, cost
		}
	}
	for k := range n {
		for i := range n {
			for j := range n {
				along[i][j] = min(along[i][j], along[i][k]+along[k][j])
			}
		}
	}
	weight := result.Millis(float64(built.Weight) / 1000)
	r.Trees = []result.Tree{
		{AtMS: 0, Epoch: "1@us-east-1", Why: "the first", WeightMS: weight, Regions: n, Messages: int64(built.Messages), TookMS: 1830},
		{AtMS: 262_000, Epoch: "2@eu-west-1", Why: "us-east-1 is gone", WeightMS: weight * 1.1, Regions: n - 1, Messages: int64(built.Messages) - 20, TookMS: 2210},
		{AtMS: 401_000, Epoch: "3@eu-west-1", Why: "us-east-1 is back", WeightMS: weight, Regions: n, Messages: int64(built.Messages), TookMS: 1911},
	}
	return along
}

func (m *madeUp) propagation(r *result.Run, along [][]float64) {
	dice := rand.New(rand.NewPCG(m.seed, 5))
	for i, a := range m.regions {
		for j, b := range m.regions {
			if i == j {
				continue
			}
			path := along[i][j] / 2
			p50 := path*m.slower*(1+0.06*dice.Float64()) + 2
			r.Propagation = append(r.Propagation, result.Propagation{From: a.Name, To: b.Name, Updates: 900 + int64(dice.IntN(40)),
				P50MS: result.Millis(p50), P99MS: result.Millis(p50 * 1.7), MaxMS: result.Millis(p50 * 40), DirectMS: result.Millis(m.rtt(i, j) / 2), PathMS: result.Millis(path)})
		}
	}
}

func (m *madeUp) traffic(r *result.Run) {
	dice := rand.New(rand.NewPCG(m.seed, 6))
	for _, a := range m.regions {
		for k, tier := range []string{result.TierClient, result.TierRegional, result.TierCluster, result.TierReplica} {
			c := result.Counts{Reads: 60_000 + int64(dice.IntN(9000)), Writes: 880 + int64(dice.IntN(90)), Errors: map[string]int64{}}
			if a.Name == "us-east-1" {
				c.Errors["unavailable"] = 412
				c.Errors["deadline exceeded"] = 17
			}
			if k == 0 {
				r.Generators.Reads += c.Reads
				r.Generators.Writes += c.Writes
				for kind, n := range c.Errors {
					r.Generators.Errors[kind] += n
				}
			}
			base := 2.4 / float64(k+1)
			r.Traffic = append(r.Traffic, result.Traffic{Region: a.Name, Tier: tier, Counts: c, P50MS: result.Millis(base), P90MS: result.Millis(base * 2), P99MS: result.Millis(base * 5), MaxMS: result.Millis(base * 300)})
		}
	}
}

func (m *madeUp) lags(r *result.Run) {
	dice := rand.New(rand.NewPCG(m.seed, 7))
	for at := 0; at <= m.seconds; at += 5 {
		for _, a := range m.regions {
			behind := int64(dice.IntN(4))
			if a.Name == "us-east-1" && at > 240 && at < 405 {
				behind = int64(at-240) * 9
			}
			r.Convergence = append(r.Convergence, result.Lag{AtMS: result.Millis(at * 1000), Region: a.Name, Updates: behind})
		}
	}
}

func (m *madeUp) story(r *result.Run) {
	r.Happenings = []result.Happening{
		{AtMS: 120_000, Kind: "scale_up", Region: "us-east-1", Node: "us-east-1/server-3", Detail: "cpu above 0.70 for 2 periods of 60 s: 2 -> 3"},
		{AtMS: 180_000, Kind: "in_service", Region: "us-east-1", Node: "us-east-1/server-3", Detail: "3 health checks in a row"},
		{AtMS: 240_000, Kind: "region_down", Region: "us-east-1", Detail: "all 11 processes crash"},
		{AtMS: 262_000, Kind: "tree", Detail: "epoch 2@eu-west-1: us-east-1 is gone"},
		{AtMS: 400_000, Kind: "healed", Region: "us-east-1", Detail: "all 11 processes start"},
		{AtMS: 401_000, Kind: "tree", Detail: "epoch 3@eu-west-1: us-east-1 is back"},
		{AtMS: 520_000, Kind: "scale_down", Region: "us-east-1", Node: "us-east-1/server-3", Detail: "cpu below 0.30 for 5 periods of 60 s: 3 -> 2"},
	}
	r.Checks = []result.Check{
		{Name: "mirrors equal at rest", OK: true, Detail: "equal 2.1 s after the end of the load"},
		{Name: "no acknowledged write lost", OK: true, Detail: "6100 of 6100 found"},
		{Name: "tree is minimal", OK: true, Detail: "3 trees, each as the oracle's"},
		{Name: "max_p99", OK: false, Detail: "12.1 ms in us-east-1, at most 10 ms were allowed"},
	}
	if m.mode == result.Processes {
		r.Unlike = []string{"disks are those of this machine: slow_disk is left out", "clocks are one clock: drift and skew are left out"}
	}
}

func (m *madeUp) samples(f *result.Folder) {
	dice := rand.New(rand.NewPCG(m.seed, 8))
	for at := 10; at <= m.seconds; at += 10 {
		for i, a := range m.regions {
			down := a.Name == "us-east-1" && at > 240 && at <= 400
			rate := 100 * (1 + 0.6*math.Sin(float64(at)/110+float64(i)))
			m.sampleTiers(f, dice, at, a.Name, rate, down)
		}
	}
}

func (m *madeUp) sampleTiers(f *result.Folder, dice *rand.Rand, at int, name gazetteer.RegionID, rate float64, down bool) {
	put := func(tier, server, metric string, v float64) {
		f.Sample(result.Sample{At: time.Duration(at) * time.Second, Region: name, Tier: tier, Server: server, Metric: metric, Value: v})
	}
	for k, tier := range []string{result.TierClient, result.TierRegional, result.TierCluster, result.TierReplica} {
		p50 := 2.4 / float64(k+1) * (1 + 0.3*dice.Float64())
		errors := 0.0
		if down {
			p50, errors = p50*6, rate
		}
		put(tier, "", result.MetricRequests, math.Round(10*rate*(0.95+0.1*dice.Float64())))
		put(tier, "", result.MetricErrors, math.Round(errors))
		put(tier, "", result.MetricP50, p50)
		put(tier, "", result.MetricP90, p50*2)
		put(tier, "", result.MetricP99, p50*5*(1+dice.Float64()))
	}
	servers := 2.0
	if name == "us-east-1" && m.scales && at >= 180 && at < 520 {
		servers = 3
	}
	put(result.TierRegional, "", result.MetricServers, servers)
	for s := range int(servers) {
		put(result.TierRegional, fmt.Sprintf("%s/server-%d", name, s+1), result.MetricCPU, min(1, rate/120/servers))
	}
}
