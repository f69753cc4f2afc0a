package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/control"
	"gazetteer/region/planet"
)

// serverFlags is the command line of a server.
type serverFlags struct {
	plan, region, node, roles string
	join, planet, upstream    []string
	token, place              string
	partitions                uint32
	data, http, peer          string
	locator                   locatorFlags
	proxies                   []string
	proxyProtocol             bool
	allow                     []string
	insecure                  bool
	lameDuck                  time.Duration
	names                     nameFlags
}

// A process that nobody told its region is one of its own.
const (
	aloneRegion = "local"
	defaultHTTP = "127.0.0.1:8080"
)

func (a *app) serverCommand() *cobra.Command {
	var f serverFlags
	c := &cobra.Command{
		Use:   "server --data DIR",
		Short: "Run one process of a region, or a whole one",
		Long: `Run one process of a region.

With nothing but --data the process is a whole region by itself. With --peer others can
join it: processes of the same region with --join and a token of "gazetteer member
token", other regions with --planet and a token of "gazetteer region add". What a process
was told at its first start it knows at the next from its data.

With --plan the region does not agree on its plan: the file says what the node called
--node does, and who the others are.

With --roles router and --upstream the process is a router: it belongs to no region, keeps
nothing, and forwards each request to the best region for its client.

On SIGTERM or Ctrl-C /readyz fails first, then the server goes on for --lame-duck, then
it finishes what is under way and closes.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.serve(c.Context(), f) },
	}
	f.define(c)
	return c
}

func (f *serverFlags) define(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.data, "data", "", "directory for everything that the process keeps; made if it is not there")
	fl.StringVar(&f.region, "region", "", "name of the region that this process founds (default "+aloneRegion+")")
	fl.StringVar(&f.node, "node", "", "name of this process, unique on the planet (default: the region's, with -1)")
	fl.StringVar(&f.roles, "roles", "router,region,cluster,replica", "what this process does")
	fl.StringSliceVar(&f.join, "join", nil, "peer addresses of processes of the region to join")
	fl.StringSliceVar(&f.planet, "planet", nil, "peer addresses of processes of a region of the planet to join")
	fl.StringSliceVar(&f.upstream, "upstream", nil, "URLs of regional servers that a process of the role router alone learns the planet from")
	fl.StringVar(&f.token, "token", "", "what --join or --planet is allowed by (environment: GAZETTEER_TOKEN)")
	fl.StringVar(&f.place, "place", "", "where the region is: LAT,LON in degrees")
	fl.Uint32Var(&f.partitions, "partitions", gazetteer.DefaultPartitions, "the planet's partition count, fixed when its first region is founded")
	fl.StringVar(&f.plan, "plan", "", "plan file (YAML) of a region that does not agree on one")
	fl.StringVar(&f.http, "http", "", "HOST:PORT of the REST face (default: the plan's, or "+defaultHTTP+")")
	fl.StringVar(&f.peer, "peer", "", "HOST:PORT for other servers, as they reach it (default: the plan's)")
	f.locator.define(c, "City or Country database (.mmdb); read again when it changes")
	fl.StringSliceVar(&f.proxies, "trusted-proxies", nil, "networks (CIDR) whose Forwarded and X-Forwarded-For headers are believed")
	fl.StringSliceVar(&f.allow, "check-allow", nil, "networks (CIDR) in which locations are checked although they are not public")
	fl.BoolVar(&f.proxyProtocol, "proxy-protocol", false, "connections from --trusted-proxies may begin with the PROXY protocol's header (version 1 or 2)")
	fl.BoolVar(&f.insecure, "insecure", false, "allow addresses that are not loopback, without TLS and tokens")
	fl.DurationVar(&f.lameDuck, "lame-duck", 2*time.Second, "how long to go on after /readyz began to fail")
	f.names.define(c)
}

func (a *app) serve(ctx context.Context, f serverFlags) error {
	if len(f.upstream) > 0 || f.roles == string(region.RoleRouter) {
		return a.route(ctx, f)
	}
	f.token = cmp.Or(f.token, a.env("GAZETTEER_TOKEN"))
	s, err := f.service(ctx, a)
	if err != nil {
		return err
	}
	return s.run(ctx, func(_ context.Context, m *member) error {
		where := "has no REST face"
		if s.web != nil {
			where = "serves http://" + s.web.Addr().String()
		}
		_, err := fmt.Fprintf(a.err, "gazetteer: node %s of region %s %s\n", m.self.Name, m.agreed().Region(), where)
		return err
	})
}

// service opens everything that the command line names. What is wrong with it is known
// before any data is touched.
func (f *serverFlags) service(ctx context.Context, a *app) (*service, error) {
	s := &service{lameDuck: f.lameDuck}
	s.parts = parts{data: f.data, join: f.join, contacts: f.planet, token: f.token, log: slog.New(slog.NewTextHandler(a.err, nil))}
	err := f.check()
	if err == nil {
		err = f.settle(&s.parts)
	}
	if err == nil && f.data == "" && isReplica(&s.parts) {
		err = usage("--data is missing: node %s is a replica and needs a directory", s.self.Name)
	}
	if err != nil {
		return nil, err
	}
	if s.proxies, err = parseNetworks(f.proxies); err != nil {
		return nil, err
	}
	if s.allow, err = parseAllowed(f.allow); err != nil {
		return nil, err
	}
	if s.locator, err = f.locator.open(nil); err != nil {
		return nil, err
	}
	if err := f.listen(ctx, s); err != nil {
		s.unlisten()
		return nil, err
	}
	return s, nil
}

// check refuses flags that contradict one another.
func (f *serverFlags) check() error {
	switch {
	case f.plan != "" && f.node == "":
		return usage("--node is missing: which node of %s is this process?", f.plan)
	case f.plan != "" && (f.region != "" || len(f.join) > 0 || len(f.planet) > 0):
		return usage("--plan says everything about the region: it does not go with --region, --join or --planet")
	case len(f.join) > 0 && (f.region != "" || len(f.planet) > 0):
		return usage("--join takes the region from those it joins: it does not go with --region or --planet")
	case len(f.join) > 0 && f.node == "":
		return usage("--node is missing: what is this process called?")
	case f.peer == "" && (len(f.join) > 0 || len(f.planet) > 0):
		return usage("--peer is missing: where do others reach this process?")
	}
	return checkProxied(f.proxyProtocol, f.proxies)
}

// settle says which process this is.
func (f *serverFlags) settle(p *parts) (err error) {
	if f.plan != "" {
		if p.plan, err = control.Load(f.plan); err != nil {
			return err
		}
		p.region, p.partitions = p.plan.Region(), p.plan.Partitions()
		if p.self, err = p.plan.Node(gazetteer.NodeID(f.node)); err != nil {
			return usage("--node: %w", err)
		}
		return nil
	}
	if len(f.join) == 0 {
		p.region, p.partitions = gazetteer.RegionID(cmp.Or(f.region, aloneRegion)), f.partitions
	}
	p.self = control.Node{Name: gazetteer.NodeID(cmp.Or(f.node, string(p.region)+"-1")), Addr: f.peer}
	for _, r := range strings.Split(f.roles, ",") {
		p.self.Roles = append(p.self.Roles, region.Role(r))
	}
	p.place, err = parsePlace("--place", f.place)
	return err
}

func isReplica(p *parts) bool {
	roles := p.self.Roles
	if p.plan != nil {
		roles = p.plan.Roles(p.self.Name)
	}
	return slices.Contains(roles, region.RoleReplica) || slices.Contains(roles, region.RoleRegion)
}

func (p *parts) isRegional() bool { return slices.Contains(p.self.Roles, region.RoleRegion) }

// parsePlace reads a flag's LAT,LON; nil for "".
func parsePlace(flag, text string) (*planet.Place, error) {
	if text == "" {
		return nil, nil
	}
	lat, lon, _ := strings.Cut(text, ",")
	var p gazetteer.Point
	var err, also error
	p.Lat, err = strconv.ParseFloat(lat, 64)
	p.Lon, also = strconv.ParseFloat(lon, 64)
	if err != nil || also != nil || p.Validate() != nil {
		return nil, usage("%s: %q is not LAT,LON such as 48.85,2.35", flag, text)
	}
	return &planet.Place{Lat: p.Lat, Lon: p.Lon}, nil
}

// listen opens the ports. What others are told of them is where they really are: a port
// of 0 has become another one.
func (f *serverFlags) listen(ctx context.Context, s *service) (err error) {
	if f.http != "" && !s.isRegional() {
		return usage("--http: node %s does not have the role region, so it has no REST face", s.self.Name)
	}
	if s.isRegional() {
		if s.web, err = listen(ctx, "--http", cmp.Or(f.http, s.self.HTTP, defaultHTTP), f.insecure); err != nil {
			return err
		}
		s.self.HTTP = s.web.Addr().String()
		s.web = proxied(s.web, f.proxyProtocol, s.proxies)
	}
	if s.names, err = f.names.open(ctx, s.self.Name); err != nil {
		return err
	}
	if addr := cmp.Or(f.peer, s.self.Addr); addr != "" {
		if s.peers, err = listen(ctx, "--peer", addr, f.insecure); err != nil {
			return err
		}
		s.self.Addr = told(addr, s.peers)
	}
	return nil
}

// told is the address that others are told: as it was given, with the port that is open.
func told(addr string, l net.Listener) string {
	host, _, err := net.SplitHostPort(addr)
	_, port, also := net.SplitHostPort(l.Addr().String())
	if err != nil || also != nil {
		return addr
	}
	return net.JoinHostPort(host, port)
}

func parseNetworks(texts []string) ([]netip.Prefix, error) {
	return networksOf("--trusted-proxies", texts)
}

func networksOf(flag string, texts []string) (out []netip.Prefix, err error) {
	for _, t := range texts {
		p, err := netip.ParsePrefix(t)
		if err != nil {
			return nil, usage("%s: %q is not a network such as 10.0.0.0/8", flag, t)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
