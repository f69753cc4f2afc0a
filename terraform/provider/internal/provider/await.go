package provider

import (
	"context"
	"time"

	"gazetteer"
)

const (
	// seenWithin bounds how long the region asked may take to show what it has agreed to.
	seenWithin = 30 * time.Second
	askEvery   = 200 * time.Millisecond
)

// await asks until what it waits for is there, or something fails. After the time it
// fails with Deadline and with what pending says.
func await(ctx context.Context, within time.Duration, ready func() (bool, error), pending func() string) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		done, err := ready()
		if done || err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return &gazetteer.Error{Op: "provider.Await", Kind: gazetteer.Deadline, Err: ctx.Err(), Detail: "after " + within.String() + ": " + pending()}
		}
	}
}
