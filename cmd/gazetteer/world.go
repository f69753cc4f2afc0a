package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"gazetteer"
	"gazetteer/api/peer/delay"
	"gazetteer/region/planet"
	"gazetteer/simulation/aws"
)

// world is the planet of a demo: its regions, and how long messages take between them.
type world struct {
	regions []place
	rtt     map[[2]gazetteer.RegionID]time.Duration // by names, smaller first
}

// place is one of its regions.
type place struct {
	name  gazetteer.RegionID
	point *planet.Place // nil if nobody said
}

// between returns the round trip between two regions.
func (w *world) between(a, b gazetteer.RegionID) time.Duration { return w.rtt[pairOf(a, b)] }

// network delays what goes from one region to another by half a round trip.
func (w *world) network() *delay.Network {
	return delay.New(func(from, to gazetteer.RegionID) time.Duration { return w.between(from, to) / 2 })
}

// names returns the regions in their order.
func (w *world) names() (out []gazetteer.RegionID) {
	for _, r := range w.regions {
		out = append(out, r.name)
	}
	return out
}

// index returns the number of a region, -1 if there is none of this name.
func (w *world) index(r gazetteer.RegionID) int { return slices.Index(w.names(), r) }

// others returns all regions but one.
func (w *world) others(than gazetteer.RegionID) []gazetteer.RegionID {
	return slices.DeleteFunc(w.names(), func(r gazetteer.RegionID) bool { return r == than })
}

func pairOf(a, b gazetteer.RegionID) [2]gazetteer.RegionID {
	if b < a {
		a, b = b, a
	}
	return [2]gazetteer.RegionID{a, b}
}

// worldOf returns the first so many regions of AWS, those of 2012 before the others, or
// what a file describes.
func worldOf(regions string) (*world, error) {
	n, err := strconv.Atoi(regions)
	if err != nil {
		return worldIn(regions)
	}
	all, err := aws.Load()
	if err != nil {
		return nil, err
	}
	if n < 1 || n > len(all.Regions()) {
		return nil, usage("--regions: %d, want 1 to %d, or a file", n, len(all.Regions()))
	}
	names := aws.Seven()
	for _, r := range all.Regions() {
		names = appendNew(names, r.Name)
	}
	w := &world{rtt: map[[2]gazetteer.RegionID]time.Duration{}}
	for i, name := range names[:n] {
		r, _ := all.Region(name)
		w.regions = append(w.regions, place{name, &planet.Place{Lat: r.Point.Lat, Lon: r.Point.Lon}})
		for _, other := range names[:i] {
			w.rtt[pairOf(name, other)] = all.RTT(name, other)
		}
	}
	return w, nil
}

func appendNew(names []gazetteer.RegionID, name gazetteer.RegionID) []gazetteer.RegionID {
	for _, n := range names {
		if n == name {
			return names
		}
	}
	return append(names, name)
}

// worldFile is a planet as a file: `{"regions":[{"name":"a","lat":1,"lon":2}],
// "rtt_ms":[["a","b",12.5]]}`.
type worldFile struct {
	Regions []struct {
		Name gazetteer.RegionID `json:"name"`
		Lat  *float64           `json:"lat"`
		Lon  *float64           `json:"lon"`
	} `json:"regions"`
	RTT []rttRow `json:"rtt_ms"`
}

// rttRow is the round trip between two regions.
type rttRow struct {
	a, b gazetteer.RegionID
	ms   float64
}

// UnmarshalJSON reads ["a","b",12.5].
func (r *rttRow) UnmarshalJSON(text []byte) error {
	row := []any{&r.a, &r.b, &r.ms}
	if err := json.Unmarshal(text, &row); err != nil {
		return err
	}
	if len(row) != 3 {
		return fmt.Errorf("%s has %d parts, want two regions and the milliseconds between them", text, len(row))
	}
	return nil
}

func worldIn(path string) (*world, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usage("--regions: %w", err)
	}
	var f worldFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, usage("--regions: %s: %w", path, err)
	}
	w, err := f.world()
	if err != nil {
		return nil, usage("--regions: %s: %w", path, err)
	}
	return w, nil
}

func (f *worldFile) world() (*world, error) {
	w := &world{rtt: map[[2]gazetteer.RegionID]time.Duration{}}
	known := map[gazetteer.RegionID]bool{}
	for i, r := range f.Regions {
		p := place{name: r.Name}
		if r.Lat != nil && r.Lon != nil {
			p.point = &planet.Place{Lat: *r.Lat, Lon: *r.Lon}
			if err := (gazetteer.Point{Lat: *r.Lat, Lon: *r.Lon}).Validate(); err != nil {
				return nil, fmt.Errorf("/regions/%d: %w", i, err)
			}
		}
		if err := r.Name.Validate(); err != nil {
			return nil, fmt.Errorf("/regions/%d/name: %w", i, err)
		}
		if known[r.Name] {
			return nil, fmt.Errorf("/regions/%d/name: %q is there twice", i, r.Name)
		}
		known[r.Name] = true
		w.regions = append(w.regions, p)
	}
	if len(w.regions) == 0 || len(w.regions) > 100 {
		return nil, fmt.Errorf("/regions: %d regions, want 1 to 100", len(w.regions))
	}
	return w, w.addTimes(f.RTT, known)
}

func (w *world) addTimes(rows []rttRow, known map[gazetteer.RegionID]bool) error {
	for i, r := range rows {
		pair := pairOf(r.a, r.b)
		_, twice := w.rtt[pair]
		switch {
		case !known[r.a] || !known[r.b]:
			return fmt.Errorf("/rtt_ms/%d: %q and %q are not both among the regions", i, r.a, r.b)
		case r.a == r.b || twice:
			return fmt.Errorf("/rtt_ms/%d: the pair %q, %q is there twice, or one region with itself", i, r.a, r.b)
		case r.ms < 0 || r.ms > 10_000:
			return fmt.Errorf("/rtt_ms/%d: %v milliseconds, want 0 to 10000", i, r.ms)
		}
		w.rtt[pair] = time.Duration(r.ms * float64(time.Millisecond))
	}
	if n := len(w.regions); len(w.rtt) != n*(n-1)/2 {
		return fmt.Errorf("/rtt_ms: %d pairs, want each of the %d", len(w.rtt), n*(n-1)/2)
	}
	return nil
}
