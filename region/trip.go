package region

import (
	"context"

	"gazetteer/ring"
)

// Trip is what a read carries through the tiers besides its question. It is one value of
// the context: a read that carries nothing looks it up once and in vain.
type Trip struct {
	Hops bool // the answer tells its hops
	// Session is what the answer may not lack; none asks for nothing. A replica that lacks
	// some of it waits a moment and then answers Behind. It says in its answer that it has
	// looked (Covered): one of an older version does not know that it should.
	Session ring.Token
}

type tripKey struct{}

// WithTrip returns a context whose reads carry t, which does not change any more.
func WithTrip(ctx context.Context, t *Trip) context.Context {
	return context.WithValue(ctx, tripKey{}, t)
}

// TripOf returns what the reads of a context carry, nil for nothing.
func TripOf(ctx context.Context) *Trip {
	t, _ := ctx.Value(tripKey{}).(*Trip)
	return t
}

// WithHops returns a context whose reads tell their hops.
func WithHops(ctx context.Context) context.Context {
	t := Trip{Hops: true}
	if old := TripOf(ctx); old != nil {
		t.Session = old.Session
	}
	return WithTrip(ctx, &t)
}

// WantsHops reports whether the context was made by WithHops.
func WantsHops(ctx context.Context) bool {
	t := TripOf(ctx)
	return t != nil && t.Hops
}

// WithSession returns a context whose reads may not lack what a session has been shown.
func WithSession(ctx context.Context, session ring.Token) context.Context {
	if session.None() {
		return ctx
	}
	t := Trip{Session: session}
	if old := TripOf(ctx); old != nil {
		t.Hops = old.Hops
	}
	return WithTrip(ctx, &t)
}

// asks reports whether a session has to be looked at.
func (t *Trip) asks() bool { return t != nil && !t.Session.None() }
