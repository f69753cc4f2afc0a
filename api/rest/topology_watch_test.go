package rest

import (
	"encoding/json"
	"strings"
	"testing"

	"gazetteer"
	"gazetteer/api/rest/problem"
)

// eventOf is the data of the first event of a name in a stream.
func eventOf(t *testing.T, text, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, "event: "+name+"\ndata: ")
	if !ok {
		t.Fatalf("no event %s in %s", name, text)
	}
	data, _, _ := strings.Cut(rest, "\n")
	return data
}

// TestPlanetIsFollowed: what is told first is what GET answers, and a change is told as it
// comes, alone.
func TestPlanetIsFollowed(t *testing.T) {
	x, _ := operated(t)
	topology, regions := x.do("GET", "/v1/topology?watch=0", "").want(200).body, x.do("GET", "/v1/regions", "").want(200).body
	s := x.open(t, "/v1/topology?watch=1", "Accept", "text/event-stream")
	if got := s.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("it is %s", got)
	}
	first := s.until(t, "event: regions") + s.until(t, "data: ")
	if got := eventOf(t, first, "topology"); got != topology {
		t.Errorf("the topology is\n%s\nwant\n%s", got, topology)
	}
	if got := eventOf(t, first, "regions"); got != regions {
		t.Errorf("the regions are\n%s\nwant\n%s", got, regions)
	}
	x.do("POST", "/v1/regions/r2:drain", "").want(204)
	next := s.until(t, "event: regions") + s.until(t, "data: ")
	if got := eventOf(t, next, "topology"); strings.Count(next, "event: ") != 2 || !strings.Contains(got, `"name":"r2","lat":53.3,"lon":0,"state":"draining"`) {
		t.Errorf("after the drain comes\n%s", next)
	}
}

func TestPlanetIsFollowedInLines(t *testing.T) {
	x, _ := operated(t)
	s := x.open(t, "/v1/topology?watch=1", "Accept", "application/x-ndjson")
	for _, want := range []string{"topology", "regions"} {
		var line map[string]json.RawMessage
		if err := json.Unmarshal([]byte(s.until(t, "\n")), &line); err != nil {
			t.Fatal(err)
		}
		if string(line["event"]) != `"`+want+`"` || len(line[want]) < 100 {
			t.Errorf("%s, want the event %s", line, want)
		}
	}
}

func TestPlanetThatCannotBeFollowed(t *testing.T) {
	start(t, nil).do("GET", "/v1/topology?watch=1", "").problem(problem.Unsupported)
	x, o := operated(t)
	x.do("GET", "/v1/topology?watch=2", "").problem(problem.InvalidParameter)
	x.do("GET", "/v1/topology?watch=1&all=1", "").problem(problem.InvalidParameter)
	o.Down = &gazetteer.Error{Op: "test", Kind: gazetteer.Unavailable, Detail: "no leader"}
	x.do("GET", "/v1/topology?watch=1", "").problem(problem.Unavailable)
}

// TestFollowersShareALook: however many follow, the planet is looked at once in a while.
func TestFollowersShareALook(t *testing.T) {
	looks := 0
	look := func() (planetShown, error) { looks++; return planetShown{topology: []byte("{}")}, nil }
	var p planetLook
	for range 100 {
		if now, err := p.now(look); err != nil || string(now.topology) != "{}" {
			t.Fatal(now, err)
		}
	}
	if looks != 1 { // the hundred take far less than planetEvery
		t.Errorf("%d looks", looks)
	}
	p.at = p.at.Add(-planetEvery)
	if _, err := p.now(look); err != nil || looks != 2 {
		t.Errorf("an old look is not renewed: %d, %v", looks, err)
	}
}
