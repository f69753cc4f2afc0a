package ec2

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"gazetteer"
)

// CLI is the terraform on this machine's path.
type CLI struct {
	Env []string // of its processes; nil for this process's own
}

// Apply makes what the files of a folder say.
func (t CLI) Apply(ctx context.Context, dir string) error {
	if _, err := t.run(ctx, dir, "init", "-input=false", "-no-color"); err != nil {
		return err
	}
	_, err := t.run(ctx, dir, "apply", "-input=false", "-no-color", "-auto-approve")
	return err
}

// Destroy takes it away.
func (t CLI) Destroy(ctx context.Context, dir string) error {
	if _, err := t.run(ctx, dir, "init", "-input=false", "-no-color"); err != nil {
		return err
	}
	_, err := t.run(ctx, dir, "destroy", "-input=false", "-no-color", "-auto-approve")
	return err
}

// Output returns the value of the output "regions".
func (t CLI) Output(ctx context.Context, dir string) (o Outputs, err error) {
	text, err := t.run(ctx, dir, "output", "-no-color", "-json", "regions")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, &gazetteer.Error{Op: "terraform output", Kind: gazetteer.Internal, Err: err}
	}
	return o, nil
}

// interrupted is how long terraform may take to write its state after it was interrupted.
const interrupted = 10 * time.Minute

// run runs one command. It is in a process group of its own: what interrupts the
// experimenter must not reach it before it was told so by him.
func (t CLI) run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	var out, said bytes.Buffer
	c := exec.CommandContext(ctx, "terraform", append([]string{"-chdir=" + dir}, args...)...)
	c.Env, c.Stdout, c.Stderr = t.Env, &out, &said
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGINT) }
	c.WaitDelay = interrupted
	if err := c.Run(); err != nil {
		return nil, &gazetteer.Error{Op: "terraform " + args[0], Kind: gazetteer.Unavailable, Err: err, Detail: lastLines(said.String()+out.String(), 20)}
	}
	return out.Bytes(), nil
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
