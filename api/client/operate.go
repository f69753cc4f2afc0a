package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"gazetteer"
)

// Topology returns the regions and their tree.
func (c *Client) Topology(ctx context.Context) (t Topology, err error) {
	_, _, err = c.into(ctx, &request{method: http.MethodGet, path: []string{"v1", "topology"}}, &t)
	return t, err
}

// Regions returns all regions, by name.
func (c *Client) Regions(ctx context.Context) ([]Region, error) {
	var list struct{ Regions []Region }
	_, _, err := c.into(ctx, &request{method: http.MethodGet, path: []string{"v1", "regions"}}, &list)
	return list.Regions, err
}

// Region returns one region.
func (c *Client) Region(ctx context.Context, name string) (r Region, err error) {
	_, _, err = c.into(ctx, &request{method: http.MethodGet, path: []string{"v1", "regions", name}}, &r)
	return r, err
}

// AdmitRegion expects a new region and returns what it joins by.
func (c *Client) AdmitRegion(ctx context.Context, name string) (a Admission, err error) {
	err = c.post(ctx, &request{path: []string{"v1", "regions"}}, map[string]any{"name": name}, &a)
	return a, err
}

// DrainRegion sends the clients of a region elsewhere.
func (c *Client) DrainRegion(ctx context.Context, name string) error {
	return c.post(ctx, &request{path: []string{"v1", "regions", name}, verb: ":drain"}, nil, nil)
}

// UndrainRegion lets a region have its clients back.
func (c *Client) UndrainRegion(ctx context.Context, name string) error {
	return c.post(ctx, &request{path: []string{"v1", "regions", name}, verb: ":undrain"}, nil, nil)
}

// BiasRegion makes a region so many milliseconds farther for every client, or nearer if they
// are negative, in the order of regions; 0 ends that.
func (c *Client) BiasRegion(ctx context.Context, name string, ms float64) error {
	r := &request{method: http.MethodPut, path: []string{"v1", "regions", name, "bias"}}
	return c.give(ctx, r, map[string]any{"bias_ms": ms}, nil)
}

// RemoveRegion takes a region out of the planet for good; with force also if something is
// lost by it.
func (c *Client) RemoveRegion(ctx context.Context, name string, force bool) error {
	return c.remove(ctx, []string{"v1", "regions", name}, force)
}

// Members returns the processes of the region, by name.
func (c *Client) Members(ctx context.Context) ([]Member, error) {
	var list struct{ Members []Member }
	_, _, err := c.into(ctx, &request{method: http.MethodGet, path: []string{"v1", "members"}}, &list)
	return list.Members, err
}

// AdmitMember returns what processes join the region by.
func (c *Client) AdmitMember(ctx context.Context, i Invitation) (a Admission, err error) {
	body := map[string]any{}
	if len(i.Roles) > 0 {
		body["roles"] = i.Roles
	}
	if i.Uses > 0 {
		body["uses"] = i.Uses
	}
	if i.TTL > 0 {
		body["ttl"] = i.TTL.String()
	}
	err = c.post(ctx, &request{path: []string{"v1", "members"}, verb: ":token"}, body, &a)
	return a, err
}

// RemoveMember takes a process out of the region for good; with force also if something is
// lost by it.
func (c *Client) RemoveMember(ctx context.Context, node string, force bool) error {
	return c.remove(ctx, []string{"v1", "members", node}, force)
}

// Rings returns the clusters of the region: the default one first.
func (c *Client) Rings(ctx context.Context) ([]Cluster, error) {
	var list struct{ Clusters []Cluster }
	_, _, err := c.into(ctx, &request{method: http.MethodGet, path: []string{"v1", "rings"}}, &list)
	return list.Clusters, err
}

// DefaultCluster names the cluster of all types that have none of their own.
const DefaultCluster = "default"

// AddRing gives the cluster of a type one more ring. Its share of the partitions moves to
// it from now on.
func (c *Client) AddRing(ctx context.Context, cluster, name string, members []string) error {
	body := map[string]any{"type": cluster, "name": name, "members": members}
	return c.post(ctx, &request{path: []string{"v1", "rings"}}, body, nil)
}

// SetRing changes who mirrors a ring, in ring order; with force also if what it holds is
// lost by it.
func (c *Client) SetRing(ctx context.Context, cluster, name string, members []string, force bool) error {
	r := &request{method: http.MethodPut, path: []string{"v1", "rings", cluster, name}, query: forced(force)}
	return c.give(ctx, r, map[string]any{"members": members}, nil)
}

// RemoveRing takes a ring out of the cluster of a type. Its partitions move to the others
// from now on.
func (c *Client) RemoveRing(ctx context.Context, cluster, name string) error {
	return c.remove(ctx, []string{"v1", "rings", cluster, name}, false)
}

// SetAuto makes the rings of the cluster of a type follow its demand.
func (c *Client) SetAuto(ctx context.Context, cluster string, a Auto) error {
	body := map[string]any{"min": a.Min, "max": a.Max, "target_rate": a.TargetRate}
	if a.Cooldown != "" {
		body["cooldown"] = a.Cooldown
	}
	r := &request{method: http.MethodPut, path: []string{"v1", "rings", cluster, "auto"}}
	return c.give(ctx, r, body, nil)
}

// UnsetAuto leaves the rings of the cluster of a type as they are, to the operator.
func (c *Client) UnsetAuto(ctx context.Context, cluster string) error {
	return c.remove(ctx, []string{"v1", "rings", cluster, "auto"}, false)
}

func (c *Client) post(ctx context.Context, r *request, body map[string]any, v any) error {
	r.method = http.MethodPost
	return c.give(ctx, r, body, v)
}

// give sends a body, unless it is nil, and decodes the answer into v.
func (c *Client) give(ctx context.Context, r *request, body map[string]any, v any) (err error) {
	if body != nil {
		if r.body, err = json.Marshal(body); err != nil {
			return &gazetteer.Error{Op: "client.Operate", Kind: gazetteer.Invalid, Err: err}
		}
	}
	_, _, err = c.into(ctx, r, v)
	return err
}

func (c *Client) remove(ctx context.Context, path []string, force bool) error {
	_, _, err := c.into(ctx, &request{method: http.MethodDelete, path: path, query: forced(force)}, nil)
	return err
}

func forced(force bool) url.Values {
	if !force {
		return nil
	}
	return url.Values{"force": {"1"}}
}
