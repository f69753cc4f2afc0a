package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"gazetteer"
	"gazetteer/cmd/gazetteer/sample"
	"gazetteer/simulation/ec2"
	"gazetteer/simulation/ec2/cloud"
	"gazetteer/simulation/ec2/fake"
	"gazetteer/simulation/scenarios"
	"gazetteer/terraform"
)

// options are what a command line says.
type options struct {
	dry, keep          bool
	resume, state, out string
	endpoint, regions  string
	name               string
	pack               ec2.Package
	types              ec2.Types
}

func newOptions(said io.Writer) (*options, *flag.FlagSet) {
	o := &options{types: ec2.DefaultTypes()}
	f := flag.NewFlagSet("gazetteer-ec2", flag.ContinueOnError)
	f.SetOutput(said)
	f.Usage = func() {
		fmt.Fprint(said, usageText)
		f.PrintDefaults()
	}
	f.BoolVar(&o.dry, "dry-run", false, "go through all steps with stand-ins for AWS and the planet")
	f.BoolVar(&o.keep, "keep", false, "when the run fails or is interrupted, leave all as it is, to be resumed; it goes on costing money")
	f.StringVar(&o.resume, "resume", "", "name of the run to go on with")
	f.StringVar(&o.name, "name", "", "name of the run (default: of the scenario, with the time)")
	f.StringVar(&o.state, "state", filepath.Join("runs", "ec2"), "folder in which runs keep how far they are")
	f.StringVar(&o.out, "out", "", `folder of the result (default: "result" in the run's folder)`)
	f.StringVar(&o.endpoint, "endpoint", "", "URL that all of AWS's services are asked at, instead of at their own")
	f.StringVar(&o.pack.URL, "package", "", "URL of the Debian package that instances run")
	f.StringVar(&o.pack.SHA256, "sha256", "", "what its bytes hash to")
	f.StringVar(&o.types.Server, "server-type", o.types.Server, "instance type of regional servers")
	f.StringVar(&o.types.Cluster, "cluster-type", o.types.Cluster, "instance type of cluster servers")
	f.StringVar(&o.types.Replica, "replica-type", o.types.Replica, "instance type of replicas")
	f.StringVar(&o.types.Client, "client-type", o.types.Client, "instance type of test clients")
	f.StringVar(&o.regions, "regions", "", "of down, when the run's folder is lost: its regions, by comma, the founder first")
	return o, f
}

// run runs a scenario.
func (o *options) run(ctx context.Context, file string, out io.Writer) error {
	c, err := o.config(file, out)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, ec2.Estimate(c.Scenario, c.Types))
	if o.dry {
		return dryRun(ctx, c, out)
	}
	keys, err := cloud.FromEnvironment()
	if err != nil {
		return err
	}
	c.Cloud, c.Terraform, c.Planet, c.Clock = cloud.New(keys, o.endpoint), ec2.CLI{}, ec2.REST{}, ec2.Wall{}
	result, err := ec2.Run(ctx, c)
	if err != nil {
		return err
	}
	if failed := result.Failed(); len(failed) > 0 {
		return fmt.Errorf("%d of %d checks failed, the first: %s: %s; see %s", len(failed), len(result.Checks), failed[0].Name, failed[0].Detail, c.Out)
	}
	fmt.Fprintf(out, "result: %s\n", c.Out)
	return nil
}

func (o *options) config(file string, out io.Writer) (c ec2.Config, err error) {
	s, err := scenarios.Open(file)
	if err != nil {
		return c, err
	}
	text, err := textOf(file)
	if err != nil {
		return c, err
	}
	modules, err := fs.Sub(terraform.Modules, "modules")
	if err != nil {
		return c, err
	}
	run := cmp.Or(o.resume, o.name, runName(s.Name, time.Now()))
	if o.dry {
		o.pack = ec2.Package{URL: cmp.Or(o.pack.URL, "https://example.org/gazetteer.deb"), SHA256: cmp.Or(o.pack.SHA256, strings.Repeat("0", 64))}
	}
	dir := filepath.Join(o.state, run)
	if o.resume != "" && !o.dry {
		if _, err := ec2.LoadState(dir); err != nil {
			return c, err
		}
	}
	return ec2.Config{
		Run: run, Scenario: s, Text: text, Dir: dir, Out: cmp.Or(o.out, filepath.Join(dir, "result")),
		Modules: modules, Package: o.pack, Types: o.types, Keep: o.keep, Commit: commit(),
		Replay:  fmt.Sprintf("gazetteer-ec2 run %s --package %s --sha256 %s", file, o.pack.URL, o.pack.SHA256),
		Bundled: func() (io.ReadCloser, error) { return sample.Open() },
		Say:     func(what string) { fmt.Fprintf(out, "%s\n", what) },
	}, nil
}

// textOf is the text of a file, or of a scenario of the library.
func textOf(file string) ([]byte, error) {
	if text, err := os.ReadFile(file); err == nil {
		return text, nil
	}
	return scenarios.Source(file)
}

func runName(scenario string, now time.Time) string {
	return strings.ToLower(strings.ReplaceAll(scenario, "_", "-")) + now.UTC().Format("-0102-150405")
}

// commit is what this program was built from, empty if it is not known.
func commit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return ""
}

// dryRun goes through all steps with stand-ins, and prints what they are asked.
func dryRun(ctx context.Context, c ec2.Config, out io.Writer) (err error) {
	if c.Dir, err = os.MkdirTemp("", "gazetteer-ec2-"); err != nil {
		return err
	}
	defer os.RemoveAll(c.Dir)
	c.Out = filepath.Join(c.Dir, "result")
	account := fake.NewCloud()
	account.Heard = func(call fake.Call) error {
		_, err := fmt.Fprintf(out, "    %s\n", call)
		return err
	}
	server := httptest.NewServer(account)
	defer server.Close()
	c.Cloud = cloud.New(cloud.Keys{ID: "dry", Secret: "dry"}, server.URL)
	c.Terraform, c.Planet, c.Clock = &fake.Terraform{Cloud: account}, &fake.Planet{Cloud: account, Regions: len(c.Scenario.Regions)}, &fake.Clock{At: time.Now()}
	result, err := ec2.Run(ctx, c)
	if err != nil {
		return err
	}
	for _, u := range result.Unlike {
		fmt.Fprintf(out, "unlike the scenario: %s\n", u)
	}
	fmt.Fprintf(out, "nothing was done: these were %d calls to stand-ins\n", len(account.Calls()))
	return nil
}

// down takes down what is left of a run.
func (o *options) down(ctx context.Context, run string, out io.Writer) error {
	dir := filepath.Join(o.state, run)
	state, err := ec2.LoadState(dir)
	if gazetteer.KindOf(err) == gazetteer.NotFound && o.regions != "" {
		state, err = o.lost(run, dir)
	}
	if err != nil {
		return err
	}
	keys, err := cloud.FromEnvironment()
	if err != nil {
		return err
	}
	state.Down = false // whoever asks again wants to know
	c := ec2.Config{Run: run, Dir: dir, Cloud: cloud.New(keys, o.endpoint), Terraform: ec2.CLI{}, Clock: ec2.Wall{}, Say: func(what string) { fmt.Fprintln(out, what) }}
	if err := ec2.Down(ctx, c, state); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "nothing of %s is left that costs money\n", run)
	return err
}

// lost is the state of a run of which only the regions are known.
func (o *options) lost(run, dir string) (*ec2.State, error) {
	state := &ec2.State{Run: run, Bucket: ec2.BucketOf(run)}
	for name := range strings.SplitSeq(o.regions, ",") {
		state.Regions = append(state.Regions, gazetteer.RegionID(name))
	}
	return state, os.MkdirAll(dir, 0o700)
}
