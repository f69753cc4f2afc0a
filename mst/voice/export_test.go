package voice

// ProposeNow opens an epoch, whatever this voice thinks of it.
func (v *Voice) ProposeNow() { v.propose(CauseRegions) }
