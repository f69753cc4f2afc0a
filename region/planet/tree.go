package planet

import (
	"gazetteer"
	"gazetteer/mst/voice"
	"gazetteer/region/control"
)

// savedIn returns what a plan holds of the tree ([control.Plan.Tree]).
func savedIn(p *control.Plan) (voice.Saved, error) {
	s, err := voice.DecodeSaved(p.Tree())
	if err != nil {
		return voice.Saved{}, refuse("Tree", gazetteer.Internal, "", "what the plan holds of the tree cannot be read: %v", err)
	}
	return s, nil
}

// branchesOf returns the regions that a plan is linked to: those of the tree, those of the
// last tree until the new one certainly carries everything, and what stands in for an edge
// that is gone.
func branchesOf(p *control.Plan) (out []gazetteer.RegionID) {
	s, err := savedIn(p)
	if err != nil {
		return nil
	}
	for _, b := range s.Branches {
		out = append(out, b.Region)
	}
	return out
}
