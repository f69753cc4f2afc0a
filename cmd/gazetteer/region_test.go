package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gazetteer/api/client"
)

const planOfFour = `region: here
nodes:
  - {name: front, peer: "%s", roles: [region]}
  - {name: entry, peer: "%s", roles: [cluster]}
  - {name: a, peer: "%s", roles: [replica]}
  - {name: b, peer: "%s", roles: [replica]}
default:
  servers: [entry]
  rings:
    - {name: pair, members: [a, b]}
`

// TestRegionOfProcesses runs every tier as a process of its own: a write reaches both
// mirrors, a dead one costs the client nothing, and one that lost its disk is filled by
// the other.
func TestRegionOfProcesses(t *testing.T) {
	r := startRegion(t)
	mustRun(t, "types put shelf --addr "+r.url)
	for i := range 20 {
		mustRun(t, fmt.Sprintf("put shelf r%d l --url https://r%d.example/ --ack ring --addr %s", i, i, r.url))
	}

	r.kill(t, "b")
	r.readsAll(t, 20)

	if err := os.RemoveAll(filepath.Join(r.dir, "b")); err != nil {
		t.Fatal(err)
	}
	r.start(t, "b")
	r.waitUntilServed(t, "r0")
	r.kill(t, "a")
	r.readsAll(t, 20)
}

// regionOfProcesses is a region on this machine.
type regionOfProcesses struct {
	dir, plan, url string
	nodes          map[string]*child
	client         *client.Client
}

func startRegion(t *testing.T) *regionOfProcesses {
	t.Helper()
	r := &regionOfProcesses{dir: t.TempDir(), nodes: map[string]*child{}}
	r.plan = filepath.Join(r.dir, "plan.yaml")
	var addrs [4]any
	for i := range addrs {
		addrs[i] = freeAddr(t)
	}
	if err := os.WriteFile(r.plan, fmt.Appendf(nil, planOfFour, addrs[:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, node := range []string{"a", "b", "entry"} {
		r.start(t, node)
	}
	r.start(t, "front", "--http", "127.0.0.1:0")
	r.url = r.nodes["front"].out.wait(t, `serves (http://\S+)`)
	waitForStatus(t, r.url+"/readyz", http.StatusOK)
	var err error
	if r.client, err = client.New(client.Config{Addr: r.url}); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *regionOfProcesses) start(t *testing.T, node string, more ...string) {
	t.Helper()
	args := append([]string{"server", "--plan", r.plan, "--node", node, "--data", filepath.Join(r.dir, node)}, more...)
	r.nodes[node] = startChild(t, args...)
	r.nodes[node].out.wait(t, "gazetteer: node "+node+" of region here")
}

// kill ends a process without warning.
func (r *regionOfProcesses) kill(t *testing.T, node string) {
	t.Helper()
	r.nodes[node].end(t, os.Kill)
}

// readsAll asks for every record more often than there are replicas, so that a dead one
// would be met.
func (r *regionOfProcesses) readsAll(t *testing.T, records int) {
	t.Helper()
	for i := range records {
		for range 3 {
			a := r.resolve(t, fmt.Sprintf("r%d", i))
			if len(a.Locations) != 1 || a.Locations[0].URL != fmt.Sprintf("https://r%d.example/", i) {
				t.Fatalf("r%d: %+v", i, a)
			}
		}
	}
}

func (r *regionOfProcesses) resolve(t *testing.T, id string) client.Answer {
	t.Helper()
	a, err := r.client.Resolve(t.Context(), client.Query{Type: "shelf", ID: id, Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// waitUntilServed waits until both replicas answer for a record.
func (r *regionOfProcesses) waitUntilServed(t *testing.T, id string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		seen := map[string]bool{}
		for range 10 {
			seen[r.resolve(t, id).ServedBy.Node] = true
		}
		if len(seen) == 2 {
			return
		}
	}
	t.Fatal("the new replica does not answer")
}

// freeAddr returns an address that nobody listens on now. Its port is below those that the
// system gives to outgoing connections, so none of them takes it while a process that had it
// is dead.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 100 {
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000))); err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}
