package ec2

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"gazetteer"
	"gazetteer/api/client"
	"gazetteer/simulation/processes"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// REST asks regional servers as everybody does.
type REST struct{}

// readyWithin is how long one server may take to say whether it is ready.
const readyWithin = 10 * time.Second

// Ready asks /readyz.
func (REST) Ready(ctx context.Context, endpoint string) error {
	ctx, stop := context.WithTimeout(ctx, readyWithin)
	defer stop()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s/readyz answers %s", endpoint, res.Status)
	}
	return nil
}

// Admit asks the planet for the token of a new region.
func (REST) Admit(ctx context.Context, endpoint string, region gazetteer.RegionID) (string, error) {
	k, err := client.New(client.Config{Addr: endpoint})
	if err != nil {
		return "", err
	}
	a, err := k.AdmitRegion(ctx, string(region))
	return a.Token, err
}

// Rings asks for rings until they are there.
func (REST) Rings(ctx context.Context, endpoint, region string, wanted []processes.Ring) error {
	k, err := client.New(client.Config{Addr: endpoint})
	if err != nil {
		return err
	}
	return processes.SetRings(ctx, k, region, wanted)
}

// Load publishes the catalogue.
func (REST) Load(ctx context.Context, endpoint string, s *scenario.Scenario, bundled func() (io.ReadCloser, error)) error {
	k, err := client.New(client.Config{Addr: endpoint})
	if err != nil {
		return err
	}
	return processes.Publish(ctx, k, s, bundled)
}

// Tree asks for the topology.
func (REST) Tree(ctx context.Context, endpoint string) (t result.Tree, edges []result.Edge, err error) {
	k, err := client.New(client.Config{Addr: endpoint})
	if err != nil {
		return t, nil, err
	}
	now, err := k.Topology(ctx)
	if err != nil {
		return t, nil, err
	}
	t = result.Tree{Epoch: now.Epoch, Why: "seen at the end", WeightMS: result.Millis(now.WeightMS), Messages: int64(now.Messages), TookMS: result.Millis(now.InstalledMS)}
	for _, e := range now.Edges {
		edges = append(edges, result.Edge{A: gazetteer.RegionID(e.A), B: gazetteer.RegionID(e.B), CostMS: result.Millis(e.CostMS), Tree: e.Tree})
		if e.Tree {
			t.Regions++
		}
	}
	t.Regions++
	return t, edges, nil
}

// Wall is the clock of this machine.
type Wall struct{}

// Now is the time.
func (Wall) Now() time.Time { return time.Now() }

// Sleep waits.
func (Wall) Sleep(ctx context.Context, d time.Duration) error {
	wake := time.NewTimer(d)
	defer wake.Stop()
	select {
	case <-wake.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
