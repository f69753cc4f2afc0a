package control

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/region"
	"gazetteer/yamltree"
)

// internalRing is the one ring of the internal types. No ring of a description can have
// this name.
const internalRing = "_types"

// builder makes a plan of a description. The pointers in its errors lead into the
// description as a plan file has it.
type builder struct {
	d      *Description
	plan   *Plan
	rings  map[string]string // where each ring name was used
	agreed *state            // what d was made of; nil if somebody wrote it
}

// New makes a plan. An error has kind Unprocessable and points at what is wrong, as in
// /types/ndt/rings/0/members/1.
func New(d Description) (*Plan, error) { return build(&d, nil) }

func build(d *Description, agreed *state) (*Plan, error) {
	b := &builder{d: d, agreed: agreed, rings: map[string]string{}, plan: &Plan{
		region:     d.Region,
		epoch:      cmp.Or(d.Epoch, 1),
		partitions: cmp.Or(d.Partitions, gazetteer.DefaultPartitions),
		nodes:      slices.Clone(d.Nodes),
		roles:      map[gazetteer.NodeID][]region.Role{},
		types:      map[gazetteer.Type]*cluster.Plan{},
		agreed:     agreed,
	}}
	for _, step := range []func() error{b.checkPlanet, b.addNodes, b.addInternal, b.addDefault, b.addTypes} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	b.addStores()
	b.addDead()
	return b.plan, nil
}

func (b *builder) checkPlanet() error {
	if err := b.d.Region.Validate(); err != nil {
		return wrap("/region", err)
	}
	if b.plan.partitions > cluster.MaxPartitions {
		return bad("/partitions", "%d partitions, want 1 to %d", b.plan.partitions, cluster.MaxPartitions)
	}
	return nil
}

func (b *builder) addNodes() error {
	if len(b.d.Nodes) == 0 {
		return bad("/nodes", "no nodes: name at least one process")
	}
	if err := checkNodes(b.d.Nodes, gazetteer.NodeID.Store); err != nil {
		return err
	}
	for _, n := range b.d.Nodes {
		b.plan.roles[n.Name] = withImplied(n.Roles)
	}
	return nil
}

// withImplied adds the roles that a regional server needs for the internal types.
func withImplied(roles []region.Role) []region.Role {
	out := slices.Clone(roles)
	if !slices.Contains(out, region.RoleRegion) {
		return out
	}
	for _, r := range []region.Role{region.RoleCluster, region.RoleReplica} {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// addInternal gives the internal types to the regional servers.
func (b *builder) addInternal() error {
	var regional []gazetteer.NodeID
	for _, n := range b.d.Nodes {
		if slices.Contains(n.Roles, region.RoleRegion) && b.seated(n.Name) {
			regional = append(regional, n.Name)
		}
	}
	if len(regional) == 0 {
		return bad("/nodes", "no node has the role region: nobody would answer requests")
	}
	rings := []Ring{{Name: internalRing, Members: regional}}
	if err := b.addType(gazetteer.TypesType, Cluster{Servers: regional, Rings: rings}, ""); err != nil {
		return err
	}
	b.plan.types[gazetteer.RegionsType] = b.plan.types[gazetteer.TypesType]
	return nil
}

// seated reports whether a regional server counts as one, see [Member.seated].
func (b *builder) seated(n gazetteer.NodeID) bool {
	return b.agreed == nil || b.agreed.member(n).seated()
}

func (b *builder) addDefault() (err error) {
	if err := b.checkCluster(&b.d.Default, "/default"); err != nil {
		return err
	}
	b.plan.others, err = b.newCluster(&b.d.Default, "/default")
	return err
}

func (b *builder) addTypes() error {
	for _, t := range slices.Sorted(maps.Keys(b.d.Types)) {
		c, at := b.d.Types[t], "/types/"+yamltree.Escape(string(t))
		if t.Internal() {
			return bad(at, "internal types belong to the nodes with the role region")
		}
		if err := t.Validate(); err != nil {
			return wrap(at, err)
		}
		if err := b.checkCluster(&c, at); err != nil {
			return err
		}
		if err := b.addType(t, c, at); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) addType(t gazetteer.Type, c Cluster, at string) error {
	made, err := b.newCluster(&c, at)
	b.plan.types[t] = made
	return err
}

func (b *builder) newCluster(c *Cluster, at string) (*cluster.Plan, error) {
	placement, err := b.place(c.Rings, at+"/rings")
	if err != nil {
		return nil, err
	}
	var rings []cluster.Ring
	for _, r := range c.Rings {
		rings = append(rings, cluster.Ring{Name: r.Name, Members: r.Members})
	}
	made, err := cluster.NewPlan(c.Servers, rings, placement)
	if err != nil {
		return nil, wrap(at, err)
	}
	return made, nil
}

func (b *builder) addStores() {
	stores := map[gazetteer.StoreID]bool{}
	for _, c := range append(slices.Collect(maps.Values(b.plan.types)), b.plan.others) {
		for _, r := range c.Rings() {
			for _, m := range r.Members {
				stores[m.Store()] = true
			}
		}
	}
	b.plan.stores = slices.Sorted(maps.Keys(stores))
}

func (b *builder) addDead() {
	b.plan.dead = map[gazetteer.NodeID]bool{}
	for _, m := range b.plan.Members() {
		if m.State == Dead {
			b.plan.dead[m.Name] = true
		}
	}
}

func (p *Plan) nodeNames() string {
	var names []string
	for i, n := range p.nodes {
		if i == 10 {
			return strings.Join(names, ", ") + fmt.Sprintf(" and %d more", len(p.nodes)-i)
		}
		names = append(names, string(n.Name))
	}
	return strings.Join(names, ", ")
}

func fail(kind gazetteer.Kind, pointer, format string, args ...any) error {
	return &gazetteer.Error{Op: "control.New", Kind: kind, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
}

func bad(pointer, format string, args ...any) error {
	return fail(gazetteer.Unprocessable, pointer, format, args...)
}

func wrap(pointer string, err error) error {
	return &gazetteer.Error{Op: "control.New", Kind: gazetteer.KindOf(err), Pointer: pointer, Err: err}
}
