package cluster

import (
	"fmt"
	"math"
	"slices"

	"github.com/buraksezer/consistent"

	"gazetteer"
)

// How the proposal spreads partitions. Another value proposes another placement; plans
// that exist are not touched by it.
const (
	pointsPerRing = 20   // places of a ring on the circle: more is more even
	load          = 1.25 // no ring owns more than this times the mean: less moves more
)

// Placement names the ring that owns each partition, by partition index. The plan
// holds it, so that all servers agree whatever their version proposes.
type Placement []string

// Propose spreads partitions over rings by consistent hashing with bounded loads
// (Mirrokni, Thorup and Zadimoghaddam 2016). It depends on the set of names alone, not
// on their order, and adding or removing a ring moves little more than that ring's
// share. Without rings the kind of the error is Unavailable.
func Propose(rings []string, partitions uint32) (Placement, error) {
	return propose(rings, partitions, pointsPerRing, load)
}

func propose(rings []string, partitions uint32, points int, load float64) (Placement, error) {
	if err := checkProposal(rings, partitions, load); err != nil {
		return nil, err
	}
	circle := consistent.New(membersOf(rings), consistent.Config{
		Hasher:            hasher{},
		PartitionCount:    int(partitions),
		ReplicationFactor: points,
		Load:              load,
	})
	p := make(Placement, partitions)
	for i := range p {
		p[i] = circle.GetPartitionOwner(i).String()
	}
	return p, nil
}

// checkProposal refuses what the library would panic at.
func checkProposal(rings []string, partitions uint32, load float64) error {
	if len(rings) == 0 {
		return fail("cluster.Propose", gazetteer.Unavailable, "no rings to own the partitions")
	}
	if partitions == 0 || partitions > MaxPartitions {
		return fail("cluster.Propose", gazetteer.Unprocessable, "%d partitions, want 1 to %d", partitions, MaxPartitions)
	}
	if err := checkNames("cluster.Propose", rings); err != nil {
		return err
	}
	most := math.Ceil(float64(partitions) / float64(len(rings)) * load)
	if most*float64(len(rings)) < float64(partitions) {
		return fail("cluster.Propose", gazetteer.Unprocessable, "not enough room: %d rings with at most %.0f partitions each cannot own %d; the load must be at least 1", len(rings), most, partitions)
	}
	return nil
}

func checkNames(op string, rings []string) error {
	if len(rings) > MaxRings {
		return fail(op, gazetteer.Unprocessable, "%d rings, want at most %d", len(rings), MaxRings)
	}
	sorted := slices.Sorted(slices.Values(rings))
	for i, name := range sorted {
		if name == "" {
			return fail(op, gazetteer.Unprocessable, "a ring has no name")
		}
		if i > 0 && name == sorted[i-1] {
			return fail(op, gazetteer.Unprocessable, "ring %q is named twice", name)
		}
	}
	return nil
}

// membersOf sorts: should two points of the circle ever collide, the same ring wins
// everywhere.
func membersOf(rings []string) []consistent.Member {
	var out []consistent.Member
	for _, name := range slices.Sorted(slices.Values(rings)) {
		out = append(out, member(name))
	}
	return out
}

type member string

func (m member) String() string { return string(m) }

type hasher struct{}

func (hasher) Sum64(b []byte) uint64 { return gazetteer.HashBytes(b) }

// Move is one partition that changes hands.
type Move struct {
	Partition uint32
	From, To  string
}

// Moves lists what differs between two placements of equally many partitions, by
// partition.
func (p Placement) Moves(to Placement) ([]Move, error) {
	if len(p) != len(to) {
		return nil, fail("cluster.Moves", gazetteer.Unprocessable, "from %d partitions to %d: their number never changes", len(p), len(to))
	}
	var out []Move
	for i := range p {
		if p[i] != to[i] {
			out = append(out, Move{Partition: uint32(i), From: p[i], To: to[i]})
		}
	}
	return out, nil
}

func fail(op string, kind gazetteer.Kind, format string, args ...any) error {
	return &gazetteer.Error{Op: op, Kind: kind, Detail: fmt.Sprintf(format, args...)}
}
