package region

import (
	"context"
	"fmt"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

const (
	// coverPatience is how long a replica waits for what it lacks of a session before its
	// caller asks another one. It is below what a caller gives a replica of another
	// process, so that the answer is still heard.
	coverPatience = 150 * time.Millisecond
	// sessionPatience is how long a read with a session goes on in all, unless its context
	// ends before.
	sessionPatience = 5 * time.Second
	// sessionPause is between two rounds over all who may have what a session has been
	// shown: one in which nobody had to wait must not become a busy loop.
	sessionPause = 20 * time.Millisecond
)

// coverWait bounds what a replica waits by what is left of the request: its answer says
// how far behind it is, and that takes a part of the time, too.
func coverWait(ctx context.Context) time.Duration {
	at, bounded := ctx.Deadline()
	if !bounded {
		return coverPatience
	}
	return min(coverPatience, max(0, time.Until(at)*3/4))
}

// covered waits until what this process holds of a partition covers a session.
func (r *ReplicaServer) covered(ctx context.Context, t *Trip, p gazetteer.Partition) error {
	ctx, cancel := context.WithTimeout(ctx, coverWait(ctx))
	defer cancel()
	return r.mirrors.Cover(ctx, p, t.Session)
}

// insist asks again, for a read with a session, while all who were asked are behind it. A
// read without one is asked once.
func insist(ctx context.Context, ask func(context.Context) error) error {
	if !TripOf(ctx).asks() {
		return ask(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, sessionPatience)
	defer cancel()
	var behind error
	for {
		err := ask(ctx)
		switch {
		case gazetteer.KindOf(err) == gazetteer.Behind:
			behind = err
		case err != nil && behind != nil && ctx.Err() != nil:
			return behind // it says more than that the time is over
		default:
			return err
		}
		late := time.NewTimer(sessionPause)
		select {
		case <-late.C:
		case <-ctx.Done():
			late.Stop()
			return behind
		}
	}
}

// IsBehind is the error of a replica that lacks some of what a session has been shown.
func IsBehind(p gazetteer.Partition, l ring.Lack) error {
	return &gazetteer.Error{Op: "region.Cover", Kind: gazetteer.Behind, Pointer: "Gazetteer-Session", Key: gazetteer.Key{Type: p.Type},
		Detail: fmt.Sprintf("the freshest replica that was reached does not hold all that the session has been shown of partition %d: %s; "+
			"try again, ask another region, or begin a new session to take what is there", p.Index, lackText(l))}
}

func lackText(l ring.Lack) string {
	switch {
	case l.None():
		return "how far it is behind is not known"
	case l.UpTo == 0:
		return fmt.Sprintf("it is up to %d updates behind, of %d origins", l.Updates, len(l.Positions))
	case l.Complete == 0:
		return fmt.Sprintf("all up to %s is asked for, and it cannot say up to when it is complete", clockText(l.UpTo))
	}
	return fmt.Sprintf("all up to %s is asked for, and it is known to be complete up to %s", clockText(l.UpTo), clockText(l.Complete))
}

func clockText(c gazetteer.Clock) string {
	return time.UnixMilli(c.UnixMilli()).UTC().Format("2006-01-02T15:04:05.000Z")
}

// unaware is the error of a server that has not looked at a session: it is of a version
// that knows none.
func unaware(k gazetteer.Key) error {
	return &gazetteer.Error{Op: "region.Read", Kind: gazetteer.Behind, Key: k, Pointer: "Gazetteer-Session",
		Detail: "the server that was reached is of a version that knows no sessions"}
}

// Shown returns a session's token after it was given this answer, or was told that there is
// none.
func (a *Answer) Shown(t ring.Token) ring.Token {
	if len(a.buf) == 0 {
		return t
	}
	return shownIn(t, gazetteer.PartitionOf(a.Key, a.partitions), a.buf)
}

func shownIn(t ring.Token, p gazetteer.Partition, record []byte) ring.Token {
	return ring.Holding{Partition: p}.ShownRecord(t, ring.View(record))
}

// Planet tells the tokens and cursors of one planet from those of another.
func (s *Server) Planet() uint64 {
	return gazetteer.HashBytes([]byte(fmt.Sprintf("planet of %d partitions", s.partitions)))
}
