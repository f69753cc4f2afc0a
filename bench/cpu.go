package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpuOf returns the CPU time, user and system, that all threads of a process have used,
// to the nanosecond: the clock of clock_getcpuclockid(3).
func cpuOf(pid int) (time.Duration, error) {
	const schedOfProcess = 2 // CPUCLOCK_SCHED; see the kernel's posix-timers
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedOfProcess), &t); err != nil {
		return 0, fmt.Errorf("cpu time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// anonOf returns a process's anonymous resident memory in bytes: what it allocated
// itself, without mapped files.
func anonOf(pid int) (int64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), "RssAnon:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("process %d: its status has no RssAnon", pid)
}
