package fake

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gazetteer"
	"gazetteer/simulation/ec2"
	"gazetteer/simulation/fleet"
	"gazetteer/simulation/processes"
	"gazetteer/simulation/result"
)

// Terraform makes in a [Cloud] what modules/region and modules/simulation would make in the
// true one, as far as anybody asks for it. What clients would count is in the bucket at once.
type Terraform struct {
	Cloud *Cloud
	Inner ec2.Terraform // does the same things with the true modules; nil for none
}

// root is what the experiment has written.
type root struct {
	Module map[string]module `json:"module"`
}

type module struct {
	Name, Region, Run, Bucket string
	Tags                      map[string]string
	Voters                    struct{ Count int }
	Servers                   struct{ Min int }
	ClusterServers            struct{ Min int } `json:"cluster_servers"`
	Replicas                  struct{ Rings, Each int }
	Clients                   struct{ Count int }
	Peers                     []string
}

func readRoot(dir string) (r root, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "main.tf.json"))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}

// Apply makes it.
func (t *Terraform) Apply(ctx context.Context, dir string) error {
	r, err := readRoot(dir)
	if err != nil {
		return err
	}
	if err := t.Cloud.hear(Call{"terraform", "", "apply", r.summary()}); err != nil {
		return err
	}
	if t.Inner != nil {
		if err := t.Inner.Apply(ctx, dir); err != nil {
			return err
		}
	}
	all, err := t.outputs(ctx, dir)
	if err != nil {
		return err
	}
	t.Cloud.mu.Lock()
	defer t.Cloud.mu.Unlock()
	for _, m := range r.Module {
		if m.Run != "" {
			t.Cloud.makeClients(&m, r.home())
		} else {
			o := all[m.Name]
			t.Cloud.makeRegion(&m, &o)
		}
	}
	return nil
}

// summary names the modules, and how many addresses may reach each region.
func (r *root) summary() string {
	var all []string
	for name, m := range r.Module {
		all = append(all, fmt.Sprintf("%s(%d peers)", name, len(m.Peers)))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func (r *root) home() (region string) {
	for _, m := range r.Module {
		if m.Bucket == "" && (region == "" || m.Name < region) {
			region = m.Name
		}
	}
	return region
}

// Destroy takes away what Apply has made.
func (t *Terraform) Destroy(ctx context.Context, dir string) error {
	r, err := readRoot(dir)
	if err != nil {
		return err
	}
	if err := t.Cloud.hear(Call{"terraform", "", "destroy", ""}); err != nil {
		return err
	}
	if t.Inner != nil {
		if err := t.Inner.Destroy(ctx, dir); err != nil {
			return err
		}
	}
	t.Cloud.mu.Lock()
	defer t.Cloud.mu.Unlock()
	for _, m := range r.Module {
		t.Cloud.remove(func(g *thing) bool { return g.tags[madeBy] == m.Name+m.Region })
	}
	return nil
}

// madeBy marks what Terraform has made: it takes nothing else away.
const madeBy = "made by"

// Output returns what the true modules say, or what is made up.
func (t *Terraform) Output(ctx context.Context, dir string) (ec2.Outputs, error) {
	if err := t.Cloud.hear(Call{"terraform", "", "output", ""}); err != nil {
		return nil, err
	}
	return t.outputs(ctx, dir)
}

func (t *Terraform) outputs(ctx context.Context, dir string) (ec2.Outputs, error) {
	if t.Inner != nil {
		return t.Inner.Output(ctx, dir)
	}
	r, err := readRoot(dir)
	if err != nil {
		return nil, err
	}
	all := ec2.Outputs{}
	for _, m := range r.Module {
		if m.Run == "" {
			all[m.Name] = m.output()
		}
	}
	return all, nil
}

// output is what modules/region says of itself.
func (m *module) output() ec2.Region {
	o := ec2.Region{Endpoint: "http://" + m.Name + ".example", Entry: m.Name + ".example:7070", Balancer: "net/" + m.Name,
		VPC: "vpc-" + m.Name, Subnets: []string{"subnet-" + m.Name}, Image: "ami-" + m.Name, Groups: map[string]string{}, Targets: map[string]ec2.Target{}}
	for _, l := range []string{"rest", "peer", "dns"} {
		o.Targets[l] = ec2.Target{ARN: "arn:" + m.Name + "/" + l, Suffix: "targetgroup/" + m.Name + "/" + l}
	}
	for _, n := range m.keepers() {
		o.Groups[n] = "gazetteer-" + n
	}
	for _, g := range []string{"server", "cluster"} {
		o.Groups[g] = "gazetteer-" + m.Name + "-" + g
	}
	return o
}

// keepers are the nodes that keep data.
func (m *module) keepers() (all []string) {
	for v := range m.Voters.Count {
		all = append(all, fmt.Sprintf("%s-v%d", m.Name, v+1))
	}
	for r := range m.Replicas.Rings {
		for n := range m.Replicas.Each {
			all = append(all, fmt.Sprintf("%s-r%d-%d", m.Name, r+1, n+1))
		}
	}
	return all
}

// makeRegion makes the things of a region that are not there yet.
func (c *Cloud) makeRegion(m *module, o *ec2.Region) {
	voters := []string{}
	for _, n := range m.keepers() {
		c.makeNode(m, n, o.Groups[n], 0, true)
		if strings.HasPrefix(n, m.Name+"-v") {
			voters = append(voters, idOf(n, 0))
		}
	}
	for kind, n := range map[string]int{"server": m.Servers.Min, "cluster": m.ClusterServers.Min} {
		name := "gazetteer-" + m.Name + "-" + kind
		c.add(&thing{kind: group, region: m.Name, id: o.Groups[kind], tags: m.tagsOf("")})
		for i := range n {
			c.makeNode(m, name, o.Groups[kind], i, false)
			if kind == "server" {
				voters = append(voters, idOf(name, i))
			}
		}
	}
	slices.Sort(voters)
	c.add(&thing{kind: balancer, region: m.Name, id: "arn:" + o.Balancer, label: m.Name + "/balancer", tags: m.tagsOf("")})
	c.labels["arn:"+o.Balancer] = m.Name + "/balancer"
	for listener, t := range o.Targets {
		c.labels[t.ARN] = m.Name + "/" + listener
		c.add(&thing{kind: targets, region: m.Name, id: t.ARN, label: m.Name + "/" + listener, tags: m.tagsOf(""), members: slices.Clone(voters)})
	}
}

// makeNode makes an instance in its group, with a volume if it keeps data.
func (c *Cloud) makeNode(m *module, name, in string, number int, keeps bool) {
	region := m.Name + m.Region
	tags := m.tagsOf(name)
	tags["aws:autoscaling:groupName"] = in
	id := idOf(name, number)
	c.add(&thing{kind: group, region: region, id: in, tags: m.tagsOf("")})
	c.add(&thing{kind: instance, region: region, id: id, tags: tags, state: "running", address: addressOf(id), group: in})
	if keeps {
		c.add(&thing{kind: volume, region: region, id: "vol-" + name, tags: m.tagsOf(name)})
	}
}

func (m *module) tagsOf(name string) map[string]string {
	tags := map[string]string{"gazetteer:region": m.Name + m.Region, madeBy: m.Name + m.Region}
	for k, v := range m.Tags {
		tags[k] = v
	}
	if m.Run != "" {
		tags[runTag] = m.Run
	}
	if name != "" {
		tags["Name"] = name
	}
	return tags
}

func idOf(name string, number int) string { return fmt.Sprintf("i-%s-%d", name, number) }

// addressOf makes up an address that nobody has (RFC 2544).
func addressOf(id string) string {
	h := fnv.New32a()
	h.Write([]byte(id))
	s := h.Sum32()
	return fmt.Sprintf("198.%d.%d.%d", 18+s>>16&1, s>>8&255, s&255)
}

// makeClients makes machines of clients, and what each of them leaves when it has ended.
func (c *Cloud) makeClients(m *module, home string) {
	name := "gazetteer-client-" + m.Region
	for i := range m.Clients.Count {
		c.makeNode(m, name, "gazetteer-client-"+m.Run+"-"+m.Region, i, false)
		if c.find(bucket, home, m.Bucket) == nil {
			continue
		}
		var took fleet.Histogram
		took.Add(time.Millisecond)
		text, err := json.Marshal(processes.Counted{Region: gazetteer.RegionID(m.Region), Shard: i, Shards: m.Clients.Count,
			Counts: result.Counts{Reads: 1}, Took: took, Periods: []processes.CountedPeriod{{AtMS: 60_000, Requests: 1, Took: took}}})
		if err == nil {
			c.objects[fmt.Sprintf("%s/%s/clients/%s/counted-%d.json", m.Bucket, m.Run, m.Region, i+1)] = text
		}
	}
}
