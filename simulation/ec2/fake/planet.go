package fake

import (
	"context"
	"fmt"
	"io"
	"time"

	"gazetteer"
	"gazetteer/simulation/processes"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// Planet does all that it is asked at once.
type Planet struct {
	Cloud   *Cloud // takes the calls down
	Regions int
}

func (p *Planet) hear(action, args string) error {
	return p.Cloud.hear(Call{"planet", "", action, args})
}

// Ready is nil.
func (p *Planet) Ready(context.Context, string) error { return p.hear("ready", "") }

// Admit makes up a token.
func (p *Planet) Admit(_ context.Context, _ string, region gazetteer.RegionID) (string, error) {
	return "token", p.hear("admit", string(region))
}

// Rings has them.
func (p *Planet) Rings(_ context.Context, _, region string, wanted []processes.Ring) error {
	return p.hear("rings", fmt.Sprintf("%s %v", region, wanted))
}

// Load takes the catalogue.
func (p *Planet) Load(_ context.Context, _ string, s *scenario.Scenario, _ func() (io.ReadCloser, error)) error {
	return p.hear("load", s.Name)
}

// Tree is of all regions.
func (p *Planet) Tree(context.Context, string) (result.Tree, []result.Edge, error) {
	return result.Tree{Epoch: "1", Regions: p.Regions}, nil, p.hear("tree", "")
}

// Clock lets time pass at once.
type Clock struct{ At time.Time }

// Now is the time.
func (c *Clock) Now() time.Time { return c.At }

// Sleep passes.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c.At = c.At.Add(d)
	return nil
}
