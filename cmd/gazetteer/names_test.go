package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// spreadWorld is a planet of three regions that are near one another for their messages,
// and far from one another on the map.
const spreadWorld = `{"regions":[{"name":"a","lat":50,"lon":8},{"name":"b","lat":-34,"lon":151},{"name":"c","lat":51,"lon":0}],"rtt_ms":[["a","b",2],["b","c",3],["a","c",12]]}`

// asked returns the TXT records that a client in London gets, one line each.
func asked(t *testing.T, addr, name string) string {
	t.Helper()
	m := new(dns.Msg).SetQuestion(name, dns.TypeTXT)
	m.SetEdns0(1232, false)
	subnet := &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 32, Address: []byte{81, 2, 69, 160}}
	m.IsEdns0().Option = append(m.IsEdns0().Option, subnet)
	got, _, err := (&dns.Client{Net: "tcp", Timeout: patience}).Exchange(m, addr)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, rr := range got.Answer {
		lines = append(lines, strings.Join(rr.(*dns.TXT).Txt, " "))
	}
	return strings.Join(lines, "\n")
}

// awaitBest waits until the planet's best region is another one, and returns how long that
// took.
func awaitBest(t *testing.T, addr, want string) time.Duration {
	t.Helper()
	began := time.Now()
	eventually(t, "DNS names "+want+" first", func() (bool, any) {
		all := asked(t, addr, "gazetteer.test.")
		return strings.HasPrefix(all, "rank=1 region="+want), all
	})
	return time.Since(began)
}

// TestDeadAndDrainingRegionsLeaveDNS: a client in London is sent to the nearest region until
// that drains, or dies; then to the next, within three seconds. Without -long the machine may
// be five times slower.
func TestDeadAndDrainingRegionsLeaveDNS(t *testing.T) {
	within := 15 * time.Second
	if *long {
		within = 3 * time.Second
	}
	addr := freeAddr(t)
	demo := startChild(t, "demo", "--processes", "--http", "127.0.0.1:0", "--dns", addr, "--regions", writeWorld(t, spreadWorld))
	pid, err := strconv.Atoi(demo.out.wait(t, `kill -9 (\d+)`))
	if err != nil {
		t.Fatal(err)
	}
	k := clientOf(t, demo.out.wait(t, `answers at (http://[^;]+);`))
	awaitBest(t, addr, "c")
	for _, x := range []struct {
		what string
		do   func() error
		best string
	}{
		{"a draining region", func() error { return k.DrainRegion(t.Context(), "c") }, "a"},
		{"a region that is back", func() error { return k.UndrainRegion(t.Context(), "c") }, "c"},
		{"a dead region", func() error { return syscall.Kill(pid, syscall.SIGKILL) }, "a"},
	} {
		if err := x.do(); err != nil {
			t.Fatal(err)
		}
		took := awaitBest(t, addr, x.best)
		t.Logf("%s shows after %v", x.what, took)
		if took > within {
			t.Errorf("%s shows only after %v", x.what, took)
		}
	}
	if all := asked(t, addr, "_explain.gazetteer.test."); !strings.Contains(all, "left out: unreachable") {
		t.Errorf("nobody says why:\n%s", all)
	}
	if code := demo.end(t, os.Interrupt); code != exitOK {
		t.Errorf("exit code %d:\n%s", code, demo.out.String())
	}
}

func TestNameFlags(t *testing.T) {
	for _, x := range []struct {
		f    nameFlags
		want string // in the error
	}{
		{nameFlags{addr: "127.0.0.1:0"}, "--dns and --zone go together"},
		{nameFlags{zone: "x.test"}, "--dns and --zone go together"},
		{nameFlags{addr: "0.0.0.0:0", zone: "x.test"}, "--dns-ns is missing"},
		{nameFlags{addr: "127.0.0.1:0", zone: "x.test", nameservers: []string{"ns.x.test=nowhere"}}, "is not an address"},
		{nameFlags{addr: "127.0.0.1:0", zone: "x.test", explain: []string{"10.0.0.0"}}, "--dns-explain"},
		{nameFlags{addr: "nowhere", zone: "x.test", nameservers: []string{"ns.y.test"}}, "cannot listen"},
	} {
		if _, err := x.f.open(t.Context(), "n"); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: %v, want %q", x.f, err, x.want)
		}
	}
}
