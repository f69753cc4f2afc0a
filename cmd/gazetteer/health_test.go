package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gazetteer/api/client"
)

// stateOf returns how a region answers for a location: its state, or why it is left out.
func stateOf(t *testing.T, k *client.Client, region, location string) string {
	t.Helper()
	a, err := k.Resolve(context.Background(), client.Query{Type: "shelf", ID: "r", Region: region, Explain: true})
	if err != nil {
		return err.Error()
	}
	for _, l := range a.Locations {
		if l.ID == location {
			return l.State
		}
	}
	for _, c := range a.Explain.Candidates {
		if c.ID == location {
			return "left out: " + c.Excluded
		}
	}
	return "not there"
}

func awaitHealth(t *testing.T, k *client.Client, region, location, want string) {
	t.Helper()
	got := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got = stateOf(t, k, region, location); got == want {
			return
		}
	}
	t.Fatalf("region %q says of %s: %s, want %s", region, location, got, want)
}

func healthClient(t *testing.T, addr string) *client.Client {
	t.Helper()
	k, err := client.New(client.Config{Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestALeaseEndsAndReturnsOnAPlanet takes a lease at one region of two; both see it end,
// and return.
func TestALeaseEndsAndReturnsOnAPlanet(t *testing.T) {
	addr := startDemo(t)
	k := healthClient(t, addr)
	planet, err := k.Regions(t.Context())
	if err != nil || len(planet) != 2 {
		t.Fatalf("%+v, %v", planet, err)
	}
	mustRun(t, "types put shelf --addr "+addr)
	mustRun(t, "put shelf r steady --url https://steady.example/ --addr "+addr)
	mustRun(t, "put shelf r leased --url https://leased.example/ --ttl 3s --addr "+addr)
	both := func(want string) {
		t.Helper()
		for _, r := range planet {
			awaitHealth(t, k, r.Name, "leased", want)
		}
	}
	both("up")
	both("left out: down")
	if s := stateOf(t, k, "", "steady"); s != "unknown" {
		t.Errorf("a location without a lease is %s", s)
	}
	before, err := k.Get(t.Context(), "shelf", "r")
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, "heartbeat shelf r leased --ttl 3s --addr "+addr)
	both("up")
	d, err := k.GetHealth(t.Context(), "shelf", "r", planet[1].Name)
	if err != nil || len(d.Health) != 1 || d.Health[0].By != "lease" || d.Health[0].State != "up" || d.Health[0].TTLSeconds != 3 {
		t.Errorf("%+v, %v", d.Health, err)
	}
	if d.Version != before.Version || len(d.Locations) != 2 {
		t.Errorf("health is an edit: version %s, then %s", before.Version, d.Version)
	}
	mustRun(t, "heartbeat shelf r leased --ttl 0 --addr "+addr)
	both("unknown")
	if out := mustRun(t, "export shelf --addr "+addr); strings.Contains(out, "health") || strings.Count(out, "\n") != 1 {
		t.Errorf("the export says %s", out)
	}
}

// TestLocationsAreCheckedOverHTTP has a server on the loopback fall ill and recover.
func TestLocationsAreCheckedOverHTTP(t *testing.T) {
	var mood, asked atomic.Int32 // 0 well, 1 ill, 2 flapping
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		if m := mood.Load(); m == 1 || m == 2 && n%2 == 0 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer s.Close()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := startChild(t, "server", "--data", t.TempDir(), "--http", "127.0.0.1:0", "--check-allow", "127.0.0.1/32")
	addr := c.out.wait(t, `serves (http://\S+)`)
	k := healthClient(t, addr)
	mustRun(t, fmt.Sprintf("types put shelf --check http --check-port %s --check-interval 1s --check-fall 2 --check-rise 2 --check-path /ready --addr %s", u.Port(), addr))
	for _, name := range []string{"a", "b", "c"} {
		host := "127.0.0.1"
		if name != "a" {
			host = "169.254.169.254" // not to be connected to, which says nothing of it
		}
		mustRun(t, fmt.Sprintf("put shelf r %s --url http://%s/ --addr %s", name, host, addr))
	}
	awaitHealth(t, k, "", "a", "up")
	mood.Store(2)
	for from := asked.Load(); asked.Load() < from+4; time.Sleep(20 * time.Millisecond) {
		if s := stateOf(t, k, "", "a"); s != "up" {
			t.Fatalf("a location that flaps is %s", s)
		}
	}
	mood.Store(1)
	awaitHealth(t, k, "", "a", "left out: down")
	if s := stateOf(t, k, "", "b"); s != "up" {
		t.Errorf("what must not be checked is %s", s)
	}
	mood.Store(0)
	awaitHealth(t, k, "", "a", "up")
	res, err := http.Get(addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	for _, want := range []string{
		`gazetteer_health_transitions_total{to="down"} 1`, `gazetteer_health_transitions_total{to="up"} 1`,
		`gazetteer_locations_down{by="check"} 0`, "gazetteer_health_capped_total 0",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the metrics lack %s (%v)", want, err)
		}
	}
}
