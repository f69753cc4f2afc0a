package main

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer/simulation/ec2"
	"gazetteer/simulation/ec2/cloud"
	"gazetteer/simulation/ec2/fake"
)

const two = `
duration: 2m
regions: [us-east-1, eu-west-1]
each_region: {servers: 1, cluster_servers: 1, rings: 1, replicas: 1}
types: [service]
catalogue:
  synthetic: [{type: service, ids: 10, locations: 1}]
clients: [{reads: 0.9, rate: 30}]
tiers:
  regional: {group: {min: 1, max: 2}, balancer: {}}
faults:
  - {at: 10s, for: 20s, balancer_down: eu-west-1/regional}
  - {at: 40s, for: 20s, crash: eu-west-1/server-1}
`

func mustFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "two.yaml")
	if err := os.WriteFile(file, []byte(two), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestDryRunMakesTheCallsOfARun: what a dry run prints is what a run asks, in the same order,
// with the same arguments; in the run the modules are the true ones, by the true terraform.
func TestDryRunMakesTheCallsOfARun(t *testing.T) {
	env := stubbed(t)
	file := mustFile(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	var printed, said bytes.Buffer
	if code := run(t.Context(), []string{"run", file, "--dry-run", "--name", "test-1"}, &printed, &said); code != exitOK {
		t.Fatalf("exit %d: %s", code, said.String())
	}
	var dry []string
	for line := range strings.Lines(printed.String()) {
		if call, ok := strings.CutPrefix(line, "    "); ok {
			dry = append(dry, timeless(call))
		}
	}
	account := fake.NewCloud()
	server := httptest.NewServer(account)
	defer server.Close()
	o, _ := newOptions(&said)
	o.name, o.state = "test-1", t.TempDir()
	o.pack = ec2.Package{URL: "https://example.org/gazetteer.deb", SHA256: strings.Repeat("0", 64)}
	c, err := o.config(file, &said)
	if err != nil {
		t.Fatal(err)
	}
	c.Cloud = cloud.New(cloud.Keys{ID: "test", Secret: "test"}, server.URL)
	c.Terraform = &fake.Terraform{Cloud: account, Inner: ec2.CLI{Env: env}}
	c.Planet, c.Clock = &fake.Planet{Cloud: account, Regions: 2}, &fake.Clock{At: time.Now()}
	if _, err := ec2.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	var real []string
	for _, call := range account.Calls() {
		real = append(real, timeless(call.String()))
	}
	if len(dry) < 50 || !slices.Equal(dry, real) {
		t.Errorf("a dry run makes %d calls, a run %d; the first that differs is\n%s", len(dry), len(real), firstDifference(dry, real))
	}
	if left := account.Left(); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
	if !strings.Contains(printed.String(), "$  in all") || !strings.Contains(printed.String(), "unlike the scenario: ") {
		t.Errorf("neither cost nor differences are printed:\n%s", printed.String())
	}
}

// timeless leaves out what depends on when a run is made.
func timeless(call string) string {
	return regexp.MustCompile(`from \S+ to \S+`).ReplaceAllString(strings.TrimSpace(call), "")
}

func firstDifference(a, b []string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("%d: %s\n%d: %s", i, a[i], i, b[i])
		}
	}
	return fmt.Sprintf("one is longer: %q", slices.Concat(a, b)[min(len(a), len(b)):])
}

// stubbed builds the stub of AWS's provider into a mirror, as terraform/check does, and
// returns the environment in which terraform finds nothing else.
func stubbed(t *testing.T) []string {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil || testing.Short() {
		t.Skip("it takes terraform, and some time")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "terraformrc")
	text := fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror { path = %q }\n}\n", filepath.Join(dir, "mirror"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "TF_CLI_CONFIG_FILE="+config, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	root, err := filepath.Abs("../../../../terraform")
	if err != nil {
		t.Fatal(err)
	}
	address := providerAddress(t, env, filepath.Join(root, "modules", "edge-dns"))
	home := filepath.Join(dir, "mirror", address, "6.25.0", "linux_"+runtime.GOARCH)
	must(t, env, filepath.Join(root, "stub"), "go", "build", "-o", filepath.Join(home, "terraform-provider-aws_v6.25.0"), ".")
	return env
}

func providerAddress(t *testing.T, env []string, module string) string {
	t.Helper()
	found := regexp.MustCompile(`provider\[([^\]]*/hashicorp/aws)\]`).FindStringSubmatch(must(t, env, module, "terraform", "providers"))
	if found == nil {
		t.Fatal("terraform does not say how it calls AWS's provider")
	}
	return found[1]
}

func must(t *testing.T, env []string, dir, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir, c.Env = dir, env
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func TestCommandLines(t *testing.T) {
	file := mustFile(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	for line, want := range map[string]struct {
		code int
		text string
	}{
		"":                       {exitUsage, "say run or down"},
		"fly":                    {exitUsage, "it is run FILE or down RUN"},
		"run":                    {exitUsage, "it is run FILE or down RUN"},
		"run a b":                {exitUsage, "it is run FILE or down RUN"},
		"run --never " + file:    {exitUsage, "-never"},
		"run no/such.yaml":       {exitFailed, "no/such.yaml"},
		"run " + file:            {exitFailed, "AWS_ACCESS_KEY_ID"},
		"run --resume x " + file: {exitFailed, "no run of this name"},
		"down x":                 {exitFailed, "no run of this name"},
		"run --help":             {exitOK, "It costs money"},
	} {
		var out, said bytes.Buffer
		args := append(strings.Fields(line), "--state", t.TempDir())
		if line == "" {
			args = nil
		}
		if code := run(t.Context(), args, &out, &said); code != want.code || !strings.Contains(said.String(), want.text) {
			t.Errorf("%q: exit %d and %q, want exit %d and %q", line, code, said.String(), want.code, want.text)
		}
	}
}
