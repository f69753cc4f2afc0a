package provider

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"gazetteer/api/client"
)

// The acceptance tests run the real terraform against a real server: one process of
// cmd/gazetteer, built once and ended with the tests.

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	defer stage.end()
	for name, value := range map[string]string{"TF_ACC": "1", "CHECKPOINT_DISABLE": "1", "GAZETTEER_ADDR": "", "GAZETTEER_TOKEN": "", "GAZETTEER_CACERT": ""} {
		_ = os.Setenv(name, value) // it fails of malformed names only
	}
	if at, err := exec.LookPath("terraform"); err == nil {
		_ = os.Setenv("TF_ACC_TERRAFORM_PATH", at)
	}
	return m.Run()
}

// stage is what all acceptance tests share.
var stage theatre

type theatre struct {
	once sync.Once
	err  error
	dir  string
	fra  *child
	url  string
}

// patience is for a machine that is much slower than this one.
const patience = 2 * time.Minute

// planetOf returns the address of a planet of one region, fra, in front of which terraform
// can play. Without terraform the test fails: to pass without it would say nothing.
func planetOf(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("with -short nothing is run against a server")
	}
	if os.Getenv("TF_ACC_TERRAFORM_PATH") == "" {
		t.Fatal("terraform is not installed (1.11 or later): install it, or leave the acceptance tests out with -short")
	}
	stage.once.Do(stage.set)
	if stage.err != nil {
		t.Fatal(stage.err)
	}
	return stage.url
}

func (s *theatre) set() {
	if s.dir, s.err = os.MkdirTemp("", "gazetteer-provider-"); s.err != nil {
		return
	}
	binary := filepath.Join(s.dir, "gazetteer")
	build := exec.Command("go", "build", "-o", binary, "./cmd/gazetteer")
	build.Dir = filepath.Join("..", "..", "..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		s.err = fmt.Errorf("%w: %s", err, out)
		return
	}
	s.fra, s.err = start(binary, "server", "--region", "fra", "--place", "50.1,8.7", "--peer", freeAddr(), "--http", "127.0.0.1:0", "--data", filepath.Join(s.dir, "fra"))
	if s.err == nil {
		s.url, s.err = s.fra.says(`serves (http://\S+)`)
	}
	if s.err == nil {
		s.err = ready(s.url)
	}
}

func (s *theatre) end() {
	if s.fra != nil {
		s.fra.end()
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// ready waits until a server knows of its own region.
func ready(url string) error {
	k, err := client.New(client.Config{Addr: url})
	if err != nil {
		return err
	}
	return await(context.Background(), patience, func() (bool, error) {
		all, err := k.Regions(context.Background())
		return err == nil && len(all) == 1, nil
	}, func() string { return "the server is not ready" })
}

func freeAddr() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// child is a process that a test has started.
type child struct {
	cmd   *exec.Cmd
	ended chan struct{}

	mu    sync.Mutex // guards following
	lines []string
}

func start(binary string, args ...string) (*child, error) {
	c := &child{cmd: exec.Command(binary, args...), ended: make(chan struct{})}
	out, err := c.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go c.listen(out)
	return c, nil
}

func (c *child) listen(out io.Reader) {
	defer close(c.ended)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		c.mu.Lock()
		c.lines = append(c.lines, lines.Text())
		c.mu.Unlock()
	}
}

// says waits for a line and returns what its pattern's group matches.
func (c *child) says(pattern string) (string, error) {
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		c.mu.Lock()
		all := strings.Join(c.lines, "\n")
		c.mu.Unlock()
		if m := re.FindStringSubmatch(all); m != nil {
			return m[1], nil
		}
		select {
		case <-c.ended:
			return "", fmt.Errorf("%s ended without saying %s: %s", c.cmd, pattern, all)
		default:
		}
	}
	return "", fmt.Errorf("%s does not say %s", c.cmd, pattern)
}

func (c *child) end() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(20 * time.Second):
		_ = c.cmd.Process.Kill()
	}
	_ = c.cmd.Wait()
}

// play runs steps with the provider that this package is.
func play(t *testing.T, gone resource.TestCheckFunc, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: factories(), CheckDestroy: gone, Steps: steps})
}

func factories() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){"gazetteer": providerserver.NewProtocol6WithError(New())}
}

// configOf writes a configuration: the provider, then what is given.
func configOf(url, text string) string {
	return fmt.Sprintf("provider \"gazetteer\" { addr = %q }\n", url) + text
}

// refusal is a step that has to fail, with words that a person is told. Terraform wraps
// lines, so spaces match any white space.
func refusal(config, words string) resource.TestStep {
	pattern := strings.ReplaceAll(words, " ", `[\s│]+`)
	return resource.TestStep{Config: config, ExpectError: regexp.MustCompile(pattern)}
}

// outside does something behind terraform's back.
func outside(t *testing.T, url string, f func(context.Context, *client.Client) error) func() {
	return func() {
		t.Helper()
		if err := f(t.Context(), clientOf(t, url)); err != nil {
			t.Fatal(err)
		}
	}
}

func clientOf(t *testing.T, url string) *client.Client {
	t.Helper()
	k, err := client.New(client.Config{Addr: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// goneFrom checks that what a test has made is not there any more.
func goneFrom(t *testing.T, url string, ask func(context.Context, *client.Client) error) resource.TestCheckFunc {
	return func(*terraform.State) error {
		if err := ask(context.Background(), clientOf(t, url)); !isGone(err) {
			return fmt.Errorf("it is still there, or the server says %v", err)
		}
		return nil
	}
}

// holds is a check of what the server has.
func holds(t *testing.T, url string, ask func(context.Context, *client.Client) error) resource.TestCheckFunc {
	return func(*terraform.State) error { return ask(context.Background(), clientOf(t, url)) }
}
