package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/api/client"
)

// heartbeats is how many renewals a heartbeat that goes on makes in the time of its lease:
// two may be lost.
const heartbeats = 3

func (a *app) heartbeatCommand() *cobra.Command {
	var ttl time.Duration
	var on bool
	c := &cobra.Command{
		Use:   "heartbeat TYPE ID LOCATION --ttl TIME",
		Short: "Renew the lease of a location, once or again and again",
		Long: `heartbeat renews the lease of a location. Without another renewal within --ttl the
location is down: answers leave it out until the next. --ttl 0 gives the lease up.

With --on it goes on, three times within --ttl, until it is interrupted or the location is
no more.`,
		Example: `  gazetteer heartbeat distribution debian mirror-1 --ttl 30s --on`,
		Args:    cobra.ExactArgs(3),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case !c.Flags().Changed("ttl"):
				return usage("--ttl is missing: how long does the renewal last?")
			case on && ttl <= 0:
				return usage("--on goes with a --ttl above 0")
			case on:
				return a.heartbeatOn(c.Context(), args, ttl)
			}
			return a.heartbeat(c.Context(), args, ttl)
		},
	}
	c.Flags().DurationVar(&ttl, "ttl", 0, "how long the renewal lasts, such as 30s; 0 gives the lease up")
	c.Flags().BoolVar(&on, "on", false, "go on until interrupted")
	return c
}

func (a *app) renew(ctx context.Context, args []string, ttl time.Duration) error {
	return a.ask(ctx, args, func(ctx context.Context, k *client.Client) error {
		return k.Renew(ctx, args[0], args[1], args[2], ttl, client.WriteOptions{})
	})
}

func (a *app) heartbeat(ctx context.Context, args []string, ttl time.Duration) error {
	if err := a.renew(ctx, args, ttl); err != nil {
		return err
	}
	if a.output == formatJSON {
		return a.json(map[string]any{"ttl_seconds": ttl.Seconds()})
	}
	did := "renewed for " + ttl.String()
	if ttl == 0 {
		did = "given up"
	}
	_, err := fmt.Fprintln(a.out, "lease", did)
	return err
}

// heartbeatOn renews until ctx ends. A server that cannot answer is asked again at the
// next beat; what no beat can mend ends it.
func (a *app) heartbeatOn(ctx context.Context, args []string, ttl time.Duration) error {
	tick := time.NewTicker(ttl / heartbeats)
	defer tick.Stop()
	for {
		err := a.renew(ctx, args, ttl)
		switch gazetteer.KindOf(err) {
		case gazetteer.NotFound, gazetteer.Invalid, gazetteer.Unprocessable, gazetteer.Denied:
			if err != nil {
				return err
			}
		}
		if err != nil && ctx.Err() == nil {
			complain(a.err, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
