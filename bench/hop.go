package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// hops is how many requests between processes a lookup takes when regional server,
// cluster server and replica are processes of their own.
const hops = 2

// benchHop says what a hop between two processes costs: what a lookup takes more when
// its tiers are three processes than in one, by two. It is compared with the same three
// processes over the plain framing behind a bare gin handler, in turns. CPU is of all
// processes together.
func benchHop(ctx context.Context, o options, t *table) error {
	records := min(o.records, importMost)
	ours, err := startOurs(ctx, o, records)
	if err != nil {
		return err
	}
	defer ours.stop()
	ask := resolveOf(records)
	body, err := fetch(ours.one.addr, ask(nil, seeded()))
	if err != nil {
		return err
	}
	plain, err := startPlain(ctx, len(body))
	if err != nil {
		return err
	}
	defer plain.stop()
	for i := range o.pairs + 1 {
		for _, c := range []*chains{ours, plain} {
			if err := c.round(o, ask, i > 0); err != nil { // the first pair warms up
				return err
			}
		}
	}
	printHops(t, ours, plain)
	return printEcho(ctx, o, t)
}

func printHops(t *table, ours, plain *chains) {
	t.line("one hop between processes, 64 connections: CPU, both ends", spreadOf(ours.cpu).String()+" µs", "")
	t.line("  the plain framing in its place", spreadOf(plain.cpu).String()+" µs", "")
	t.line("  ratio of CPU", spreadOf(ratios(ours.cpu, plain.cpu)).String(), "at most 1.3")
	t.line("one hop, one connection: latency", spreadOf(ours.latency).String()+" µs", "")
	t.line("  the plain framing in its place", spreadOf(plain.latency).String()+" µs", "")
	t.line("  ratio of latencies", spreadOf(ratios(ours.latency, plain.latency)).String(), "")
}

// printEcho measures the plain framing alone: both ends do nothing else, so that far more
// frames share a system call than between servers that have work to do.
func printEcho(ctx context.Context, o options, t *table) error {
	var cpu []float64
	for range o.pairs {
		f, err := plainFraming(ctx, o, conns)
		if err != nil {
			return err
		}
		cpu = append(cpu, f)
	}
	t.line("  the plain framing alone, 64 callers: CPU, both ends", spreadOf(cpu).String()+" µs", "")
	return nil
}

// chains are one way to answer a request in one process and in three, and what a hop
// took in each round: µs of CPU, and of latency.
type chains struct {
	one, three   chain
	cpu, latency []float64
}

// chain is a server with the processes behind it.
type chain struct {
	addr      string
	processes []*process
}

func (c *chain) pids() (out []int) {
	for _, p := range c.processes {
		out = append(out, p.pid())
	}
	return out
}

func (c *chains) stop() {
	for _, p := range append(c.one.processes, c.three.processes...) {
		_ = p.stop() // the figures are taken
	}
}

func (c *chains) round(o options, ask request, counts bool) error {
	single, err := c.one.loaded(o, conns, ask)
	if err != nil {
		return err
	}
	split, err := c.three.loaded(o, conns, ask)
	if err != nil {
		return err
	}
	alone, err := c.one.loaded(o, 1, ask)
	if err != nil {
		return err
	}
	far, err := c.three.loaded(o, 1, ask)
	if err != nil || !counts {
		return err
	}
	c.cpu = append(c.cpu, (split.cpu-single.cpu)/hops)
	c.latency = append(c.latency, (far.median-alone.median)/hops)
	return nil
}

// figure is what one round gave, in µs for each request.
type figure struct{ cpu, median float64 }

// loaded asks and adds up the CPU of all processes.
func (c *chain) loaded(o options, connections int, ask request) (figure, error) {
	before, err := cpuOfAll(c.pids())
	if err != nil {
		return figure{}, err
	}
	l, err := drive(c.addr, connections, 0, o.round, ask)
	if err != nil {
		return figure{}, err
	}
	after, err := cpuOfAll(c.pids())
	return figure{micros(after-before) / float64(l.requests), micros(l.quantile(0.5))}, err
}

func cpuOfAll(pids []int) (sum time.Duration, err error) {
	for _, pid := range pids {
		cpu, err := cpuOf(pid)
		if err != nil {
			return 0, err
		}
		sum += cpu
	}
	return sum, nil
}

// startPlain starts the bare handler alone, and one that asks over two hops.
func startPlain(ctx context.Context, size int) (*chains, error) {
	last, end, err := startFraming(ctx)
	if err != nil {
		return nil, err
	}
	middle, via, err := startFraming(ctx, end)
	if err != nil {
		return nil, err
	}
	one, addr, err := startBare(ctx, size)
	if err != nil {
		return nil, err
	}
	front, far, err := startBare(ctx, size, via)
	return &chains{
		one:   chain{addr, []*process{one}},
		three: chain{far, []*process{front, middle, last}},
	}, err
}

func startFraming(ctx context.Context, next ...string) (*process, string, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, "", err
	}
	p, err := startSelf("framing", append([]string{addr}, next...)...)
	if err != nil {
		return nil, "", err
	}
	return p, addr, listening(ctx, addr)
}

// plainFraming returns the CPU of both ends for each request.
func plainFraming(ctx context.Context, o options, workers int) (cpu float64, err error) {
	server, addr, err := startFraming(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = firstOf(err, server.stop()) }()
	before, err := cpuOf(server.pid())
	if err != nil {
		return 0, err
	}
	r, err := askFrames(ctx, addr, workers, o.round)
	if err != nil {
		return 0, err
	}
	after, err := cpuOf(server.pid())
	return micros(after-before+r.CPU) / float64(r.Requests), err
}

func askFrames(ctx context.Context, addr string, workers int, d time.Duration) (r framingResult, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	c := exec.CommandContext(ctx, self, "framing-ask", addr, strconv.Itoa(workers), d.String())
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(out, &r)
}
