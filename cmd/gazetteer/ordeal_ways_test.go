package main

import (
	"encoding/json"
	"io"
	"os"
	"sync"
	"testing"
	"time"
)

// ways are those between the regions of a planet of processes. Each process hears of every
// change on its standard input, as those of gazetteer sim run --processes do.
type ways struct {
	regions []string

	mu    sync.Mutex // guards all below
	at    map[string]string
	cut   map[[2]string]bool
	pipes map[string][]*os.File // by region
}

// oneWay is how long anything is under way between two regions.
const oneWay = 2 * time.Millisecond

func newWays(regions []string) *ways {
	return &ways{regions: regions, at: map[string]string{}, cut: map[[2]string]bool{}, pipes: map[string][]*os.File{}}
}

// chart is what a process is told: all ways as they are.
type chart struct {
	From string            `json:"from"`
	At   map[string]string `json:"at"`
	Ways []chartWay        `json:"ways"`
}

type chartWay struct {
	From  string        `json:"from"`
	To    string        `json:"to"`
	Takes time.Duration `json:"takes"`
	Cut   bool          `json:"cut,omitempty"`
}

// place says where an address is.
func (w *ways) place(addr, region string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at[addr] = region
	w.tellLocked()
}

// set cuts the ways between two regions, or heals them.
func (w *ways) set(a, b string, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut[[2]string{a, b}], w.cut[[2]string{b, a}] = cut, cut
	w.tellLocked()
}

// pipe is the standard input of a new process, in which the first chart lies.
func (w *ways) pipe(t *testing.T, region string) io.Reader {
	t.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = out.Close()
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pipes[region] = append(w.pipes[region], out)
	w.writeLocked(out, region)
	return in
}

func (w *ways) tellLocked() {
	for region, outs := range w.pipes {
		for _, out := range outs {
			w.writeLocked(out, region)
		}
	}
}

// writeLocked tells one process. One that stands still or is dead must not hold up the
// others: what does not fit into its pipe it does not hear.
func (w *ways) writeLocked(out *os.File, region string) {
	c := chart{From: region, At: w.at}
	for _, a := range w.regions {
		for _, b := range w.regions {
			if a != b {
				c.Ways = append(c.Ways, chartWay{a, b, oneWay, w.cut[[2]string{a, b}]})
			}
		}
	}
	_ = out.SetWriteDeadline(time.Now().Add(time.Second))
	_ = json.NewEncoder(out).Encode(c)
}
