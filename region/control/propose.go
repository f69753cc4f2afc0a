package control

import (
	"cmp"
	"slices"

	"gazetteer"
	"gazetteer/cluster"
)

// WithRing returns the command that adds a ring to a cluster, the default one for "".
// The ring gets its share of the partitions, and little else moves.
func (p *Plan) WithRing(t gazetteer.Type, ring string, members []gazetteer.NodeID) (Command, error) {
	c, err := p.clusterToEdit(t)
	if err != nil {
		return Command{}, err
	}
	if slices.Contains(c.Rings, ring) {
		return Command{}, refuse(gazetteer.Conflict, "/ring", "the ring %q is there already", ring)
	}
	target, err := c.spread(append(slices.Clone(c.Rings), ring))
	return Command{Expect: p.epoch, Edit: AddRing{Type: t, Ring: ring, Members: members, Target: target}}, err
}

// WithoutRing returns the command that removes a ring from a cluster.
func (p *Plan) WithoutRing(t gazetteer.Type, ring string) (Command, error) {
	c, err := p.clusterToEdit(t)
	if err != nil {
		return Command{}, err
	}
	e := RemoveRing{Type: t, Ring: ring, Target: c.Target}
	rest := slices.DeleteFunc(slices.Clone(c.Rings), func(r string) bool { return r == ring })
	if len(rest) > 0 && len(rest) < len(c.Rings) {
		e.Target, err = c.spread(rest)
	}
	return Command{Expect: p.epoch, Edit: e}, err
}

// WithMembers returns the command that changes who mirrors a ring of a cluster. A ring that
// other clusters spread over, too, changes for all of them.
func (p *Plan) WithMembers(t gazetteer.Type, ring string, members []gazetteer.NodeID, force bool) (Command, error) {
	c, err := p.clusterToEdit(t)
	if err != nil {
		return Command{}, err
	}
	if !slices.Contains(c.names(), ring) {
		return Command{}, refuse(gazetteer.NotFound, "/ring", "%s has no ring %q; it has %v", clusterText(t), ring, c.names())
	}
	return Command{Expect: p.epoch, Edit: SetRing{Ring: ring, Members: members, Force: force}}, nil
}

// Try returns the plan that a command would make of this one, and changes nothing: what
// an operator looks at before he decides.
func (p *Plan) Try(e Edit) (*Plan, error) {
	if p.agreed == nil {
		return nil, errFilePlan()
	}
	m := &machine{}
	m.now.Store(&agreed{p.agreed, p})
	next, err := m.perform(Command{Expect: p.epoch, Edit: e})
	if err != nil {
		return nil, err
	}
	return next.plan, nil
}

func errFilePlan() error {
	return refuse(gazetteer.Conflict, "", "the plan comes from a file: change the file")
}

func (p *Plan) clusterToEdit(t gazetteer.Type) (*shards, error) {
	if p.agreed == nil {
		return nil, errFilePlan()
	}
	return p.agreed.named(t)
}

// spread returns who is to own what once a cluster has these rings: what is proposed for
// them if the partitions lie as was proposed for those before, else as they lie with as
// few moves as can be.
func (c *shards) spread(rings []string) (owners, error) {
	before, err := cluster.Propose(c.Rings, uint32(len(c.Target)))
	if err != nil {
		return nil, err
	}
	if !slices.Equal(owners(before), c.Target) {
		return deal(c.Target, rings), nil
	}
	after, err := cluster.Propose(rings, uint32(len(c.Target)))
	return owners(after), err
}

// deal moves as little as can be: what belonged to a ring that is gone goes to the
// smallest one, piece by piece, and a ring that owns nothing gets its share of those that
// own more than theirs.
func deal(target owners, rings []string) owners {
	d := dealer{owners: slices.Clone(target), count: map[string]int{}}
	for _, name := range target {
		d.count[name]++
	}
	for i, name := range target {
		if !slices.Contains(rings, name) {
			d.give(i, smallest(rings, d.count))
		}
	}
	for _, name := range rings {
		if !slices.Contains(target, name) {
			d.fill(name, len(target)/len(rings))
		}
	}
	return d.owners
}

type dealer struct {
	owners owners
	count  map[string]int // of the partitions of each ring
}

func (d *dealer) give(i int, to string) {
	d.count[d.owners[i]]--
	d.count[to]++
	d.owners[i] = to
}

func (d *dealer) fill(name string, share int) {
	for i := len(d.owners) - 1; i >= 0 && d.count[name] < share; i-- {
		if d.count[d.owners[i]] > share {
			d.give(i, name)
		}
	}
}

// smallest returns the ring with the fewest partitions, of these the first by name.
func smallest(rings []string, count map[string]int) string {
	return slices.MinFunc(rings, func(a, b string) int {
		return cmp.Or(cmp.Compare(count[a], count[b]), cmp.Compare(a, b))
	})
}
