package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
	"gazetteer/cluster"
)

// adviseFlags is the command line of an advice.
type adviseFlags struct {
	sample   time.Duration
	capacity cluster.Capacity
}

func (a *app) ringAdviseCommand() *cobra.Command {
	var f adviseFlags
	c := &cobra.Command{
		Use:   "advise",
		Short: "Say how many rings the demand asks for",
		Long: `advise counts for a short while what the region's regional servers are asked, and says for
every cluster how many rings that asks for:

  load  = reads/s / (members of a ring x --reads-per-replica) + writes/s / --writes-per-ring
  rings = 1 while load is at most 1, else 1.25 x load, rounded up

The members of a ring share its reads, each of them does all its writes, and both use the
same machines. 1.25, because of several rings the largest may own that much more than its
share of the partitions; its load is FULLEST. Fewer rings than now are advised only if they
would be filled to 70 % at most, and there is never more than one for each partition.

A short while may be a quiet one: ask at the busiest hour before you remove a ring. Measure
what your machines can do and say how much of it you want to use. What is asked for much
more often than all else is served by one ring in any case.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.advise(c.Context(), f) },
	}
	fl := c.Flags()
	fl.DurationVar(&f.sample, "sample", 5*time.Second, "how long to count")
	fl.Float64Var(&f.capacity.Reads, "reads-per-replica", 5000, "reads a second that one replica should carry")
	fl.Float64Var(&f.capacity.Writes, "writes-per-ring", 1000, "writes a second that one ring should carry")
	return c
}

func (f *adviseFlags) check() error {
	switch {
	case f.sample <= 0:
		return usage("--sample %v is no time to count in", f.sample)
	case !(f.capacity.Reads > 0):
		return usage("--reads-per-replica must be above 0")
	case !(f.capacity.Writes > 0):
		return usage("--writes-per-ring must be above 0")
	}
	return nil
}

func (a *app) advise(ctx context.Context, f adviseFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	var (
		clusters []client.Cluster
		members  []client.Member
	)
	err := a.ask(ctx, nil, func(ctx context.Context, k *client.Client) (err error) {
		if clusters, err = k.Rings(ctx); err == nil {
			members, err = k.Members(ctx)
		}
		return err
	})
	if err != nil {
		return err
	}
	s, err := a.sampleDemand(ctx, members, f.sample)
	if err != nil {
		return err
	}
	r := reckon(clusters, members, &s, f.capacity)
	if a.output == formatJSON {
		return a.json(r)
	}
	return a.printAdvice(r)
}

// advice is what an operator is told, with all that it was reckoned from.
type advice struct {
	Seconds         float64         `json:"seconds"`
	Servers         []string        `json:"servers"`
	Unreached       []string        `json:"unreached,omitempty"`
	ReadsPerReplica float64         `json:"reads_per_replica"`
	WritesPerRing   float64         `json:"writes_per_ring"`
	Idle            []string        `json:"idle"` // live replicas that are in no ring
	Clusters        []clusterAdvice `json:"clusters"`
}

type clusterAdvice struct {
	Type       string   `json:"type"`
	Rings      int      `json:"rings"`
	Members    int      `json:"members"` // of the smallest ring
	Partitions int      `json:"partitions"`
	Moving     int      `json:"moving"` // partitions that are not yet where they are to go
	SharesWith []string `json:"shares_with,omitempty"`
	Reads      float64  `json:"reads_per_second"`
	Writes     float64  `json:"writes_per_second"`
	Load       float64  `json:"load"`
	Fullest    float64  `json:"fullest"`
	Advised    int      `json:"advised"`
}

func reckon(clusters []client.Cluster, members []client.Member, s *observed, c cluster.Capacity) *advice {
	r := &advice{
		Seconds: s.took.Seconds(), Servers: s.servers, Unreached: s.unreached,
		ReadsPerReplica: c.Reads, WritesPerRing: c.Writes, Idle: idleReplicas(members), Clusters: []clusterAdvice{},
	}
	for i := range clusters {
		r.Clusters = append(r.Clusters, adviseCluster(clusters, i, s, c))
	}
	return r
}

func idleReplicas(members []client.Member) []string {
	idle := []string{}
	for _, m := range members {
		if m.State == "live" && len(m.Rings) == 0 && slices.Contains(m.Roles, "replica") {
			idle = append(idle, m.Node)
		}
	}
	return idle
}

func adviseCluster(clusters []client.Cluster, i int, s *observed, c cluster.Capacity) clusterAdvice {
	k := &clusters[i]
	out := clusterAdvice{Type: k.Type, Rings: len(k.Rings), Moving: k.Moving + k.Pending, SharesWith: sharing(clusters, i)}
	for j, r := range k.Rings {
		out.Partitions += r.Partitions
		if j == 0 || len(r.Members) < out.Members {
			out.Members = len(r.Members)
		}
	}
	for t, d := range s.demand {
		if clusterOfType(clusters, t) == k.Type {
			out.Reads += d.Reads
			out.Writes += d.Writes
		}
	}
	a := c.Advise(cluster.Need{Reads: out.Reads, Writes: out.Writes, Rings: out.Rings, Members: out.Members, Partitions: out.Partitions})
	out.Load, out.Fullest, out.Advised = a.Load, a.Fullest, a.Rings
	return out
}

func clusterOfType(clusters []client.Cluster, t string) string {
	for _, c := range clusters {
		if c.Type == t {
			return t
		}
	}
	return client.DefaultCluster
}

// sharing names the other clusters that have a ring of this one.
func sharing(clusters []client.Cluster, i int) (out []string) {
	for j := range clusters {
		shared := func(r client.Ring) bool {
			return slices.ContainsFunc(clusters[j].Rings, func(o client.Ring) bool { return o.Name == r.Name })
		}
		if j != i && slices.ContainsFunc(clusters[i].Rings, shared) {
			out = append(out, clusters[j].Type)
		}
	}
	return out
}

func (a *app) printAdvice(r *advice) error {
	fmt.Fprintf(a.out, "counted for %v at %s\n", time.Duration(r.Seconds*float64(time.Second)), printable(strings.Join(r.Servers, ", ")))
	if len(r.Unreached) > 0 {
		fmt.Fprintf(a.out, "not counted, since there is no answer from it: %s\n", printable(strings.Join(r.Unreached, ", ")))
	}
	var rows [][]string
	for _, c := range r.Clusters {
		rows = append(rows, []string{c.Type, strconv.Itoa(c.Rings), strconv.Itoa(c.Members), strconv.Itoa(c.Partitions), rate(c.Reads), rate(c.Writes), filled(c.Load), filled(c.Fullest), strconv.Itoa(c.Advised)})
	}
	fmt.Fprintln(a.out)
	if err := grid(a.out, []string{"CLUSTER", "RINGS", "MEMBERS", "PARTITIONS", "READS/S", "WRITES/S", "LOAD", "FULLEST", "ADVISED"}, rows); err != nil {
		return err
	}
	idle := r.Idle
	for i := range r.Clusters {
		var text string
		text, idle = r.explain(&r.Clusters[i], idle)
		if _, err := fmt.Fprint(a.out, "\n", text); err != nil {
			return err
		}
	}
	return nil
}

func rate(v float64) string   { return strconv.FormatFloat(v, 'f', 1, 64) }
func filled(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

// explain shows how an advice came about and how to follow it, with replicas that are idle
// as far as they go; it returns those that are left.
func (r *advice) explain(c *clusterAdvice, idle []string) (string, []string) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s / (%d x %v) + %s / %v = %s\n", printable(c.Type), rate(c.Reads), c.Members, r.ReadsPerReplica, rate(c.Writes), r.WritesPerRing, filled(c.Load))
	if len(c.SharesWith) > 0 {
		fmt.Fprintf(&b, "  it shares rings with %s: what they carry adds up\n", printable(strings.Join(c.SharesWith, ", ")))
	}
	if c.Moving > 0 {
		fmt.Fprintf(&b, "  %d partitions are not yet where they are to go: ask again when they are\n", c.Moving)
	}
	switch more := c.Advised - c.Rings; {
	case more > 0:
		idle = c.grow(&b, more, idle)
	case more < 0:
		fmt.Fprintf(&b, "  %d would do for this demand; if it never is more: gazetteer ring remove NAME%s\n", c.Advised, c.typeFlag())
	}
	return b.String(), idle
}

// grow says how to add rings.
func (c *clusterAdvice) grow(b *strings.Builder, rings int, idle []string) []string {
	each := max(c.Members, 1)
	if missing := rings*each - len(idle); missing > 0 {
		fmt.Fprintf(b, "  replicas that are still needed, %d: gazetteer member token --role cluster --role replica --uses %d\n", missing, missing)
	}
	for i := range rings {
		if i > 0 && len(idle) == 0 {
			fmt.Fprintf(b, "  and %d more like it\n", rings-i)
			break
		}
		line := "gazetteer ring add NAME" + c.typeFlag()
		for range each {
			node := "NODE"
			if len(idle) > 0 {
				node, idle = idle[0], idle[1:]
			}
			line += " --member " + shellWord(node)
		}
		fmt.Fprintf(b, "  %s\n", printable(line))
	}
	return idle
}

func (c *clusterAdvice) typeFlag() string {
	if c.Type == client.DefaultCluster {
		return ""
	}
	return " --type " + shellWord(c.Type)
}
