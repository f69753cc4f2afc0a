package badgerstore_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Tests that kill a process, or may see Badger panic in a goroutine that nobody can
// catch, run their part in a child: this test binary again, told by childEnv what to do.
const childEnv = "GAZETTEER_BADGERSTORE_CHILD"

// children are what a child can be told to do, by name.
var children = map[string]func(args []string) error{
	"write":     childWrite,
	"fill":      childFill,
	"examine":   childExamine,
	"fill-disk": childFillDisk,
}

func TestMain(m *testing.M) {
	if line := os.Getenv(childEnv); line != "" {
		name, args, _ := strings.Cut(line, "\n")
		if err := children[name](strings.Split(args, "\n")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is a process under way, and the lines that it says.
type child struct {
	cmd    *exec.Cmd
	lines  *bufio.Scanner
	stderr strings.Builder
}

func startChild(tb testing.TB, name string, args ...string) *child {
	tb.Helper()
	c := newChild(tb, name, args...)
	if err := c.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	return c
}

func newChild(tb testing.TB, name string, args ...string) *child {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	c := &child{cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), childEnv+"="+name+"\n"+strings.Join(args, "\n"))
	c.cmd.Stderr = &c.stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	c.lines = bufio.NewScanner(out)
	c.lines.Buffer(nil, 1<<20)
	return c
}

// end waits for the process and returns how it ended.
func (c *child) end() error {
	for c.lines.Scan() {
	}
	return c.cmd.Wait()
}
