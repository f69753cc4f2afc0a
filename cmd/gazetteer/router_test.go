package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gazetteer/api/client"
)

// startRouter runs a router in front of a planet of processes.
func startRouter(t *testing.T, p *processPlanet) (url string) {
	t.Helper()
	first := p.nodes[p.members(0)[0]]
	r := startChild(t, "server", "--roles", "router", "--node", "gate", "--http", freeAddr(t), "--upstream", "http://"+first.http, "--lame-duck", "0s")
	url = r.out.wait(t, `router serves (http://\S+)`)
	waitForStatus(t, url+"/readyz", 200)
	return url
}

// TestAKilledRegionFailsNoRead of clients that try again, be it by themselves or by a
// router; requests that nobody sends twice fail for 3 s at most.
func TestAKilledRegionFailsNoRead(t *testing.T) {
	p := startProcesses(t, 1)
	url := startRouter(t, p)
	rate := 100
	if *long {
		rate = 500
	}
	used := p.regionBehind(t, url)
	var others []string
	for i := range p.regions {
		if i != used {
			others = append(others, "http://"+p.nodes[p.members(i)[0]].http)
		}
	}
	victim := p.nodes[p.members(used)[0]]
	routed := &asking{name: "routed", rate: rate, client: plainClient(t, client.Config{Addr: url, Retries: -1})}
	again := &asking{name: "retried", rate: rate, client: plainClient(t, client.Config{Addr: "http://" + victim.http, More: others})}
	plain := &asking{name: "plain", rate: rate, posts: url}
	all := []*asking{routed, again, plain}
	p.whileAsking(t, all, func() {
		victim.end(t, os.Kill)
		time.Sleep(4 * time.Second)
		victim.begin(t)
		waitForStatus(t, "http://"+victim.http+"/readyz", 200)
	})
	for _, a := range all {
		a.report(t)
	}
	if len(routed.failures)+len(again.failures) > 0 {
		t.Errorf("reads failed: %q %q", some(routed.failures), some(again.failures))
	}
	if window := plain.window(); window > 3*time.Second {
		t.Errorf("plain requests failed for %v: %q", window, some(plain.failures))
	}
}

// regionBehind returns the region that a router sends its clients to now.
func (p *processPlanet) regionBehind(t *testing.T, url string) int {
	t.Helper()
	a, err := clientOf(t, url).Resolve(t.Context(), client.Query{Type: "shelf", ID: stableID(0)})
	i := slices.Index(p.regions, a.ServedBy.Region)
	if err != nil || i < 0 {
		t.Fatalf("%+v %v", a.ServedBy, err)
	}
	return i
}

// TestALameDuckFailsNobody: a region is told to end under load; requests that nobody
// sends twice come by the router, and all are answered.
func TestALameDuckFailsNobody(t *testing.T) {
	p := startProcesses(t, 1, "--lame-duck", "4s")
	url := startRouter(t, p)
	a := &asking{name: "plain", rate: 100, posts: url}
	p.whileAsking(t, []*asking{a}, func() {
		n := p.nodes[p.members(p.regionBehind(t, url))[0]]
		if code := n.end(t, os.Interrupt); code != exitOK {
			t.Errorf("exit code %d:\n%s", code, n.out.String())
		}
		time.Sleep(time.Second)
	})
	if a.report(t); len(a.failures) > 0 {
		t.Errorf("requests failed: %q", some(a.failures))
	}
}

func plainClient(t *testing.T, c client.Config) *client.Client {
	t.Helper()
	k, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// asking is a stream of requests at a rate.
type asking struct {
	name   string
	rate   int
	client *client.Client
	posts  string // where requests go by POST, which nobody sends twice; "": reads by the client

	mu       sync.Mutex // guards all below
	asked    int
	failures []string
	at       []time.Time // of the failures
}

// whileAsking sends requests while something is done.
func (p *processPlanet) whileAsking(t *testing.T, all []*asking, do func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	for _, a := range all {
		ended.Go(func() { a.run(ctx) })
	}
	time.Sleep(time.Second)
	do()
	time.Sleep(time.Second)
	stop()
	ended.Wait()
}

// run sends requests in time, however long each takes.
func (a *asking) run(ctx context.Context) {
	var open sync.WaitGroup
	defer open.Wait()
	tick := time.NewTicker(time.Second / time.Duration(a.rate))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-tick.C:
			open.Go(func() { a.ask(i) })
		case <-ctx.Done():
			return
		}
	}
}

func (a *asking) ask(i int) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	id := stableID(i % stableResources)
	var err error
	if a.posts != "" {
		err = postLookup(ctx, a.posts, id)
	} else {
		_, err = a.client.Resolve(ctx, client.Query{Type: "shelf", ID: id})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	if err != nil {
		a.failures = append(a.failures, strings.TrimSpace(err.Error()))
		a.at = append(a.at, time.Now())
	}
}

func postLookup(ctx context.Context, url, id string) error {
	body := fmt.Sprintf(`{"queries":[{"type":"shelf","id":%q}]}`, id)
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/resolve", strings.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	q.GetBody = nil // nor does net/http
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || !strings.Contains(string(text), id+".example")) {
		err = fmt.Errorf("%s: %.300s", res.Status, text)
	}
	return err
}

// window is the time from the first failure to the last.
func (a *asking) window() (w time.Duration) {
	for _, t := range a.at {
		w = max(w, t.Sub(a.at[0]))
	}
	return w
}

func (a *asking) report(t *testing.T) {
	t.Helper()
	if a.asked == 0 {
		t.Errorf("%s: nobody asked", a.name)
	}
	t.Log(fmt.Sprintf("%s: %d requests, %d failed, within %v", a.name, a.asked, len(a.failures), a.window()))
}
