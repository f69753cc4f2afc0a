package control

import (
	"cmp"
	"slices"
	"strconv"

	"gazetteer"
)

// maxMovesAtOnce bounds what one region moves at a time, whatever a command allows.
const maxMovesAtOnce = 64

// beginMoves lets the next partitions of a cluster fill at their new owner.
type beginMoves struct {
	Type       gazetteer.Type `json:"type,omitempty"`
	Partitions []uint32       `json:"partitions"`
	AtOnce     int            `json:"at_once"` // so many may be on their way in the region
}

func (beginMoves) kind() string  { return "begin-moves" }
func (beginMoves) guarded() bool { return true }

func (e beginMoves) edit(s *state) (bool, error) {
	c, err := s.named(e.Type)
	if err != nil {
		return false, err
	}
	if n := s.moving() + len(e.Partitions); n > min(e.AtOnce, maxMovesAtOnce) {
		return false, refuse(gazetteer.Conflict, "/partitions", "%s would be on their way at once, want at most %d", counted(n, "partition"), min(e.AtOnce, maxMovesAtOnce))
	}
	return eachPartition(e.Partitions, func(p uint32, at string) error { return c.begin(p, at) })
}

func (c *shards) begin(p uint32, at string) error {
	if int(p) >= len(c.Owners) || c.move(p) >= 0 || c.Owners[p] == c.Target[p] {
		return refuse(gazetteer.Conflict, at, "partition %d is not one that has yet to move", p)
	}
	c.Moves = append(c.Moves, Move{Partition: p, From: c.Owners[p], To: c.Target[p]})
	slices.SortFunc(c.Moves, func(a, b Move) int { return cmp.Compare(a.Partition, b.Partition) })
	return nil
}

// SwitchMoves makes the new owners of partitions their owners: they have filled. The old
// ones keep them, and what is still written there goes on to the new.
type SwitchMoves struct {
	Type       gazetteer.Type `json:"type,omitempty"` // "" for the default cluster
	Partitions []uint32       `json:"partitions"`
}

func (SwitchMoves) kind() string  { return "switch-moves" }
func (SwitchMoves) guarded() bool { return true }

func (e SwitchMoves) edit(s *state) (bool, error) {
	c, err := s.named(e.Type)
	if err != nil {
		return false, err
	}
	return eachPartition(e.Partitions, func(p uint32, at string) error {
		i := c.move(p)
		if i < 0 || c.Moves[i].Switched {
			return refuse(gazetteer.Conflict, at, "partition %d is not one that fills", p)
		}
		c.Moves[i].Switched = true
		c.Owners[p] = c.Moves[i].To
		return nil
	})
}

// FinishMoves lets the old owners of partitions drop them: every member uses a plan in
// which they have switched, and a majority of the new owner's ring is durable at all that
// the old one holds.
type FinishMoves struct {
	Type       gazetteer.Type `json:"type,omitempty"`
	Partitions []uint32       `json:"partitions"`
}

func (FinishMoves) kind() string  { return "finish-moves" }
func (FinishMoves) guarded() bool { return true }

func (e FinishMoves) edit(s *state) (bool, error) {
	c, err := s.named(e.Type)
	if err != nil {
		return false, err
	}
	changed, err := eachPartition(e.Partitions, func(p uint32, at string) error {
		i := c.move(p)
		if i < 0 || !c.Moves[i].Switched {
			return refuse(gazetteer.Conflict, at, "partition %d is not one that has switched", p)
		}
		c.Moves = slices.Delete(c.Moves, i, i+1)
		return nil
	})
	s.dropUnused()
	return changed, err
}

func eachPartition(list []uint32, do func(p uint32, at string) error) (bool, error) {
	for i, p := range list {
		if err := do(p, "/partitions/"+strconv.Itoa(i)); err != nil {
			return false, err
		}
	}
	return len(list) > 0, nil
}

// moving counts the partitions of the region that are on their way.
func (s *state) moving() (n int) {
	for _, t := range s.clusterNames() {
		n += len(s.clusterOf(t).Moves)
	}
	return n
}

// nextMoves returns what may begin now, so that at most so many are on their way at once;
// nil if nothing. A ring that does not live is left for later.
func (s *state) nextMoves(atOnce int) Edit {
	room := min(atOnce, maxMovesAtOnce) - s.moving()
	if room <= 0 {
		return nil
	}
	for _, t := range s.clusterNames() {
		var list []uint32
		for _, m := range s.clusterOf(t).pending() {
			if len(list) < room && s.liveRing(m.To) && s.liveRing(m.From) {
				list = append(list, m.Partition)
			}
		}
		if list != nil {
			return beginMoves{Type: t, Partitions: list, AtOnce: atOnce}
		}
	}
	return nil
}

func (s *state) liveRing(name string) bool {
	return slices.ContainsFunc(s.ring(name).Members, func(n gazetteer.NodeID) bool { return s.member(n).State == Live })
}
