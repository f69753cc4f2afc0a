package peer

import (
	"math"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/ring"
)

// listPartitions is the most partitions that a Match, an Ask or a Leave carries; a
// longer one goes as several. It bounds what a few bytes can unfold to.
const listPartitions = 1 << 15

// runsOf returns a list of partitions in runs of one type and consecutive indexes. Any
// order survives; a sorted list is short.
func runsOf(n int, at func(int) gazetteer.Partition) *pb.Partitions {
	list := &pb.Partitions{}
	types := map[gazetteer.Type]uint32{}
	for i := 0; i < n; {
		first := at(i)
		count := 1
		for i+count < n && at(i+count) == (gazetteer.Partition{Type: first.Type, Index: first.Index + uint32(count)}) {
			count++
		}
		t, ok := types[first.Type]
		if !ok {
			t = uint32(len(types))
			types[first.Type] = t
			list.Types = append(list.Types, string(first.Type))
		}
		list.Runs = append(list.Runs, t, first.Index, uint32(count))
		i += count
	}
	return list
}

// partitionsOf is the reverse of runsOf. It fails if the list has more than limit
// partitions, or one that no planet of this many partitions has.
func partitionsOf(list *pb.Partitions, limit int, planet uint32, names *interner) ([]gazetteer.Partition, error) {
	n, err := countRuns(list, limit, planet)
	if err != nil || n == 0 {
		return nil, err
	}
	out := make([]gazetteer.Partition, 0, n)
	for r := list.Runs; len(r) > 0; r = r[3:] {
		t := gazetteer.Type(names.of(list.Types[r[0]]))
		for i := range r[2] {
			out = append(out, gazetteer.Partition{Type: t, Index: r[1] + i})
		}
	}
	return out, nil
}

// listOf puts runs into a list of partitions, heldIn is the reverse.
func listOf(runs []ring.Run) *pb.Partitions {
	list := &pb.Partitions{}
	for _, r := range runs {
		n := len(list.Types)
		if n == 0 || list.Types[n-1] != string(r.Type) {
			list.Types = append(list.Types, string(r.Type))
			n++
		}
		list.Runs = append(list.Runs, uint32(n-1), r.First, r.Count)
	}
	return list
}

func heldIn(list *pb.Partitions, planet uint32, names *interner) ([]ring.Run, error) {
	if n, err := countRuns(list, math.MaxInt, planet); err != nil || n == 0 {
		return nil, err
	}
	out := make([]ring.Run, 0, len(list.Runs)/3)
	for r := list.Runs; len(r) > 0; r = r[3:] {
		out = append(out, ring.Run{Type: gazetteer.Type(names.of(list.Types[r[0]])), First: r[1], Count: r[2]})
	}
	return out, nil
}

func countRuns(list *pb.Partitions, limit int, planet uint32) (int, error) {
	if list == nil {
		return 0, nil
	}
	if len(list.Runs)%3 != 0 {
		return 0, broken("peer.Link", "a run of partitions is cut", nil)
	}
	n := 0
	for r := list.Runs; len(r) > 0; r = r[3:] {
		if int64(r[0]) >= int64(len(list.Types)) {
			return 0, broken("peer.Link", "a run of partitions is of a type that is not listed", nil)
		}
		if end := uint64(r[1]) + uint64(r[2]); end > uint64(planet) {
			return 0, broken("peer.Link", "a run of partitions goes beyond the planet's", nil)
		}
		if n += int(r[2]); n > limit {
			return 0, broken("peer.Link", "too many partitions in one message", nil)
		}
	}
	return n, nil
}
