package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"gazetteer"
)

// cutPath and healPath are what the demo answers beside the REST face.
const (
	cutPath  = "/demo/cut/"
	healPath = "/demo/heal/"
)

// door lets a newcomer cut regions off and heal them.
type door struct {
	regions []gazetteer.RegionID
	// turn stops everything between one region and all others, or lets it through again.
	turn func(r gazetteer.RegionID, cut bool)
}

func (d *door) before(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", next)
	mux.HandleFunc("POST "+cutPath+"{region}", func(w http.ResponseWriter, r *http.Request) { d.answer(w, r, true) })
	mux.HandleFunc("POST "+healPath+"{region}", func(w http.ResponseWriter, r *http.Request) { d.answer(w, r, false) })
	return mux
}

func (d *door) answer(w http.ResponseWriter, r *http.Request, cut bool) {
	name := gazetteer.RegionID(r.PathValue("region"))
	if !slices.Contains(d.regions, name) {
		http.Error(w, fmt.Sprintf("the demo has no region %q; there are %s", name, listed(d.regions)), http.StatusNotFound)
		return
	}
	d.turn(name, cut)
	if cut {
		fmt.Fprintf(w, "%s is cut off from all others.\n", name)
		return
	}
	fmt.Fprintf(w, "%s is back.\n", name)
}

func listed(names []gazetteer.RegionID) string {
	var texts []string
	for _, n := range names {
		texts = append(texts, string(n))
	}
	return strings.Join(texts, ", ")
}

// explainCuts prints how to see the tree heal.
func (d *demo) explainCuts() {
	if len(d.sites) < 2 {
		return
	}
	i := len(d.sites) - 1
	fmt.Fprintf(d.app.out, `
  # Cut a region off, see the tree heal around it, and let it back in:
  curl -s -X POST %[1]s%[2]s%[4]s
  curl -s %[1]s/v1/topology
  curl -s -X POST %[1]s%[3]s%[4]s
`, d.url(), cutPath, healPath, d.world.regions[i].name)
	if pid := d.sites[i].Process; pid != 0 {
		fmt.Fprintf(d.app.out, "\n  # Or let it die without warning:\n  kill -9 %d\n", pid)
	}
}
