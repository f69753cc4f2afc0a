package processes

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"gazetteer"
	meter "gazetteer/simulation/fleet"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// ClientsConfig says which clients of a scenario ask which planet.
type ClientsConfig struct {
	Scenario *scenario.Scenario
	Region   gazetteer.RegionID
	// Endpoints are the regions' REST faces, as http://HOST[:PORT]. Clients ask that of
	// their own region; when it fails them, the nearest other one.
	Endpoints map[gazetteer.RegionID]string
	At        time.Time // when the load begins
	// Shard is which part of the region's clients these are, from 0, of Shards. Each asks
	// as often as all of them divided by Shards.
	Shard, Shards int
	Bundled       func() (io.ReadCloser, error) // as in Config
}

// Counted is what some clients of a region have seen, for whoever adds them up.
type Counted struct {
	Region gazetteer.RegionID `json:"region"`
	Shard  int                `json:"shard"`
	Shards int                `json:"shards"`
	At     time.Time          `json:"at"`      // when the load was to begin
	LateMS result.Millis      `json:"late_ms"` // so much of it had passed when these came
	// Unfinished says why they ended before their time; empty if they did not.
	Unfinished string `json:"unfinished,omitempty"`

	Counts  result.Counts   `json:"counts"`
	Stale   int64           `json:"stale"`
	Wrongs  []string        `json:"wrongs,omitempty"` // the first of them
	Took    meter.Histogram `json:"took"`             // requests that were answered, since they were due
	Periods []CountedPeriod `json:"periods"`          // as long as the scenario's metrics say
}

// CountedPeriod is what they have seen in the period that ended at a time of the load.
type CountedPeriod struct {
	AtMS     result.Millis   `json:"at_ms"`
	Requests int64           `json:"requests"` // that began
	Errors   int64           `json:"errors"`
	Took     meter.Histogram `json:"took"`
}

// Clients lets a region's clients ask a planet that is there already, from when the load
// begins until it ends. What they know of writes is what they have written themselves:
// a value that others can have written is believed.
func Clients(ctx context.Context, c ClientsConfig) (*Counted, error) {
	faces, err := c.faces()
	if err != nil {
		return nil, err
	}
	fleets, err := c.fleets(ctx, faces)
	if err != nil {
		return nil, err
	}
	out := &Counted{Region: c.Region, Shard: c.Shard, Shards: c.Shards, At: c.At, LateMS: result.MillisOf(max(0, time.Since(c.At)))}
	load, stop := context.WithDeadline(ctx, c.At.Add(c.Scenario.Duration))
	defer stop()
	var under sync.WaitGroup
	for _, f := range fleets {
		under.Go(func() { f.drive(load, c.At, newArrivals(f.steps, c.Scenario.Duration, f.dice)) })
	}
	before := c.follow(load, fleets, out)
	under.Wait()
	out.sum(fleets)
	end := c.Scenario.Duration
	if ctx.Err() != nil {
		end = min(end, time.Since(c.At))
		out.Unfinished = fmt.Sprintf("interrupted after %v of %v", end.Round(time.Second), c.Scenario.Duration)
	}
	out.period(end, fleets, before)
	return out, nil
}

// faces are the endpoints, each as the one server of its region that clients know.
func (c *ClientsConfig) faces() (all []*face, err error) {
	if c.Shards < 1 || c.Shard < 0 || c.Shard >= c.Shards {
		return nil, c.wrong("shard %d of %d: shards are counted from 0", c.Shard, c.Shards)
	}
	if _, known := c.Endpoints[c.Region]; !known || c.Scenario.Region(c.Region) == nil {
		return nil, c.wrong("region %q has no endpoint, or the scenario does not name it", c.Region)
	}
	for _, g := range c.Scenario.Regions {
		text, known := c.Endpoints[g.Name]
		if !known {
			continue
		}
		addr, err := addrOf(text)
		if err != nil {
			return nil, c.wrong("%s: %v", g.Name, err)
		}
		all = append(all, newFace(addr, &seat{region: g.Name, name: string(g.Name)}))
	}
	return all, nil
}

func (c *ClientsConfig) wrong(format string, args ...any) error {
	return &gazetteer.Error{Op: "processes.Clients", Kind: gazetteer.Invalid, Detail: fmt.Sprintf(format, args...)}
}

// addrOf returns the HOST:PORT of a URL.
func addrOf(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return "", fmt.Errorf("%.200q is not the URL of a regional server, such as http://127.0.0.1:8080", text)
	}
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), "80"), nil
	}
	return u.Host, nil
}

// fleets are the clients. Every shard of every fleet of the scenario has its own page in
// the book, so that all values are different.
func (c *ClientsConfig) fleets(ctx context.Context, faces []*face) (all []*part, err error) {
	s := c.Scenario
	stocks, err := stocksOf(ctx, s, c.Bundled)
	if err != nil {
		return nil, err
	}
	book := &book{pages: make([]*page, len(s.Clients)*c.Shards)}
	dialer := &net.Dialer{}
	between := func(a, b gazetteer.RegionID) time.Duration { return s.Network.RTT[scenario.PairOf(a, b)] }
	dial := func(ctx context.Context, addr string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", addr) }
	for i := range s.Clients {
		clients := &s.Clients[i]
		if clients.Region != c.Region {
			continue
		}
		stock := stocks[clients.Type]
		if stock == nil || len(stock.ids) == 0 {
			return nil, c.wrong("the catalogue has nothing of type %q to ask for", clients.Type)
		}
		number := i*c.Shards + c.Shard
		book.pages[number] = &page{held: map[int]*held{}}
		f := newFleet(number, clients, s.Seed, stock, newDoors(c.Region, dial, slices.Clone(faces), between), book)
		all = append(all, &part{f, share(clients.Rate, c.Shards)})
	}
	return all, nil
}

// part is one of several that a fleet is split into, with its share of the rates.
type part struct {
	*fleet
	steps []scenario.Step
}

// share divides rates.
func share(steps []scenario.Step, shards int) (out []scenario.Step) {
	for _, s := range steps {
		s.Rate /= float64(shards)
		out = append(out, s)
	}
	return out
}

// follow takes down each period that ends before the load does, and returns the counts at
// its end.
func (c *ClientsConfig) follow(load context.Context, fleets []*part, out *Counted) (before result.Counts) {
	period := max(c.Scenario.Metrics.Period, time.Second)
	for at := period; at < c.Scenario.Duration && sleepUntil(load, c.At.Add(at)); at += period {
		before = out.period(at, fleets, before)
	}
	return before
}

// period takes down what is new since the counts of before.
func (o *Counted) period(at time.Duration, fleets []*part, before result.Counts) (now result.Counts) {
	p := CountedPeriod{AtMS: result.MillisOf(at)}
	for _, f := range fleets {
		add(&now, f.total())
		for _, d := range f.news() {
			p.Took.Add(d)
		}
	}
	p.Requests = now.Reads + now.Writes - before.Reads - before.Writes
	p.Errors = failures(&now) - failures(&before)
	o.Periods = append(o.Periods, p)
	return now
}

// sum adds up the fleets when they have ended.
func (o *Counted) sum(fleets []*part) {
	for _, f := range fleets {
		add(&o.Counts, f.total())
		o.Stale += f.stale
		o.Wrongs = append(o.Wrongs, f.wrongs...)
		for _, d := range f.took {
			o.Took.Add(d)
		}
	}
}
