package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel kill the child when the benchmark is killed.
func dieWithParent(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
