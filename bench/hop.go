package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// hops is how many requests between processes a lookup takes when regional server,
// cluster server and replica are processes of their own.
const hops = 2

// benchHop compares three processes with one, and what a hop costs with what the plain
// framing takes in the same rounds. CPU counts at both ends of a hop.
func benchHop(ctx context.Context, o options, t *table) error {
	records := min(o.records, importMost)
	one, err := startService(ctx, o, "one")
	if err != nil {
		return err
	}
	defer one.stop()
	three, err := startRegion(ctx, o)
	if err != nil {
		return err
	}
	defer three.stop()
	for _, s := range []*service{one, three.front} {
		if err := s.fill(ctx, records); err != nil {
			return err
		}
	}
	var r hopRounds
	for i := range o.pairs + 1 {
		if err := r.add(ctx, o, one, three, records); err != nil {
			return err
		}
		if i == 0 { // the first round warms up
			r = hopRounds{}
		}
	}
	r.print(t)
	return nil
}

// hopRounds are figures in µs, one for each round.
type hopRounds struct{ cpu, plainCPU, latency, plainLatency []float64 }

func (r *hopRounds) print(t *table) {
	t.line("one hop between processes, 64 connections: CPU, both ends", spreadOf(r.cpu).String()+" µs", "")
	t.line("  plain multiplexed framing: CPU, both ends", spreadOf(r.plainCPU).String()+" µs", "")
	t.line("  ratio of CPU", spreadOf(ratios(r.cpu, r.plainCPU)).String(), "at most 1.3")
	t.line("one hop, one connection: median latency", spreadOf(r.latency).String()+" µs", "")
	t.line("  plain multiplexed framing: median latency", spreadOf(r.plainLatency).String()+" µs", "")
}

func (r *hopRounds) add(ctx context.Context, o options, one *service, three *regionOfThree, records int) error {
	ask := resolveOf(records)
	single, err := loaded(o, conns, ask, one.addr, one.pid())
	if err != nil {
		return err
	}
	split, err := loaded(o, conns, ask, three.front.addr, three.pids()...)
	if err != nil {
		return err
	}
	plain, err := plainFraming(ctx, o, conns)
	if err != nil {
		return err
	}
	r.cpu = append(r.cpu, (split.cpu-single.cpu)/hops)
	r.plainCPU = append(r.plainCPU, plain.cpu)
	return r.addLatency(ctx, o, ask, one, three)
}

func (r *hopRounds) addLatency(ctx context.Context, o options, ask request, one *service, three *regionOfThree) error {
	single, err := loaded(o, 1, ask, one.addr, one.pid())
	if err != nil {
		return err
	}
	split, err := loaded(o, 1, ask, three.front.addr, three.pids()...)
	if err != nil {
		return err
	}
	plain, err := plainFraming(ctx, o, 1)
	if err != nil {
		return err
	}
	r.latency = append(r.latency, (split.median-single.median)/hops)
	r.plainLatency = append(r.plainLatency, plain.median)
	return nil
}

// figure is what one round gave, in µs for each request.
type figure struct{ cpu, median float64 }

// loaded asks at addr and adds up the CPU of all processes.
func loaded(o options, connections int, ask request, addr string, pids ...int) (figure, error) {
	before, err := cpuOfAll(pids)
	if err != nil {
		return figure{}, err
	}
	l, err := drive(addr, connections, 0, o.round, ask)
	if err != nil {
		return figure{}, err
	}
	after, err := cpuOfAll(pids)
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

// plainFraming runs both ends of the plain framing, each in a process.
func plainFraming(ctx context.Context, o options, workers int) (f figure, err error) {
	addr, err := freeAddr()
	if err != nil {
		return f, err
	}
	server, err := startSelf("framing", addr)
	if err != nil {
		return f, err
	}
	defer func() { err = firstOf(err, server.stop()) }()
	if err := listening(ctx, addr); err != nil {
		return f, err
	}
	before, err := cpuOf(server.pid())
	if err != nil {
		return f, err
	}
	r, err := askFrames(ctx, addr, workers, o.round)
	if err != nil {
		return f, err
	}
	after, err := cpuOf(server.pid())
	return figure{micros(after-before+r.CPU) / float64(r.Requests), micros(r.Median)}, err
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

// regionOfThree is the product as three processes, one for each tier.
type regionOfThree struct {
	front *service
	rest  []*process
}

func (r *regionOfThree) pids() []int {
	out := []int{r.front.pid()}
	for _, p := range r.rest {
		out = append(out, p.pid())
	}
	return out
}

func (r *regionOfThree) stop() error {
	err := r.front.stop()
	for _, p := range r.rest {
		err = firstOf(err, p.stop())
	}
	return err
}

// startRegion starts replica, cluster server and regional server, and waits until the
// last of them is ready.
func startRegion(ctx context.Context, o options) (*regionOfThree, error) {
	http, err := freeAddr()
	if err != nil {
		return nil, err
	}
	plan, err := writePlan(o.dir)
	if err != nil {
		return nil, err
	}
	r := &regionOfThree{}
	for _, node := range []string{"data", "entry"} {
		p, err := startNode(o, plan, node)
		if err != nil {
			return nil, err
		}
		r.rest = append(r.rest, p)
	}
	geoip, err := writeGeoIP(o.dir)
	if err != nil {
		return nil, err
	}
	p, err := startNode(o, plan, "front", "--http", http, "--geoip", geoip)
	if err != nil {
		return nil, err
	}
	r.front = &service{process: p, addr: http}
	ready, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return r, p.ready(ready, "http://"+http+"/readyz")
}

func startNode(o options, plan, node string, more ...string) (*process, error) {
	args := append([]string{"server", "--plan", plan, "--node", node, "--data", filepath.Join(o.dir, node)}, more...)
	return start(node, o.gazetteer, args...)
}

func writePlan(dir string) (string, error) {
	var addrs [3]any
	for i := range addrs {
		a, err := freeAddr()
		if err != nil {
			return "", err
		}
		addrs[i] = a
	}
	name := filepath.Join(dir, "plan.yaml")
	return name, os.WriteFile(name, fmt.Appendf(nil, planOfThree, addrs[:]...), 0o600)
}

const planOfThree = `region: bench
nodes:
  - {name: front, peer: "%s", roles: [region]}
  - {name: entry, peer: "%s", roles: [cluster]}
  - {name: data, peer: "%s", roles: [replica]}
default:
  servers: [entry]
  rings:
    - {name: only, members: [data]}
`
