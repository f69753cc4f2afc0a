package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/control"
	"gazetteer/region/geo"
)

// serverFlags is the command line of a server.
type serverFlags struct {
	plan, node, data, http, peer, geoip string
	proxies                             []string
	insecure                            bool
	lameDuck                            time.Duration
}

// A process without a plan is a region of its own. Its node's name stands for its data
// and so never changes.
const (
	aloneRegion = "local"
	aloneNode   = "node-1"
	defaultHTTP = "127.0.0.1:8080"
)

func (a *app) serverCommand() *cobra.Command {
	var f serverFlags
	c := &cobra.Command{
		Use:   "server --data DIR",
		Short: "Run one process of a region, or a whole one",
		Long: `Run one process of a region.

Without --plan the process is a whole region by itself. With it the plan file says
what the node called --node does, and who the others are; addresses come from the plan
unless --http or --peer give others to listen on.

On SIGTERM or Ctrl-C /readyz fails first, then the server goes on for --lame-duck, then
it finishes what is under way and closes.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.serve(c.Context(), f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.plan, "plan", "", "plan file (YAML) of the region")
	fl.StringVar(&f.node, "node", "", "which node of the plan this process is")
	fl.StringVar(&f.data, "data", "", "directory for what the node's replicas hold; made if it is not there")
	fl.StringVar(&f.http, "http", "", "HOST:PORT of the REST face (default: the plan's, or "+defaultHTTP+")")
	fl.StringVar(&f.peer, "peer", "", "HOST:PORT for other servers (default: the plan's)")
	fl.StringVar(&f.geoip, "geoip", "", "City or Country database (.mmdb); read again when it changes")
	fl.StringSliceVar(&f.proxies, "trusted-proxies", nil, "networks (CIDR) whose Forwarded and X-Forwarded-For headers are believed")
	fl.BoolVar(&f.insecure, "insecure", false, "allow addresses that are not loopback, without TLS and tokens")
	fl.DurationVar(&f.lameDuck, "lame-duck", 2*time.Second, "how long to go on after /readyz began to fail")
	return c
}

func (a *app) serve(ctx context.Context, f serverFlags) error {
	s, err := f.service(ctx, a)
	if err != nil {
		return err
	}
	return s.run(ctx, func(context.Context) error {
		where := "has no REST face"
		if s.web != nil {
			where = "serves http://" + s.web.Addr().String()
		}
		_, err := fmt.Fprintf(a.err, "gazetteer: node %s of region %s %s\n", s.node, s.plan.Region(), where)
		return err
	})
}

// service opens everything that the command line names. What is wrong with it is known
// before any data is touched.
func (f *serverFlags) service(ctx context.Context, a *app) (*service, error) {
	node, plan, err := f.place()
	if err != nil {
		return nil, err
	}
	s := &service{lameDuck: f.lameDuck}
	s.parts = parts{plan: plan, node: node.Name, data: f.data, log: slog.New(slog.NewTextHandler(a.err, nil))}
	if s.proxies, err = parseNetworks(f.proxies); err != nil {
		return nil, err
	}
	if s.locator, err = openLocator(f.geoip); err != nil {
		return nil, err
	}
	if err := f.listen(ctx, s, node); err != nil {
		s.unlisten()
		return nil, err
	}
	return s, nil
}

// place returns the node that the process is, with its roles.
func (f *serverFlags) place() (control.Node, *control.Plan, error) {
	plan, err := f.loadPlan()
	if err != nil {
		return control.Node{}, nil, err
	}
	node, err := plan.Node(gazetteer.NodeID(cmp.Or(f.node, aloneNode)))
	if err != nil {
		return node, nil, usage("--node: %w", err)
	}
	if f.data == "" && slices.Contains(plan.Roles(node.Name), region.RoleReplica) {
		return node, nil, usage("--data is missing: node %s is a replica and needs a directory", node.Name)
	}
	return node, plan, nil
}

func (f *serverFlags) loadPlan() (*control.Plan, error) {
	switch {
	case f.plan != "" && f.node == "":
		return nil, usage("--node is missing: which node of %s is this process?", f.plan)
	case f.plan != "":
		return control.Load(f.plan)
	case f.peer != "":
		return nil, usage("--peer needs --plan: without a plan there are no other servers")
	}
	return control.Single(aloneRegion, gazetteer.NodeID(cmp.Or(f.node, aloneNode)))
}

func (f *serverFlags) listen(ctx context.Context, s *service, node control.Node) (err error) {
	isRegional := slices.Contains(s.plan.Roles(node.Name), region.RoleRegion)
	if f.http != "" && !isRegional {
		return usage("--http: node %s does not have the role region, so it has no REST face", node.Name)
	}
	if isRegional {
		if s.web, err = listen(ctx, "--http", cmp.Or(f.http, node.HTTP, defaultHTTP), f.insecure); err != nil {
			return err
		}
	}
	if addr := cmp.Or(f.peer, node.Addr); addr != "" {
		s.peers, err = listen(ctx, "--peer", addr, f.insecure)
	}
	return err
}

func openLocator(path string) (*geo.Locator, error) {
	if path == "" {
		return new(geo.Locator), nil
	}
	return geo.OpenLocator(path)
}

func parseNetworks(texts []string) (out []netip.Prefix, err error) {
	for _, t := range texts {
		p, err := netip.ParsePrefix(t)
		if err != nil {
			return nil, usage("--trusted-proxies: %q is not a network such as 10.0.0.0/8", t)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
