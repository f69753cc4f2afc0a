package scenario

import (
	"reflect"
	"testing"
	"time"
)

func TestRates(t *testing.T) {
	s := parsed(t, `
regions: [us-east-1, eu-west-1]
duration: 2m
load: 2
clients:
  - regions: [us-east-1]
    rate: 10
    crowds:
      - {at: 60s, for: 10s, times: 3}
      - {at: 0s, for: 30s, times: 5, rise: 10s}
  - regions: [eu-west-1]
    reads: 0
    rate:
      - {at: 5s, rate: 1, ramp: true}
      - {at: 10s, rate: 4}
`)
	want := [][]Step{
		{{0, 20, true}, {10 * time.Second, 100, false}, {20 * time.Second, 100, true}, {30 * time.Second, 20, false}, {60 * time.Second, 60, false}, {70 * time.Second, 20, false}},
		{{5 * time.Second, 2, true}, {10 * time.Second, 8, false}},
	}
	if len(s.Clients) != 2 || s.Clients[1].Reads != 0 || s.Clients[0].Reads != 0.95 {
		t.Fatalf("got %+v", s.Clients)
	}
	for i, c := range s.Clients {
		if !reflect.DeepEqual(c.Rate, want[i]) {
			t.Errorf("%s: got %v\nwant %v", c.Region, c.Rate, want[i])
		}
	}
}

func TestSplitCutsEveryLinkBetween(t *testing.T) {
	s := parsed(t, "regions: 7\nfaults:\n  - {at: 1s, split: [us-east-1, us-west-1, us-west-2, sa-east-1], for: 5s}\n")
	if len(s.Faults) != 4*3 {
		t.Fatalf("%d cuts", len(s.Faults))
	}
	for _, f := range s.Faults {
		if f.Kind != Cut || f.Link.OneWay || f.For != 5*time.Second || f.Link.To == "us-west-1" || f.Line != 3 {
			t.Errorf("%+v %+v", f, f.Link)
		}
	}
}
