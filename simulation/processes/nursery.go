package processes

import (
	"os/exec"
	"runtime"
)

// nursery starts processes from one thread that lives as long as they do: on Linux a child
// is killed with the thread that has started it, and threads of Go may end early.
type nursery chan func()

func newNursery() nursery {
	n := make(nursery)
	go func() {
		runtime.LockOSThread()
		for birth := range n {
			birth()
		}
	}()
	return n
}

func (n nursery) start(c *exec.Cmd) error {
	done := make(chan error)
	n <- func() { done <- c.Start() }
	return <-done
}

// close ends the thread. Nobody starts anything after it.
func (n nursery) close() { close(n) }
