// Package fake stands in for AWS, Terraform and a planet: a dry run goes through all steps
// with it, and tests compare that with a run. [Cloud] speaks AWS's own protocols over HTTP,
// as far as an experiment needs them, so that the real SDK is what asks it.
package fake

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Call is one thing that was asked of anybody.
type Call struct {
	Service string // ec2, autoscaling, elasticloadbalancing, monitoring, s3, ssm, terraform, planet
	Region  string
	Action  string
	Args    string
}

func (c Call) String() string {
	return strings.TrimSpace(strings.Join(strings.Fields(c.Service+" "+c.Region+" "+c.Action+" "+c.Args), " "))
}

// Cloud is an account with nothing in it at first.
type Cloud struct {
	// Heard, if set, is told of each call before it is answered. An error refuses it.
	Heard func(Call) error

	mu      sync.Mutex // guards all below
	calls   []Call
	things  []*thing
	objects map[string][]byte // BUCKET/KEY
	labels  map[string]string // of ids that somebody else made up
}

// thing is something that may cost money.
type thing struct {
	kind, region, id, label string
	tags                    map[string]string

	state   string   // of an instance
	address string   // of an instance
	group   string   // of an instance or a volume
	members []string // of a target group
	held    []string // what a scaling group does not do
}

// The kinds of things.
const (
	instance  = "instance"
	group     = "scaling group"
	balancer  = "balancer"
	targets   = "target group"
	volume    = "volume"
	bucket    = "bucket"
	parameter = "parameter"
)

// NewCloud returns an empty account.
func NewCloud() *Cloud {
	return &Cloud{objects: map[string][]byte{}, labels: map[string]string{}}
}

// Calls returns what was asked so far.
func (c *Cloud) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// Left names all that there is.
func (c *Cloud) Left() (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.things {
		all = append(all, t.kind+" "+t.region+" "+t.label)
	}
	for key := range c.objects {
		all = append(all, "object "+key)
	}
	slices.Sort(all)
	return all
}

// Object returns an object, nil if there is none.
func (c *Cloud) Object(bucket, key string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.objects[bucket+"/"+key]
}

// Leave makes an instance and a volume that nobody keeps account of, with the tag of a run.
func (c *Cloud) Leave(region, run string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	tags := map[string]string{runTag: run}
	c.add(&thing{kind: instance, region: region, id: "i-stray", tags: tags, state: "running"})
	c.add(&thing{kind: volume, region: region, id: "vol-stray", tags: tags})
}

// Suspended returns what scaling groups do not do now.
func (c *Cloud) Suspended() (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.things {
		for _, h := range t.held {
			all = append(all, t.label+" "+h)
		}
	}
	return all
}

const runTag = "gazetteer:run"

// hear takes a call down.
func (c *Cloud) hear(call Call) error {
	c.mu.Lock()
	for id, label := range c.labels {
		call.Args = strings.ReplaceAll(call.Args, id, label)
	}
	c.calls = append(c.calls, call)
	heard := c.Heard
	c.mu.Unlock()
	if heard != nil {
		return heard(call)
	}
	return nil
}

// add makes a thing, unless it is there.
func (c *Cloud) add(t *thing) {
	t.label = cmp.Or(t.label, t.id)
	if c.find(t.kind, t.region, t.id) == nil {
		c.things = append(c.things, t)
		slices.SortStableFunc(c.things, func(a, b *thing) int { return cmp.Or(cmp.Compare(a.region, b.region), cmp.Compare(a.label, b.label)) })
	}
}

func (c *Cloud) find(kind, region, id string) *thing {
	for _, t := range c.things {
		if t.kind == kind && t.region == region && t.id == id {
			return t
		}
	}
	return nil
}

// remove takes things away, and reports whether there were any.
func (c *Cloud) remove(is func(*thing) bool) bool {
	n := len(c.things)
	c.things = slices.DeleteFunc(c.things, is)
	return len(c.things) < n
}

func (c *Cloud) removeOne(kind, region, id string) bool {
	return c.remove(func(t *thing) bool { return t.kind == kind && t.region == region && t.id == id })
}

// all returns the things of a kind that carry a run's tag; of any run if it is empty.
func (c *Cloud) all(kind, region, run string) (out []*thing) {
	for _, t := range c.things {
		if t.kind == kind && t.region == region && (run == "" || t.tags[runTag] == run) {
			out = append(out, t)
		}
	}
	return out
}

// refusal is an answer that says no.
type refusal struct {
	status int
	code   string
}

func (r *refusal) Error() string { return r.code }

var (
	denied   = &refusal{http.StatusForbidden, "AccessDenied"}
	noAction = &refusal{http.StatusBadRequest, "InvalidAction"}
)

// ServeHTTP answers one request of the SDK.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	region, service := scopeOf(r)
	switch service {
	case "s3":
		c.s3(w, r, region)
	case "ssm":
		c.ssm(w, r, region)
	case "monitoring":
		c.monitoring(w, r, region)
	default:
		c.query(w, r, region, service)
	}
}

// scopeOf reads for which region and service a request is signed:
// Credential=KEY/DATE/REGION/SERVICE/aws4_request.
func scopeOf(r *http.Request) (region, service string) {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	parts := strings.Split(rest, "/")
	if len(parts) < 4 {
		return "", ""
	}
	return parts[2], parts[3]
}
