package control

import (
	"encoding/hex"
	"slices"
	"strconv"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/yamltree"
)

// Limits of a state, so that a command that repeats itself cannot grow it without end.
const (
	maxMembers    = 1 << 10
	maxPeers      = 1 << 10
	maxTokens     = 100
	maxValueBytes = 256 << 10 // of a peer or the tree
)

// check refuses what [build] does not look at.
func (s *state) check() error {
	for _, part := range []func() error{s.checkMembers, s.checkRings, s.checkClusters, s.checkPlanet, s.checkTokens} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

func (s *state) checkMembers() error {
	if s.Epoch == 0 {
		return bad("/epoch", "no plan: the region is not founded")
	}
	if len(s.Members) > maxMembers {
		return bad("/nodes", "%d members, want at most %d", len(s.Members), maxMembers)
	}
	servers := map[string]bool{}
	for i, m := range s.Members {
		at := "/nodes/" + strconv.Itoa(i)
		if !slices.Contains([]MemberState{Joining, Live, Dead, Leaving}, m.State) {
			return bad(at+"/state", "%q is no state of a member", m.State)
		}
		if m.Server != "" && servers[m.Server] {
			return bad(at+"/server", "the data directory %q belongs to two members", m.Server)
		}
		servers[m.Server] = true
	}
	return nil
}

func (s *state) checkRings() error {
	for i, r := range s.Rings {
		if s.ring(r.Name) != &s.Rings[i] {
			return bad("/rings/"+strconv.Itoa(i), "the ring %q is named twice", r.Name)
		}
	}
	return nil
}

func (s *state) checkClusters() error {
	for _, t := range s.clusterNames() {
		c, at := s.clusterOf(t), "/default"
		if t != "" {
			at = "/types/" + yamltree.Escape(string(t))
		}
		if c == nil {
			return bad(at, "no cluster")
		}
		if err := s.checkShards(c, at); err != nil {
			return err
		}
	}
	return nil
}

func (s *state) checkShards(c *shards, at string) error {
	if len(c.Rings) == 0 {
		return bad(at+"/rings", "no rings: nobody would hold the data")
	}
	if n := uint32(len(c.Owners)); n != s.Partitions || uint32(len(c.Target)) != n {
		return bad(at, "%d partitions have an owner and %d a target, the planet has %d", n, len(c.Target), s.Partitions)
	}
	for _, name := range c.names() {
		if s.ring(name) == nil {
			return bad(at+"/rings", "no ring is named %q", name)
		}
	}
	for i, name := range c.Target {
		if !slices.Contains(c.Rings, name) {
			return bad(at+"/target", "partition %d is to go to %q, which is no ring of the cluster", i, name)
		}
	}
	if err := checkAuto(c.Auto, s.Partitions, at+"/auto"); err != nil {
		return err
	}
	return c.checkMoves(at)
}

func (c *shards) checkMoves(at string) error {
	for i, m := range c.Moves {
		at := at + "/moves/" + strconv.Itoa(i)
		if i > 0 && m.Partition <= c.Moves[i-1].Partition {
			return bad(at, "partition %d is out of order", m.Partition)
		}
		if m.Partition >= uint32(len(c.Owners)) || m.From == m.To {
			return bad(at, "partition %d cannot move from %q to %q", m.Partition, m.From, m.To)
		}
		owner := m.From
		if m.Switched {
			owner = m.To
		}
		if c.Owners[m.Partition] != owner {
			return bad(at, "partition %d is owned by %q, not by %q", m.Partition, c.Owners[m.Partition], owner)
		}
	}
	return nil
}

// checkPlanet looks at what the plan says of other regions.
func (s *state) checkPlanet() error {
	if s.Partitions == 0 || s.Partitions > cluster.MaxPartitions {
		return bad("/partitions", "%d partitions, want 1 to %d", s.Partitions, cluster.MaxPartitions)
	}
	if len(s.Peers) > maxPeers {
		return bad("/peers", "%d other regions, want at most %d", len(s.Peers), maxPeers)
	}
	for r, value := range s.Peers {
		if err := checkPeer(s.Region, r, value); err != nil {
			return err
		}
	}
	if len(s.Tree) > maxValueBytes {
		return bad("/tree", "the tree has %d bytes, want at most %d", len(s.Tree), maxValueBytes)
	}
	return nil
}

func checkPeer(own, r gazetteer.RegionID, value []byte) error {
	at := "/peers/" + yamltree.Escape(string(r))
	if err := r.Validate(); err != nil {
		return wrap(at, err)
	}
	if r == own {
		return bad(at, "the region %q is not a peer of itself", r)
	}
	if len(value) == 0 || len(value) > maxValueBytes {
		return bad(at, "what is known of %q has %d bytes, want 1 to %d", r, len(value), maxValueBytes)
	}
	return nil
}

func (s *state) checkTokens() error {
	if len(s.Tokens) > maxTokens {
		return bad("/tokens", "%d join tokens are valid, want at most %d: wait until some expire, or revoke them", len(s.Tokens), maxTokens)
	}
	for i, t := range s.Tokens {
		at := "/tokens/" + strconv.Itoa(i)
		if raw, err := hex.DecodeString(t.Hash); err != nil || len(raw) != tokenHashBytes {
			return bad(at, "%.80q is no hash of a token", t.Hash)
		}
		if s.token(t.Hash) != &s.Tokens[i] {
			return bad(at, "the token %s is there twice", t.id())
		}
		if err := t.check(at); err != nil {
			return err
		}
	}
	return nil
}
