package processes

import (
	"os/exec"
	"syscall"
)

// attach keeps a terminal's Ctrl-C from a child, whose end is for its parent to order, and
// has the kernel kill it when the parent is gone, also while it stands still.
func attach(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
