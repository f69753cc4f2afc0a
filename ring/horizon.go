package ring

import "gazetteer"

// Collected returns up to where this replica may have collected tombstones of a partition.
// Who was told less than that cannot be told what has become of the rest (rule 7).
func (r *Replica) Collected(p gazetteer.Partition) gazetteer.Vector {
	if m := r.mirrors[p]; m != nil {
		return m.collected.Clone()
	}
	return nil
}
