package region

import (
	"context"
	"fmt"
	"time"

	"gazetteer"
)

// within reports whether a replica's knowledge is certainly no older than a query takes; 0
// takes any. A degraded answer's bound leaves an origin out, whose writes may be older than
// anything: it is within none.
func (i *ReadInfo) within(most time.Duration) bool {
	return most == 0 || !i.Degraded && i.Staleness <= most
}

// fresher returns what was read here if it is fresh enough, or what the nearest region
// knows that is. One that was named, by the query or by the type's policy, is asked alone.
func (s *Server) fresher(ctx context.Context, dst []byte, q *Query, spec *TypeSpec, out []byte, info ReadInfo) ([]byte, ReadInfo, error) {
	if info.within(q.MaxStale) {
		return out, info, nil
	}
	best := info
	if q.Region == "" && spec.Policy.Region() == "" && s.elsewhere != nil {
		for i, far := range s.elsewhere.Nearest() {
			if i == farMax || ctx.Err() != nil {
				break
			}
			out, info, err := far.read(ctx, dst, q.Key)
			if err == nil && info.within(q.MaxStale) {
				s.count.carried.Add(1)
				return out, info, nil
			}
			if err == nil {
				best = freshest(best, info)
			}
		}
	}
	return dst, ReadInfo{}, tooStale(q, &best)
}

func freshest(a, b ReadInfo) ReadInfo {
	if a.Degraded != b.Degraded && a.Degraded || a.Degraded == b.Degraded && b.Staleness < a.Staleness {
		return b
	}
	return a
}

func tooStale(q *Query, best *ReadInfo) error {
	age := fmt.Sprintf("may be %v old", best.Staleness.Round(time.Millisecond))
	if best.Degraded {
		age += ", and an origin does not answer whose writes may be missing from before that"
	}
	return &gazetteer.Error{Op: "region.Read", Kind: gazetteer.Unavailable, Key: q.Key, Pointer: "max_stale",
		Detail: fmt.Sprintf("at most %v was asked for; what the freshest replica that was reached knows %s", q.MaxStale, age)}
}
