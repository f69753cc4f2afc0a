package rest

import (
	"context"
	"time"

	"gazetteer"
	"gazetteer/api/rest/problem"
)

// class is what a request competes with for the server's attention.
type class uint8

const (
	health class = iota // never waits
	reads
	writes
	streams
	watching
)

// turns bounds how many requests of a class are worked on at once.
type turns struct {
	places   chan struct{} // nil: no bound
	queueFor time.Duration
}

func newTurns(places int, queueFor time.Duration) *turns {
	if places == 0 {
		return &turns{}
	}
	return &turns{places: make(chan struct{}, places), queueFor: queueFor}
}

// take waits for a place, not for long.
func (t *turns) take(ctx context.Context) error {
	select {
	case t.places <- struct{}{}:
		return nil
	default:
	}
	if t.places == nil {
		return nil
	}
	timer := time.NewTimer(t.queueFor)
	defer timer.Stop()
	select {
	case t.places <- struct{}{}:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	return coded(problem.Overloaded, gazetteer.Unavailable, "", "%d requests of this class are under way and none ended within %v; try again, or another region", cap(t.places), t.queueFor)
}

func (t *turns) give() {
	if t.places != nil {
		<-t.places
	}
}

// turn is the place of one request. It is given back while the body is still on its way: who
// sends slowly takes none from those who do not.
type turn struct {
	of   *turns
	held bool
}

// turnKey is where a request with a body, or a watch, finds its turn.
const turnKey = "turn"

func (t *turn) take(ctx context.Context) error {
	err := t.of.take(ctx)
	t.held = err == nil
	return err
}

func (t *turn) give() {
	if t.held {
		t.of.give()
		t.held = false
	}
}
