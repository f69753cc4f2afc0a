package voice

import (
	"cmp"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/mst"
)

// branch is a wanted link; one that drains has an end.
type branch struct {
	Branch
	until time.Duration // 0: the drain has not begun
}

func (b Branch) compare(c Branch) int { return cmp.Compare(b.Region, c.Region) }

// why returns what the edge to p is wanted for, 0 if for nothing.
func (v *Voice) why(p *peer) Why {
	switch {
	case v.inTree(p.name):
		return Tree
	case slices.Contains(v.bridges, p.name):
		return Provisional
	case v.hasShortcut(p.name):
		return Shortcut
	case p.name == v.contact:
		return Contact
	case p.wants:
		return Asked
	}
	return 0
}

func (v *Voice) inTree(to gazetteer.RegionID) bool {
	return slices.ContainsFunc(v.tree.Branches, func(e mst.Edge) bool { return e.To == to })
}

// reckon finds which branches are wanted now. One for which there is no reason any more
// drains: make before break.
func (v *Voice) reckon() {
	if v.members == nil {
		return // what was saved stands until the others are known
	}
	var next []branch
	for _, p := range v.peers {
		if why := v.why(p); why != 0 {
			next = append(next, branch{Branch: Branch{p.name, why}})
		}
	}
	for _, b := range v.branches {
		if !slices.ContainsFunc(next, func(n branch) bool { return n.Region == b.Region }) && v.drains(&b) {
			next = append(next, b)
		}
	}
	slices.SortFunc(next, func(a, b branch) int { return a.compare(b.Branch) })
	v.branches = next
}

// drains reports whether a branch without a reason is still kept.
func (v *Voice) drains(b *branch) bool {
	if b.Why != Draining || b.until == 0 {
		b.Why, b.until = Draining, v.now+v.cfg.Drain
	}
	return v.now < b.until
}

// wanted returns the branches as others see them.
func (v *Voice) wanted() []Branch {
	var out []Branch
	for _, b := range v.branches {
		out = append(out, b.Branch)
	}
	return out
}

// tell returns the branches if they have changed since they were told, else nil.
func (v *Voice) tell() []Branch {
	now := v.wanted()
	if v.told != nil && slices.Equal(now, v.told) {
		return nil
	}
	v.told, v.changed = append([]Branch{}, now...), true
	return slices.Clone(v.told)
}
