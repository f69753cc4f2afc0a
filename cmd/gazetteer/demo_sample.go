package main

import (
	"context"
	"fmt"
	"time"

	"gazetteer"
	"gazetteer/api/client"
	"gazetteer/cmd/gazetteer/sample"
)

// loadSample imports the catalogue, unless an earlier demo did so to its end.
func (a *app) loadSample(ctx context.Context, k *client.Client) error {
	_, err := k.Get(ctx, sample.LastType, sample.LastID)
	if err == nil {
		_, err = fmt.Fprintln(a.out, "The catalogue is there from an earlier start.")
		return err
	}
	if gazetteer.KindOf(err) != gazetteer.NotFound {
		return err
	}
	start := time.Now()
	catalogue, err := sample.Open()
	if err != nil {
		return err
	}
	i := importer{client: k, flags: importFlags{makeTypes: true}}
	if err := i.run(ctx, catalogue); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "Loaded the measurement services of M-Lab: %d resources with %d locations in %v.\n",
		i.total.Acknowledged, sample.Locations, time.Since(start).Round(time.Millisecond))
	return err
}
