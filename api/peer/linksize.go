package peer

import "gazetteer/ring"

// controlSize returns about how many bytes a message that is not data takes.
func controlSize(m ring.Message) int {
	const base, position = 96, 24
	switch m := m.(type) {
	case ring.Greet:
		return base + 32*len(m.Digests)
	case ring.Match:
		return base + position*len(m.Partitions)
	case ring.Ask:
		return base + position*len(m.Partitions)
	case ring.Leave:
		return base + position*len(m.Partitions)
	case ring.Hello:
		return base + position*(len(m.Vector)+len(m.Collected)) + resumeSize(m.Resume)
	case ring.Subscribe:
		return base + len(m.Scope.Filter.Prefix) + position*len(m.Vector)
	case ring.Report:
		return base + position*len(m.Durable)
	case ring.Reach:
		return base + position*len(m.Durable)
	case ring.Fresh:
		return base + 2*position*len(m.Positions) + stableSize(m.Stable)
	}
	return base
}

func resumeSize(r *ring.Resume) int {
	if r == nil {
		return 0
	}
	return 64 + 24*len(r.Snapshot)
}

func stableSize(s *ring.Stable) int {
	if s == nil {
		return 0
	}
	return 32 + 32*len(s.Ended) + 32*len(s.Held)
}
