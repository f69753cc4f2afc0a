package voice

import (
	"slices"

	"gazetteer"
	"gazetteer/mst"
)

// Saved is what the region keeps, in its raft log, for whoever speaks for it next.
type Saved struct {
	// Epoch is the highest that this region entered. It takes no part in it again: what
	// the voice before knew of that run is lost.
	Epoch mst.Epoch
	Tree  mst.Tree // the installed tree; its Epoch is zero before the first
	// Seen are the regions to which an edge took part in the epoch of the tree, sorted.
	Seen []gazetteer.RegionID
	// Branches are the links to other regions that are wanted now, sorted by region.
	Branches []Branch
}

// Branch is a link to another region that is wanted, and why.
type Branch struct {
	Region gazetteer.RegionID
	Why    Why
}

// Why says what a branch is for. Of several reasons the first of these counts.
type Why uint8

const (
	// Tree: it is an edge of the installed tree.
	Tree Why = iota + 1
	// Provisional: the tree is in parts, and this is the lightest edge between two. The
	// next tree confirms or replaces it.
	Provisional
	// Shortcut: the way along the tree is much longer, see [Config].
	Shortcut
	// Contact: by it this region joined the planet. It counts until a tree holds both.
	Contact
	// Asked: the other end wants it for one of these reasons.
	Asked
	// Draining: nothing wants it any more; it carries on until what replaced it certainly
	// does.
	Draining
)

func (w Why) String() string {
	return [...]string{"nothing", "tree", "provisional", "shortcut", "contact", "asked", "draining"}[min(w, Draining)]
}

// Encode returns the bytes of s, see [DecodeSaved].
func (s Saved) Encode() []byte {
	dst := appendEpoch([]byte{formatSaved}, s.Epoch)
	dst = appendEpoch(dst, s.Tree.Epoch)
	dst = uvarint(uvarint(dst, uint64(s.Tree.Regions)), s.Tree.Weight)
	dst = uvarint(dst, uint64(len(s.Tree.Branches)))
	for _, b := range s.Tree.Branches {
		dst = uvarint(appendName(dst, b.To), b.Cost)
	}
	dst = uvarint(dst, uint64(len(s.Seen)))
	for _, r := range s.Seen {
		dst = appendName(dst, r)
	}
	dst = uvarint(dst, uint64(len(s.Branches)))
	for _, b := range s.Branches {
		dst = append(appendName(dst, b.Region), byte(b.Why))
	}
	return dst
}

// DecodeSaved returns what b encodes; no bytes are the zero value. What [Saved.Encode]
// does not write is an error of kind Invalid.
func DecodeSaved(b []byte) (Saved, error) {
	if len(b) == 0 {
		return Saved{}, nil
	}
	d := decoder{b: b, op: "voice.DecodeSaved"}
	d.format(formatSaved)
	s := d.saved()
	if err := d.end(); err != nil {
		return Saved{}, err
	}
	return s, nil
}

func (d *decoder) saved() Saved {
	s := Saved{Epoch: d.epoch()}
	s.Tree = mst.Tree{Epoch: d.epoch(), Regions: d.regions(), Weight: d.uvarint(maxWeight)}
	if s.Tree.Epoch.Compare(s.Epoch) > 0 {
		d.fail("the tree is of %v, above %v", s.Tree.Epoch, s.Epoch)
	}
	for range d.count(3) {
		s.Tree.Branches = append(s.Tree.Branches, mst.Edge{To: d.name(), Cost: d.cost()})
	}
	for range d.count(2) {
		s.Seen = append(s.Seen, d.name())
	}
	for range d.count(3) {
		s.Branches = append(s.Branches, Branch{d.name(), d.why()})
	}
	if !slices.IsSorted(s.Seen) || !slices.IsSortedFunc(s.Branches, Branch.compare) {
		d.fail("names are not sorted")
	}
	return s
}

func (d *decoder) why() Why {
	w := Why(d.byte())
	if w < Tree || w > Draining {
		d.fail("a branch for reason %d", w)
	}
	return w
}
