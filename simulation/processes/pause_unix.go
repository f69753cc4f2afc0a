//go:build unix

package processes

import (
	"os"
	"syscall"
)

// stand lets a process stand still, as a machine does that is suspended.
func stand(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }

// goOn ends that.
func goOn(p *os.Process) error { return p.Signal(syscall.SIGCONT) }

// terminate asks a process to end.
func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
