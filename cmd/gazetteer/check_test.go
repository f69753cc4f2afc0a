package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"gazetteer/api/client"
	"gazetteer/simulation/check"
)

// TestCheckOfAPlanet: a planet in this process keeps what it promises, and what the check
// has made is gone afterwards.
func TestCheckOfAPlanet(t *testing.T) {
	p := startPlanet(t, chain(3))
	code, out := p.check(t, "--duration", "3s", "--rate", "150", "--min-rate", "1", "-o", "json")
	var r check.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != exitOK || !r.Passed {
		t.Fatalf("exit code %d: %v\n%s", code, err, out)
	}
	for _, name := range []string{check.Kept, check.Written, check.Fresh, check.InOrder, check.Complete, check.Equal, check.OneContent} {
		if r.Of(name).Judged == 0 {
			t.Errorf("%s: never put to the test", name)
		}
	}
	eventually(t, "its type is gone", func() (bool, any) {
		types, err := p.clients[0].Types(t.Context())
		return err == nil && len(types) == 0, fmt.Sprint(types, err)
	})
	code, out = p.check(t, "--duration", "300ms", "--min-rate", "1000000")
	if code != exitInvalid || !strings.Contains(out, "PROMISE") {
		t.Errorf("too little was asked: exit code %d\n%s", code, out)
	}
}

// check runs the command against all regions and returns what it printed.
func (p *planetHere) check(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	var urls []string
	for _, s := range p.sites {
		urls = append(urls, s.URL)
	}
	var printed, said printed
	c := console{in: strings.NewReader(""), out: &printed, err: &said, env: func(string) string { return "" }}
	code = run(t.Context(), c, append([]string{"check", "--addr", strings.Join(urls, ",")}, args...))
	t.Log(said.String())
	return code, printed.String()
}

// TestConflictsAreToldInEveryRegion: two regions write one element while they are cut off
// from each other. After that the loser stands in the journal, once, whoever is asked.
func TestConflictsAreToldInEveryRegion(t *testing.T) {
	p := startPlanet(t, chain(3))
	p.makeType(t, "shelf")
	const cut = 2
	name := string(p.world.regions[cut].name)
	post(t, p.url()+cutPath+name)
	for i, k := range []*client.Client{p.clients[0], p.clients[cut]} {
		l := client.Location{ID: "l", URL: fmt.Sprintf("https://side-%d.example/", i)}
		if _, err := k.PutLocation(t.Context(), "shelf", "both", l, client.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	post(t, p.url()+healPath+name)
	p.awaitEqual(t, "shelf", int64(len(p.clients)+1))
	for i, k := range p.clients {
		eventually(t, fmt.Sprintf("region %d tells the loser once", i), func() (bool, any) {
			cs, err := k.Conflicts(t.Context(), 0)
			return err == nil && len(cs.Conflicts) == 1 && ofElement(&cs.Conflicts[0]), fmt.Sprintf("%+v, %v", cs, err)
		})
	}
	var out printed
	c := console{in: strings.NewReader(""), out: &out, err: &out, env: func(string) string { return "" }}
	if code := run(t.Context(), c, []string{"conflicts", "--addr", p.sites[1].URL}); code != exitOK || strings.Count(out.String(), "both") != 1 {
		t.Errorf("exit code %d:\n%s", code, out.String())
	}
}

// ofElement holds an entry against what both sides have written: the stamps of both, by two
// stores, and the value that lost.
func ofElement(c *client.Conflict) bool {
	one := c.Type == "shelf" && c.ID == "both" && c.Location == "l"
	stamped := c.Loser.Stamp.Store != c.Winner.Stamp.Store && !c.Loser.Stamp.Time.After(c.Winner.Stamp.Time)
	return one && stamped && strings.Contains(string(c.Loser.Body), "https://side-") && time.Since(c.SeenAt) < time.Hour
}
