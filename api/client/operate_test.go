package client

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/api/rest"
	"gazetteer/api/rest/problem"
	"gazetteer/api/rest/resttest"
)

// operated is start with an operator.
func operated(t testing.TB) *Client {
	t.Helper()
	c, _ := serve(t, func(c *rest.Config) { c.Operator = resttest.NewOperator() })
	return c
}

// kind fails unless an error is of this kind and says this.
func kind(t *testing.T, err error, want gazetteer.Kind, says string) {
	t.Helper()
	if err == nil || gazetteer.KindOf(err) != want || !strings.Contains(err.Error(), says) {
		t.Errorf("%v, want %v that says %q", err, want, says)
	}
}

func TestTopology(t *testing.T) {
	c := operated(t)
	got, err := c.Topology(t.Context())
	want := `{"epoch":"7.r2","running":"8.r1","due":"cost","regions":[{"name":"r1","lat":38.9,"lon":-77.4,"state":"live"},{"name":"r2","lat":53.3,"lon":0,"state":"live"},{"name":"r3","state":"unreachable"}],"edges":[` +
		`{"a":"r1","b":"r2","cost_ms":68.3,"tree":true,"provisional":false},{"a":"r1","b":"r3","cost_ms":140.007,"tree":false,"provisional":false},{"a":"r2","b":"r3","cost_ms":90,"tree":false,"provisional":true}],"weight_ms":158.3,"messages":42,"halted_ms":0,"installed_ms":812}`
	if err != nil || text(got) != want {
		t.Errorf("%s %v", text(got), err)
	}
}

func TestRegionsComeAndGo(t *testing.T) {
	c := operated(t)
	ctx := t.Context()
	all, err := c.Regions(ctx)
	if err != nil || len(all) != 3 || text(all[1]) != `{"name":"r2","state":"live","self":false,"rtt_ms":68.3,"silent_seconds":0.2,"lag_seconds":1.235,"lat":53.3,"lon":0,"servers":[{"node":"r2-1","peer":"198.51.100.1:7070","http":"198.51.100.1:8080"}],"stores":2}` {
		t.Fatalf("%s %v", text(all), err)
	}
	a, err := c.AdmitRegion(ctx, "r4")
	if err != nil || a.Region != "r4" || a.Token == "" || !a.Until.Equal(resttest.Epoch().Add(30*time.Minute)) || len(a.Contacts) != 2 {
		t.Errorf("%+v %v", a, err)
	}
	_, err = c.AdmitRegion(ctx, "r4")
	kind(t, err, gazetteer.Conflict, "already")
	for _, step := range []struct {
		do   func() error
		want string
	}{
		{func() error { return c.DrainRegion(ctx, "r2") }, "draining"},
		{func() error { return c.UndrainRegion(ctx, "r2") }, "live"},
	} {
		if err := step.do(); err != nil {
			t.Error(err)
		}
		if r, err := c.Region(ctx, "r2"); err != nil || r.State != step.want {
			t.Errorf("%s, want %s: %v", text(r), step.want, err)
		}
	}
	if err := c.BiasRegion(ctx, "r2", -2.5); err != nil {
		t.Error(err)
	}
	if r, err := c.Region(ctx, "r2"); err != nil || r.BiasMS != -2.5 {
		t.Errorf("%s: %v", text(r), err)
	}
	kind(t, c.BiasRegion(ctx, "r2", 1001), gazetteer.Unprocessable, "1000")
	kind(t, c.RemoveRegion(ctx, "r2", false), gazetteer.Conflict, "would be lost")
	if err := c.RemoveRegion(ctx, "r2", true); err != nil {
		t.Error(err)
	}
	_, err = c.Region(ctx, "r2")
	kind(t, err, gazetteer.NotFound, "r2")
	kind(t, c.DrainRegion(ctx, "r2"), gazetteer.NotFound, "r2")
}

func TestMembersComeAndGo(t *testing.T) {
	c := operated(t)
	ctx := t.Context()
	all, err := c.Members(ctx)
	if err != nil || len(all) != 4 || text(all[0]) != `{"node":"n1","roles":["region","cluster","replica"],"peer":"192.0.2.1:7070","state":"live","leader":true,"plan":7,"rings":["ring-1"]}` {
		t.Fatalf("%s %v", text(all), err)
	}
	a, err := c.AdmitMember(ctx, Invitation{Roles: []string{"replica"}, Uses: 2, TTL: 90 * time.Second})
	if err != nil || a.Token == "" || !a.Until.Equal(resttest.Epoch().Add(90*time.Second)) {
		t.Errorf("%+v %v", a, err)
	}
	if a, err = c.AdmitMember(ctx, Invitation{}); err != nil || !a.Until.Equal(resttest.Epoch().Add(30*time.Minute)) {
		t.Errorf("%+v %v", a, err)
	}
	_, err = c.AdmitMember(ctx, Invitation{Roles: []string{"king"}})
	kind(t, err, gazetteer.Unprocessable, `/roles/0: "king" is no role`)
	kind(t, c.RemoveMember(ctx, "n2", false), gazetteer.Conflict, "stays")
	if err := c.RemoveMember(ctx, "n2", true); err != nil {
		t.Error(err)
	}
	for _, strange := range []string{"n2", "a/b", "..", ":token", "é?#", " "} {
		kind(t, c.RemoveMember(ctx, strange, true), gazetteer.NotFound, "no member is named")
	}
}

func TestRingsComeAndGo(t *testing.T) {
	c := operated(t)
	ctx := t.Context()
	if err := c.AddRing(ctx, DefaultCluster, "ring-2", []string{"n4"}); err != nil {
		t.Error(err)
	}
	all, err := c.Rings(ctx)
	if err != nil || len(all) != 2 || text(all[0]) != `{"type":"default","rings":[{"name":"ring-1","members":["n1","n2"],"partitions":271},{"name":"ring-2","members":["n4"],"partitions":0}],"moving":0,"pending":135}` {
		t.Errorf("%s %v", text(all), err)
	}
	if err := c.SetRing(ctx, DefaultCluster, "ring-1", []string{"n2", "n4"}, false); err != nil {
		t.Error(err)
	}
	kind(t, c.SetRing(ctx, DefaultCluster, "ring-1", []string{"n1"}, false), gazetteer.Conflict, "/members")
	if err := c.SetRing(ctx, DefaultCluster, "ring-1", []string{"n1"}, true); err != nil {
		t.Error(err)
	}
	if all, err = c.Rings(ctx); err != nil || text(all[0].Rings[0].Members) != `["n1"]` {
		t.Errorf("%s %v", text(all), err)
	}
	kind(t, c.AddRing(ctx, "ndt", "ring-2", []string{"n9"}), gazetteer.NotFound, "/members")
	kind(t, c.RemoveRing(ctx, "ndt", "ring-ndt"), gazetteer.Conflict, "last ring")
	if err := c.RemoveRing(ctx, DefaultCluster, "ring-2"); err != nil {
		t.Error(err)
	}
	kind(t, c.RemoveRing(ctx, DefaultCluster, "ring-2"), gazetteer.NotFound, "ring-2")
}

// TestNoOperator: a process alone says so, and not that there is no such region.
func TestRingsFollowDemand(t *testing.T) {
	c, ctx := operated(t), t.Context()
	if err := c.SetAuto(ctx, DefaultCluster, Auto{Min: 1, Max: 3, TargetRate: 500}); err != nil {
		t.Fatal(err)
	}
	all, err := c.Rings(ctx)
	if err != nil || all[1].Auto != nil || text(all[0].Auto) != `{"min":1,"max":3,"target_rate":500,"cooldown":"10m0s"}` {
		t.Errorf("got %s, %v", text(all), err)
	}
	if err := c.SetAuto(ctx, "ndt", Auto{Min: 1, Max: 3, TargetRate: 500, Cooldown: "2m"}); err != nil {
		t.Fatal(err)
	}
	kind(t, c.SetAuto(ctx, "ndt", Auto{Min: 4, Max: 3, TargetRate: 500}), gazetteer.Unprocessable, "/max")
	kind(t, c.SetAuto(ctx, "msak", Auto{Min: 1, Max: 3, TargetRate: 500}), gazetteer.NotFound, "no cluster of its own")
	for range 2 {
		if err := c.UnsetAuto(ctx, DefaultCluster); err != nil {
			t.Fatal(err)
		}
	}
	if all, err = c.Rings(ctx); err != nil || all[0].Auto != nil || all[1].Auto.Cooldown != "2m0s" {
		t.Errorf("got %s, %v", text(all), err)
	}
}

func TestNoOperator(t *testing.T) {
	c, _ := start(t)
	_, err := c.Topology(t.Context())
	kind(t, err, gazetteer.Unsupported, "not part of an agreed region")
	var p *Problem
	if !errors.As(err, &p) || p.Code != problem.Unsupported {
		t.Errorf("%v", err)
	}
}
