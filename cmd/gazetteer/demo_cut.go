package main

import (
	"fmt"
	"net/http"
	"strings"

	"gazetteer"
)

// cutPath and healPath are what the demo answers beside the REST face.
const (
	cutPath  = "/demo/cut/"
	healPath = "/demo/heal/"
)

// door lets a newcomer cut regions off and heal them.
func (d *demo) door(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", next)
	mux.HandleFunc("POST "+cutPath+"{region}", func(w http.ResponseWriter, r *http.Request) { d.cut(w, r, true) })
	mux.HandleFunc("POST "+healPath+"{region}", func(w http.ResponseWriter, r *http.Request) { d.cut(w, r, false) })
	return mux
}

// cut stops everything between one region and all others, or lets it through again.
func (d *demo) cut(w http.ResponseWriter, r *http.Request, cut bool) {
	name := gazetteer.RegionID(r.PathValue("region"))
	var others []gazetteer.RegionID
	for _, p := range d.world.regions {
		if p.name != name {
			others = append(others, p.name)
		}
	}
	if len(others) == len(d.world.regions) {
		http.Error(w, fmt.Sprintf("the demo has no region %q; there are %s", name, d.names()), http.StatusNotFound)
		return
	}
	if cut {
		d.network.Cut([]gazetteer.RegionID{name}, others)
		fmt.Fprintf(w, "%s is cut off from all others.\n", name)
		return
	}
	d.network.Heal([]gazetteer.RegionID{name}, others)
	fmt.Fprintf(w, "%s is back.\n", name)
}

func (d *demo) names() string {
	var names []string
	for _, p := range d.world.regions {
		names = append(names, string(p.name))
	}
	return strings.Join(names, ", ")
}

// explainCuts prints how to see the tree heal.
func (d *demo) explainCuts() {
	if len(d.regions) < 2 {
		return
	}
	last := d.world.regions[len(d.world.regions)-1].name
	fmt.Fprintf(d.app.out, `
  # Cut a region off, see the tree heal around it, and let it back in:
  curl -s -X POST %[1]s%[2]s%[4]s
  curl -s %[1]s/v1/topology
  curl -s -X POST %[1]s%[3]s%[4]s
`, d.url(), cutPath, healPath, last)
}
