package provider

import "testing"

// TestPointed holds that what a server points at in a body is told at the argument.
func TestPointed(t *testing.T) {
	m := recordModel{Locations: map[string]locationModel{"b/2": {}, "a": {}}}
	for _, c := range []struct {
		where         pointed
		pointer, want string
	}{
		{asWritten(""), "/health/timeout_seconds", "health.timeout_seconds"},
		{asWritten("/policy"), "/policy/tiers/0/locations", "tiers[0].locations"},
		{asWritten("/policy"), "/ttl_seconds", ""},
		{asWritten(""), "", ""},
		{m.pointed, "/locations/1/url", `locations["b/2"].url`},
		{m.pointed, "/locations/0/labels/x~1y", `locations["a"].labels`},
		{m.pointed, "/locations/9/url", "locations"},
		{m.pointed, "/attributes", "attributes"},
		{asParameter, "ip", "ip"},
		{asParameter, "watch", ""},
	} {
		p, ok := c.where(c.pointer)
		if p.String() != c.want || ok != (c.want != "") {
			t.Errorf("%q is told at %q, %v; want %q", c.pointer, p, ok, c.want)
		}
	}
}
