package processes

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/simulation/scenario"
)

// oneFleet is a scenario of two regions, in one of which clients ask.
func oneFleet() *scenario.Scenario {
	return &scenario.Scenario{
		Name: "one", Seed: 1, Duration: 2 * time.Second,
		Network:   scenario.Network{RTT: map[scenario.Pair]time.Duration{{A: "a", B: "b"}: time.Millisecond}},
		Regions:   []scenario.Region{{Name: "a"}, {Name: "b"}},
		Catalogue: scenario.Catalogue{Synthetic: []scenario.Synthetic{{Type: "shelf", IDs: 5, Locations: 1}}},
		Clients:   []scenario.Clients{{Region: "a", Type: "shelf", Reads: 1, Rate: []scenario.Step{{Rate: 100}}}},
		Metrics:   scenario.Metrics{Period: time.Second},
	}
}

// answering is a regional server that knows everything, and counts what it is asked.
func answering(t *testing.T, asked *atomic.Int64) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		w.Write([]byte(`{"type":"shelf","id":"` + id + `","locations":[{"id":"l0","url":"https://l0.example.net/` + id + `"}]}`))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestShardsShareTheLoad: two halves ask as much as the scenario says, and what they have
// counted survives the way to who adds it up.
func TestShardsShareTheLoad(t *testing.T) {
	var asked atomic.Int64
	url := answering(t, &asked)
	at := time.Now().Add(100 * time.Millisecond)
	halves := make(chan *Counted, 2)
	for shard := range 2 {
		go func() {
			c, err := Clients(t.Context(), ClientsConfig{Scenario: oneFleet(), Region: "a", Endpoints: map[gazetteer.RegionID]string{"a": url}, At: at, Shard: shard, Shards: 2})
			if err != nil {
				t.Error(err)
			}
			halves <- c
		}()
	}
	var reads, errors int64
	for range 2 {
		c := <-halves
		if c == nil {
			t.Fatal("half of the load is missing")
		}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var read Counted
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		reads, errors = reads+read.Counts.Reads, errors+failures(&read.Counts)
		var inPeriods, took int64
		for _, p := range read.Periods {
			inPeriods, took = inPeriods+p.Requests, took+p.Took.Count()
		}
		if n := len(read.Periods); n != 2 || read.Periods[1].AtMS != 2000 || inPeriods != read.Counts.Reads || took != read.Took.Count() || took+failures(&read.Counts) != inPeriods {
			t.Errorf("%d periods with %d requests of which %d were answered; in all %+v, %d", n, inPeriods, took, read.Counts, read.Took.Count())
		}
		if read.Counts.Wrong != 0 || read.Took.Max() != c.Took.Max() || read.Took.Quantile(0.5) != c.Took.Quantile(0.5) {
			t.Errorf("read %+v of %+v", read, c)
		}
	}
	// 200 are expected of a Poisson process, whose deviation is 14; seven of them are a miracle.
	if reads < 100 || reads > 300 || asked.Load() < reads-errors {
		t.Errorf("%d reads, %d asked; want about 200 and no fewer asked", reads, asked.Load())
	}
}

func TestClientsRefuse(t *testing.T) {
	for name, c := range map[string]ClientsConfig{
		"no such shard":   {Region: "a", Shards: 1, Shard: 1, Endpoints: map[gazetteer.RegionID]string{"a": "http://127.0.0.1:1"}},
		"no shards":       {Region: "a", Endpoints: map[gazetteer.RegionID]string{"a": "http://127.0.0.1:1"}},
		"no endpoint":     {Region: "a", Shards: 1, Endpoints: map[gazetteer.RegionID]string{"b": "http://127.0.0.1:1"}},
		"unknown region":  {Region: "c", Shards: 1, Endpoints: map[gazetteer.RegionID]string{"c": "http://127.0.0.1:1"}},
		"no URL":          {Region: "a", Shards: 1, Endpoints: map[gazetteer.RegionID]string{"a": "127.0.0.1:1"}},
		"only over HTTPS": {Region: "a", Shards: 1, Endpoints: map[gazetteer.RegionID]string{"a": "https://127.0.0.1:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.Scenario, c.At = oneFleet(), time.Now()
			if _, err := Clients(t.Context(), c); gazetteer.KindOf(err) != gazetteer.Invalid {
				t.Errorf("error %v, want kind %v", err, gazetteer.Invalid)
			}
		})
	}
}

// TestValuesOfOthersAreBelieved: a shard knows only what it has written itself.
func TestValuesOfOthersAreBelieved(t *testing.T) {
	b := &book{pages: []*page{{held: map[int]*held{}}, nil}}
	n := b.pages[0].begin(3)
	b.pages[0].acknowledge(0, n)
	for v, want := range map[value]verdict{{1, 7}: right, {0, n}: right, {0, n + 1}: wrong, {2, 0}: wrong} {
		if got := b.judge(0, 3, 0, &v); got != want {
			t.Errorf("%v is judged %v, want %v", v, got, want)
		}
	}
}
