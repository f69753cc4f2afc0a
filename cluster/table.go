package cluster

import "gazetteer"

// Table finds the ring that owns a partition with one memory access. It never changes
// and may be read by all at once; the zero Table owns nothing.
type Table struct{ owners []uint16 }

func newTable(rings []string, p Placement) (Table, error) {
	if err := checkNames("cluster.NewPlan", rings); err != nil {
		return Table{}, err
	}
	if len(p) == 0 || len(p) > MaxPartitions {
		return Table{}, fail("cluster.NewPlan", gazetteer.Unprocessable, "the placement has %d partitions, want 1 to %d", len(p), MaxPartitions)
	}
	index := make(map[string]uint16, len(rings))
	for i, name := range rings {
		index[name] = uint16(i)
	}
	t := Table{owners: make([]uint16, len(p))}
	for partition, name := range p {
		i, ok := index[name]
		if !ok {
			return Table{}, fail("cluster.NewPlan", gazetteer.Unprocessable, "partition %d is owned by %q, which is no ring of the cluster", partition, name)
		}
		t.owners[partition] = i
	}
	return t, nil
}

// Partitions returns how many partitions the table has.
func (t Table) Partitions() uint32 { return uint32(len(t.owners)) }

// Ring returns the index of the ring that owns a partition; false if there is no such
// partition.
func (t Table) Ring(partition uint32) (int, bool) {
	if uint64(partition) >= uint64(len(t.owners)) {
		return 0, false
	}
	return int(t.owners[partition]), true
}
