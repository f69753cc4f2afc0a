package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// startOurs starts the product as one process and as three, with the same records.
func startOurs(ctx context.Context, o options, records int) (*chains, error) {
	one, err := startService(ctx, o, "one")
	if err != nil {
		return nil, err
	}
	three, err := startRegion(ctx, o)
	if err != nil {
		return nil, err
	}
	front := &service{process: three.processes[0], addr: three.addr}
	for _, s := range []*service{one, front} {
		if err := s.fill(ctx, records); err != nil {
			return nil, err
		}
	}
	return &chains{one: chain{one.addr, []*process{one.process}}, three: *three}, nil
}

// startRegion starts replica, cluster server and regional server, each a process, and
// waits until the last is ready.
func startRegion(ctx context.Context, o options) (*chain, error) {
	http, err := freeAddr()
	if err != nil {
		return nil, err
	}
	geoip, err := writeGeoIP(o.dir)
	if err != nil {
		return nil, err
	}
	plan, err := writePlan(o.dir)
	if err != nil {
		return nil, err
	}
	front, err := startNode(o, plan, "front", "--http", http, "--geoip", geoip)
	if err != nil {
		return nil, err
	}
	c := &chain{addr: http, processes: []*process{front}}
	for _, node := range []string{"entry", "data"} {
		p, err := startNode(o, plan, node)
		if err != nil {
			return nil, err
		}
		c.processes = append(c.processes, p)
	}
	ready, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return c, front.ready(ready, "http://"+http+"/readyz")
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
