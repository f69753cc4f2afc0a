package control

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/region"
)

var roles = []region.Role{region.RoleRouter, region.RoleRegion, region.RoleCluster, region.RoleReplica}

// checkNodes takes the hash by which stores are named, so that a test can make two
// names collide.
func checkNodes(nodes []Node, store func(gazetteer.NodeID) gazetteer.StoreID) error {
	stores := map[gazetteer.StoreID]gazetteer.NodeID{}
	addrs := map[string]gazetteer.NodeID{}
	for i := range nodes {
		n, at := &nodes[i], fmt.Sprintf("/nodes/%d", i)
		if err := n.check(at, len(nodes) == 1); err != nil {
			return err
		}
		if other, ok := stores[store(n.Name)]; ok && other == n.Name {
			return bad(at+"/name", "the node %q is named twice", n.Name)
		} else if ok {
			return bad(at+"/name", "the nodes %q and %q would have the same store id; rename one that holds no data yet", other, n.Name)
		}
		stores[store(n.Name)] = n.Name
		for _, a := range []struct{ key, addr string }{{"/peer", n.Addr}, {"/http", n.HTTP}} {
			if other, ok := addrs[a.addr]; ok && a.addr != "" {
				return bad(at+a.key, "%s is already an address of the node %q", a.addr, other)
			}
			addrs[a.addr] = n.Name
		}
	}
	return nil
}

func (n *Node) check(at string, alone bool) error {
	if err := checkNodeName(n.Name); err != "" {
		return bad(at+"/name", "%s", err)
	}
	if n.Addr == "" && !alone {
		return bad(at+"/peer", "the node %q has no peer address: the others could not reach it", n.Name)
	}
	if err := checkAddr(n.Addr); err != nil {
		return wrap(at+"/peer", err)
	}
	if err := checkAddr(n.HTTP); err != nil {
		return wrap(at+"/http", err)
	}
	if len(n.Roles) == 0 {
		return bad(at+"/roles", "the node %q has no roles: give it some of %s", n.Name, roleNames())
	}
	for i, r := range n.Roles {
		if !slices.Contains(roles, r) {
			return bad(fmt.Sprintf("%s/roles/%d", at, i), "%q is no role; roles are %s", r, roleNames())
		}
		if slices.Contains(n.Roles[:i], r) {
			return bad(fmt.Sprintf("%s/roles/%d", at, i), "the role %q is given twice", r)
		}
	}
	return nil
}

// checkNodeName returns what is wrong with a name. It is part of the identity of a
// store and stands in logs, metrics and host names.
func checkNodeName(name gazetteer.NodeID) string {
	if name == "" || len(name) > 63 {
		return fmt.Sprintf("the name %.80q has %d bytes, want 1 to 63", name, len(name))
	}
	const allowed = "abcdefghijklmnopqrstuvwxyz0123456789-."
	if strings.Trim(string(name), allowed) != "" || strings.Trim(string(name), "-.") != string(name) {
		return fmt.Sprintf("the name %q is not of lower-case letters, digits, hyphens and dots with a letter or digit at both ends", name)
	}
	return ""
}

// checkAddr accepts no address, and one that others can dial.
func checkAddr(addr string) error {
	if addr == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" {
		return bad("", "%q is not host:port, such as 10.0.0.1:7070, example.org:7070 or [2001:db8::1]:7070", addr)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return bad("", "the port of %q is not a number from 1 to 65535", addr)
	}
	return nil
}

func (b *builder) checkCluster(c *Cluster, at string) error {
	if len(c.Rings) == 0 {
		return bad(at+"/rings", "no rings: nobody would hold the data")
	}
	if err := b.checkNodeList(c.Servers, region.RoleCluster, at+"/servers"); err != nil {
		return err
	}
	for i := range c.Rings {
		r, at := &c.Rings[i], fmt.Sprintf("%s/rings/%d", at, i)
		if err := b.checkRing(r, at); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) checkRing(r *Ring, at string) error {
	if err := gazetteer.RegionID(r.Name).Validate(); err != nil {
		return bad(at+"/name", "the ring name %q is not a DNS label: lower-case letters, digits and hyphens, a letter first", r.Name)
	}
	if first, ok := b.rings[r.Name]; ok && b.agreed == nil {
		return bad(at+"/name", "the ring name %q is used at %s already; names are unique in a region", r.Name, first)
	}
	b.rings[r.Name] = at
	return b.checkNodeList(r.Members, region.RoleReplica, at+"/members")
}

// checkNodeList checks that nodes are there, known, different and of a role.
func (b *builder) checkNodeList(nodes []gazetteer.NodeID, role region.Role, at string) error {
	if len(nodes) == 0 {
		return bad(at, "no nodes: name at least one with the role %s", role)
	}
	for i, name := range nodes {
		at := fmt.Sprintf("%s/%d", at, i)
		n, err := b.plan.Node(name)
		if err != nil {
			return bad(at, "no node is named %q; there are %s", name, b.plan.nodeNames())
		}
		if !slices.Contains(n.Roles, role) {
			return bad(at, "the node %q does not have the role %s", name, role)
		}
		if b.agreed != nil && b.agreed.member(name).State == Leaving {
			return bad(at, "the node %q is leaving", name)
		}
		if slices.Contains(nodes[:i], name) {
			return bad(at, "the node %q is named twice", name)
		}
	}
	return nil
}

// place returns who owns which partition: as the rings say, or as is proposed.
func (b *builder) place(rings []Ring, at string) (cluster.Placement, error) {
	said := slices.IndexFunc(rings, func(r Ring) bool { return r.Partitions != nil })
	if said >= 0 {
		return b.placeAsSaid(rings, at)
	}
	names := make([]string, len(rings))
	for i := range rings {
		names[i] = rings[i].Name
	}
	p, err := cluster.Propose(names, b.plan.partitions)
	if err != nil {
		return nil, wrap(at, err)
	}
	return p, nil
}

func (b *builder) placeAsSaid(rings []Ring, at string) (cluster.Placement, error) {
	p := make(cluster.Placement, b.plan.partitions)
	for i, r := range rings {
		at := fmt.Sprintf("%s/%d/partitions", at, i)
		if r.Partitions == nil {
			return nil, bad(at, "the ring %q does not say which partitions it owns, but others of its cluster do", r.Name)
		}
		for _, index := range r.Partitions {
			if index >= b.plan.partitions {
				return nil, bad(at, "there is no partition %d: the planet has %d, from 0 on", index, b.plan.partitions)
			}
			if p[index] != "" {
				return nil, bad(at, "partition %d is owned by the ring %q already", index, p[index])
			}
			p[index] = r.Name
		}
	}
	if i := slices.Index(p, ""); i >= 0 {
		return nil, bad(at, "no ring owns partition %d: the planet has %d, from 0 on", i, b.plan.partitions)
	}
	return p, nil
}

func roleNames() string {
	var names []string
	for _, r := range roles {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}
