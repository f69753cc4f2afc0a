package control

import "testing"

func TestHTTPIsWhereClientsReachANode(t *testing.T) {
	for _, c := range []struct{ http, peer, want string }{
		{"10.0.0.1:8080", "10.0.0.9:7070", "10.0.0.1:8080"},
		{"0.0.0.0:8080", "10.0.0.9:7070", "10.0.0.9:8080"},
		{"[::]:8080", "[fd00::1]:7070", "[fd00::1]:8080"},
		{":8080", "host.example:7070", "host.example:8080"},
		{":8080", "", ""},
		{"", "10.0.0.9:7070", ""},
		{"nonsense", "10.0.0.9:7070", ""},
	} {
		d := SingleDescription("here", "n")
		d.Nodes[0].HTTP, d.Nodes[0].Addr = c.http, c.peer
		p := &Plan{nodes: d.Nodes}
		if got := p.HTTP("n"); got != c.want {
			t.Errorf("%q beside the peer port %q is reached at %q, want %q", c.http, c.peer, got, c.want)
		}
		if got := p.HTTP("other"); got != "" {
			t.Errorf("a node that is in no plan is reached at %q", got)
		}
	}
}
