package control

import (
	"bytes"
	"maps"

	"gazetteer"
)

// SetPeer keeps what is known of another region. The value is opaque here.
type SetPeer struct {
	Region gazetteer.RegionID `json:"region"`
	Value  []byte             `json:"value"`
}

func (SetPeer) kind() string  { return "set-peer" }
func (SetPeer) guarded() bool { return true }

func (e SetPeer) edit(s *state) (bool, error) {
	if err := checkPeer(s.Region, e.Region, e.Value); err != nil {
		return false, err
	}
	if bytes.Equal(s.Peers[e.Region], e.Value) {
		return false, nil
	}
	if s.Peers == nil {
		s.Peers = map[gazetteer.RegionID][]byte{}
	}
	s.Peers[e.Region] = e.Value
	return true, nil
}

// DropPeer forgets another region.
type DropPeer struct {
	Region gazetteer.RegionID `json:"region"`
}

func (DropPeer) kind() string  { return "drop-peer" }
func (DropPeer) guarded() bool { return true }

func (e DropPeer) edit(s *state) (bool, error) {
	if _, ok := s.Peers[e.Region]; !ok {
		return false, refuse(gazetteer.NotFound, "/region", "no other region is named %q", e.Region)
	}
	s.Peers = maps.Clone(s.Peers)
	delete(s.Peers, e.Region)
	return true, nil
}

// SetTree installs a tree of regions. The value is opaque here; an empty one is refused:
// a tree is only ever replaced by another.
type SetTree struct {
	Value []byte `json:"value"`
}

func (SetTree) kind() string  { return "set-tree" }
func (SetTree) guarded() bool { return true }

func (e SetTree) edit(s *state) (bool, error) {
	if len(e.Value) == 0 {
		return false, refuse(gazetteer.Unprocessable, "/value", "an empty tree would leave the region without its neighbours")
	}
	if bytes.Equal(s.Tree, e.Value) {
		return false, nil
	}
	s.Tree = e.Value
	return true, nil
}
