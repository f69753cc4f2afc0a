package ec2_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/simulation/ec2"
	"gazetteer/simulation/ec2/cloud"
	"gazetteer/simulation/ec2/fake"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
	"gazetteer/terraform"
)

// text has every fault that is done on EC2, and some that are not.
const text = `
duration: 3m
regions: [us-east-1, eu-west-1, sa-east-1]
each_region: {servers: 4, cluster_servers: 2, rings: 1, replicas: 3}
types: [service]
catalogue:
  synthetic: [{type: service, ids: 10, locations: 1}]
clients: [{reads: 0.9, rate: 30}]
tiers:
  regional: {group: {min: 4, max: 6}, balancer: {}}
  cluster: {group: {min: 2, max: 4}}
faults:
  - {at: 10s, for: 20s, crash: sa-east-1/server-1}
  - {at: 15s, for: 20s, crash: us-east-1/server-4}
  - {at: 40s, for: 10s, balancer_down: eu-west-1/regional}
  - {at: 50s, for: 20s, group_stop: us-east-1/cluster}
  - {at: 80s, for: 30s, region_down: sa-east-1}
  - {at: 2m, for: 1s, upgrade: eu-west-1}
  - {at: 10s, for: 10s, delay: us-east-1 <-> eu-west-1, by: 50ms}
`

// bench is an account and what is needed to run an experiment in it.
type bench struct {
	t       *testing.T
	account *fake.Cloud
	config  ec2.Config
}

func newBench(t *testing.T, inner ec2.Terraform) *bench {
	t.Helper()
	s, err := scenario.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	modules, err := fs.Sub(terraform.Modules, "modules")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, account: fake.NewCloud()}
	server := httptest.NewServer(b.account)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	b.config = ec2.Config{
		Run: "test-1", Scenario: s, Text: []byte(text), Dir: filepath.Join(dir, "state"), Out: filepath.Join(dir, "result"), Modules: modules,
		Package: ec2.Package{URL: "https://example.org/g.deb", SHA256: strings.Repeat("a", 64)}, Types: ec2.DefaultTypes(),
		Cloud:     cloud.New(cloud.Keys{ID: "test", Secret: "test"}, server.URL),
		Terraform: &fake.Terraform{Cloud: b.account, Inner: inner},
		Planet:    &fake.Planet{Cloud: b.account, Regions: 3},
		Clock:     &fake.Clock{At: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)},
	}
	return b
}

func (b *bench) mustRun() *result.Run {
	b.t.Helper()
	out, err := ec2.Run(b.t.Context(), b.config)
	if err != nil {
		b.t.Fatal(err)
	}
	b.nothingLeft()
	return out
}

func (b *bench) nothingLeft() {
	b.t.Helper()
	if left := b.account.Left(); len(left) > 0 {
		b.t.Errorf("left over, and costing money: %q", left)
	}
}

func TestWholeRun(t *testing.T) {
	b := newBench(t, nil)
	var started string
	b.account.Heard = func(c fake.Call) error {
		if c.Action == "GetObject" && started == "" {
			started = string(b.account.Object("gazetteer-test-1", "test-1/start"))
			if got := string(b.account.Object("gazetteer-test-1", "test-1/scenario.yaml")); got != text {
				t.Errorf("clients find the scenario %q", got)
			}
			if held := b.account.Suspended(); len(held) > 0 {
				t.Errorf("after the load groups are still suspended: %q", held)
			}
		}
		return nil
	}
	out := b.mustRun()
	if started != "2030-01-02T03:09:05Z" {
		t.Errorf("clients begin at %q", started)
	}
	// One machine of clients a region, each of which has counted one read.
	if out.Generators.Reads != 3 || len(out.Traffic) != 3 || out.Unfinished != "" {
		t.Errorf("the result is %+v", out)
	}
	if n := len(out.Happenings); n != 11 { // six faults that begin, five that heal
		t.Errorf("%d happenings: %+v", n, out.Happenings)
	}
	if !slices.ContainsFunc(out.Unlike, func(u string) bool { return strings.HasPrefix(u, "not done: delay us-east-1 - eu-west-1") }) {
		t.Errorf("that the delay is not done is not said: %q", out.Unlike)
	}
	read, err := result.Read(b.config.Out)
	if err != nil || read.Mode != result.EC2 || read.Generators.Reads != 3 {
		t.Errorf("the folder holds %+v, %v", read, err)
	}
	samples, err := result.ReadSeries(b.config.Out)
	cpu := slices.ContainsFunc(samples, func(s result.Sample) bool {
		return s.Metric == result.MetricCPU && s.Tier == result.TierReplica && s.Server == "sa-east-1-r1-2" && s.Value == 0.01
	})
	if err != nil || !cpu {
		t.Errorf("the series lacks a replica's CPU: %v, %d samples", err, len(samples))
	}
}

// TestFaultsHitWhatTheyName: the calls of the faults, with what they are about.
func TestFaultsHitWhatTheyName(t *testing.T) {
	b := newBench(t, nil)
	b.mustRun()
	var got []string
	for _, c := range b.account.Calls() {
		switch c.Action {
		case "StopInstances", "StartInstances", "RebootInstances", "DeregisterTargets", "RegisterTargets", "SuspendProcesses", "ResumeProcesses":
			args := strings.ReplaceAll(c.Args, "TargetGroupArn=", "")
			got = append(got, c.Region+" "+c.Action+" "+firstWords(args, 2))
		}
	}
	for _, want := range []string{
		"sa-east-1 StopInstances Force=true InstanceId.1=i-sa-east-1-v1-0",
		"us-east-1 StopInstances Force=true InstanceId.1=i-gazetteer-us-east-1-server-0", // the first beside three voters
		"us-east-1 SuspendProcesses AutoScalingGroupName=gazetteer-us-east-1-cluster ScalingProcesses.member.1=Launch",
		"us-east-1 ResumeProcesses AutoScalingGroupName=gazetteer-us-east-1-cluster ScalingProcesses.member.1=Launch",
		"sa-east-1 StartInstances InstanceId.1=i-sa-east-1-v1-0",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("missing %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
	count := func(what string) (n int) {
		for _, g := range got {
			if strings.HasPrefix(g, what) {
				n++
			}
		}
		return n
	}
	if out, in := count("eu-west-1 DeregisterTargets"), count("eu-west-1 RegisterTargets"); out != 3 || in != 3 {
		t.Errorf("targets were taken out of %d groups and put back into %d, want all 3", out, in)
	}
	if n := count("eu-west-1 RebootInstances"); n != 9 { // 3 voters, 1 server, 2 cluster servers, 3 replicas
		t.Errorf("an upgrade rebooted %d instances, want 9", n)
	}
}

func firstWords(text string, n int) string {
	words := strings.Fields(text)
	return strings.Join(words[:min(n, len(words))], " ")
}

// errStopped is why a test ends a run in the middle.
var errStopped = errors.New("stopped by the test")

// TestResumesAfterEveryStep ends the run after each step and goes on with another process.
func TestResumesAfterEveryStep(t *testing.T) {
	whole := newBench(t, nil)
	want := whole.mustRun()
	state, err := ec2.LoadState(whole.config.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, next := range state.Done[1:] {
		t.Run(state.Done[i], func(t *testing.T) {
			b := newBench(t, nil)
			ctx, stop := context.WithCancelCause(t.Context())
			b.config.Keep = true
			b.config.Say = func(what string) {
				if strings.HasPrefix(what, next+":") {
					stop(errStopped)
				}
			}
			if _, err := ec2.Run(ctx, b.config); err == nil && next != "report" {
				t.Fatal("the run was not stopped")
			} else if err == nil {
				return // the last step waits for nobody
			}
			if done := b.state().Done; !slices.Equal(done, state.Done[:i+1]) {
				t.Fatalf("done are %q, want %q", done, state.Done[:i+1])
			}
			if len(b.account.Left()) == 0 {
				t.Fatal("it was to leave all as it is")
			}
			unfinished, err := result.Read(b.config.Out)
			if err != nil || unfinished.Unfinished == "" {
				t.Errorf("no result says how far it came: %+v, %v", unfinished, err)
			}
			b.config.Say = nil
			b.mustResume(want)
		})
	}
}

func (b *bench) state() *ec2.State {
	b.t.Helper()
	s, err := ec2.LoadState(b.config.Dir)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bench) mustResume(want *result.Run) {
	b.t.Helper()
	got := b.mustRun()
	if got.Generators.Reads != want.Generators.Reads || len(got.Happenings) != len(want.Happenings) || got.Unfinished != "" {
		b.t.Errorf("resumed, the result is %+v, want %+v", got, want)
	}
}

// TestEveryKindOfCallMayBeTheLast refuses the first call of each kind: whatever has been made
// is taken down; and if it was to be kept, it can be resumed and is then taken down.
func TestEveryKindOfCallMayBeTheLast(t *testing.T) {
	whole := newBench(t, nil)
	want := whole.mustRun()
	seen := map[string]bool{}
	for n, call := range whole.account.Calls() {
		if call.Action == "destroy" {
			break
		}
		if kind := call.Service + " " + call.Action; !seen[kind] {
			seen[kind] = true
			t.Run(kind, func(t *testing.T) {
				refused(t, n, len(seen)%2 == 0, want) // half of them are kept, to bound the time
			})
		}
	}
}

// refused runs with one call that is refused. What the experimenter asks again and again
// may be refused without harm.
func refused(t *testing.T, n int, keep bool, want *result.Run) {
	b := newBench(t, nil)
	b.config.Keep = keep
	heard := 0
	b.account.Heard = func(fake.Call) error {
		if heard++; heard == n+1 {
			return errStopped
		}
		return nil
	}
	_, err := ec2.Run(t.Context(), b.config)
	if keep && err != nil {
		b.mustResume(want)
	}
	if heard <= n {
		t.Errorf("only %d calls were made", heard)
	}
	b.nothingLeft()
}

// TestInterruptTakesAllDown: Ctrl-C in every step.
func TestInterruptTakesAllDown(t *testing.T) {
	whole := newBench(t, nil)
	whole.mustRun()
	for _, step := range whole.state().Done {
		t.Run(step, func(t *testing.T) {
			b := newBench(t, nil)
			ctx, stop := context.WithCancelCause(t.Context())
			b.config.Say = func(what string) {
				if strings.HasPrefix(what, step+":") {
					stop(errStopped)
				}
			}
			_, err := ec2.Run(ctx, b.config)
			if err == nil && step != "report" {
				t.Error("nobody was told")
			}
			b.nothingLeft()
			if _, err := ec2.Run(t.Context(), b.config); gazetteer.KindOf(err) != gazetteer.Conflict {
				t.Errorf("a run of which nothing is left was resumed: %v", err)
			}
		})
	}
}

func TestPanicTakesAllDown(t *testing.T) {
	b := newBench(t, nil)
	b.account.Heard = nil
	b.config.Planet = panicking{b.config.Planet}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = ec2.Run(t.Context(), b.config) // it does not return
	}()
	b.nothingLeft()
}

type panicking struct{ ec2.Planet }

func (panicking) Admit(context.Context, string, gazetteer.RegionID) (string, error) {
	panic("planted")
}

// TestDownSweepsByTag: what Terraform does not know of is found by its tag, and things of
// others stay.
func TestDownSweepsByTag(t *testing.T) {
	b := newBench(t, nil)
	b.config.Keep = true
	b.account.Heard = func(c fake.Call) error {
		if c.Action == "load" {
			return errStopped
		}
		return nil
	}
	if _, err := ec2.Run(t.Context(), b.config); err == nil {
		t.Fatal("the run was not stopped")
	}
	b.account.Leave("eu-west-1", "test-1")
	b.account.Leave("us-east-1", "another")
	// The folder of the run is lost, and Terraform's state with it.
	if err := os.RemoveAll(b.config.Dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(b.config.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	state := &ec2.State{Run: "test-1", Bucket: ec2.BucketOf("test-1"), Regions: []gazetteer.RegionID{"eu-west-1", "sa-east-1", "us-east-1"}}
	if err := ec2.Down(t.Context(), b.config, state); err != nil {
		t.Fatal(err)
	}
	if left := b.account.Left(); !slices.Equal(left, []string{"instance us-east-1 i-stray", "volume us-east-1 vol-stray"}) {
		t.Errorf("left are %q, want only what is of another run", left)
	}
}

// TestTakingDownGoesOn: one thing that cannot be removed does not keep the others, is told,
// and is gone after another try.
func TestTakingDownGoesOn(t *testing.T) {
	b := newBench(t, nil)
	b.account.Heard = func(c fake.Call) error {
		if c.Action == "destroy" || c.Action == "DeleteParameter" && c.Region == "sa-east-1" {
			return errStopped
		}
		return nil
	}
	if _, err := ec2.Run(t.Context(), b.config); err == nil || !strings.Contains(err.Error(), "gazetteer-ec2 down test-1") {
		t.Errorf("error %v, want one that says how to do it again", err)
	}
	if left := b.account.Left(); len(left) != 1 || !strings.HasPrefix(left[0], "parameter sa-east-1") {
		t.Errorf("left are %q, want the one parameter", left)
	}
	b.account.Heard = nil
	if err := ec2.Down(t.Context(), b.config, b.state()); err != nil {
		t.Error(err)
	}
	b.nothingLeft()
}

func TestRefusesWhatCannotBeRun(t *testing.T) {
	for name, spoil := range map[string]func(*ec2.Config){
		"/regions/0/name": func(c *ec2.Config) { c.Scenario.Regions[0].Name = "mars-1" },
		"/tree/shape":     func(c *ec2.Config) { c.Scenario.Tree.Shape = scenario.Star },
		"/catalogue/file": func(c *ec2.Config) { c.Scenario.Catalogue.File = "x" },
		"/clients/0/rate": func(c *ec2.Config) { c.Scenario.Clients[0].Rate[0].Rate = 1e6 },
		"package":         func(c *ec2.Config) { c.Package.URL = "http://example.org/g.deb" },
		"run":             func(c *ec2.Config) { c.Run = "A b" },
	} {
		t.Run(strings.ReplaceAll(name, "/", " "), func(t *testing.T) {
			b := newBench(t, nil)
			spoil(&b.config)
			var e *gazetteer.Error
			if _, err := ec2.Run(t.Context(), b.config); !errors.As(err, &e) || e.Kind != gazetteer.Invalid || e.Pointer != name {
				t.Errorf("error %v, want an invalid %s", err, name)
			}
			if n := len(b.account.Calls()); n > 0 {
				t.Errorf("%d calls were made", n)
			}
		})
	}
}

func TestEstimate(t *testing.T) {
	b := newBench(t, nil)
	c := ec2.Estimate(b.config.Scenario, ec2.DefaultTypes())
	sum := 0.0
	for _, l := range c.Lines {
		sum += l.Dollars
	}
	// Instances by hand: a region has at most 6 servers and 4 cluster servers at 0.0208, 3
	// replicas at 0.0416 and a client at 0.085; the factors of the regions sum to 3.72.
	want := 0.8 * 3.72 * (10*0.0208 + 3*0.0416 + 0.085)
	if d := c.Lines[0].Dollars - want; d > 1e-9 || d < -1e-9 || sum-c.Total > 1e-9 {
		t.Errorf("%v; want %.4f for instances, %.4f in all", c, want, sum)
	}
	if !strings.Contains(c.String(), fmt.Sprintf("%8.2f $  in all", c.Total)) || !strings.Contains(c.String(), ec2.PricesOf) {
		t.Errorf("it reads %s", c)
	}
}
