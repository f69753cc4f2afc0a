package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"gazetteer"
	"gazetteer/api/client"
)

// tours are questions for the demo's catalogue.
var tours = [...]struct{ about, path string }{
	{"An address in London asks for the nearest NDT server:", "/v1/resolve/service/ndt?ip=81.2.69.160&limit=3"},
	{"The same question from Sydney:", "/v1/resolve/service/ndt?lat=-33.87&lon=151.21&limit=3"},
	{"Why this order, and which way did the question go?", "/v1/resolve/ndt/lhr?ip=81.2.69.160&explain=1"},
}

// tour prints the questions as lines to copy, each with what the service answers now.
func (a *app) tour(ctx context.Context, addr string) error {
	for _, t := range tours {
		answer, err := follow(ctx, addr+t.path)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "\n  # %s\n  curl -s '%s%s'\n", t.about, addr, t.path)
		if len(answer.Locations) > 0 {
			best := answer.Locations[0]
			fmt.Fprintf(a.out, "  # best: %s in %s, %s km away\n", printable(best.ID), printable(best.Country), kilometres(best.DistanceKM))
		}
	}
	return nil
}

// follow asks exactly what the printed line asks.
func follow(ctx context.Context, url string) (answer client.Answer, err error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer, err
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return answer, err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return answer, &gazetteer.Error{Op: "gazetteer.demo", Kind: gazetteer.Internal, Detail: url + " answers " + r.Status}
	}
	return answer, json.NewDecoder(r.Body).Decode(&answer)
}
