// Package aws knows where AWS has regions and how long a message takes between them:
// the planet that demos and simulations run on. SOURCE.md says where the figures are
// from.
package aws

import (
	"bytes"
	"embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"gazetteer"
)

//go:embed regions.csv cloudping-p50-1y.json
var files embed.FS

// Seven returns the regions that AWS had in 2012.
func Seven() []gazetteer.RegionID {
	return []gazetteer.RegionID{"us-east-1", "us-west-1", "us-west-2", "eu-west-1", "ap-southeast-1", "ap-northeast-1", "sa-east-1"}
}

// Region is one of them.
type Region struct {
	Name    gazetteer.RegionID
	City    string
	Country string // ISO 3166-1 alpha-2
	Point   gazetteer.Point
}

// World is all regions with the times between them. It does not change.
type World struct {
	regions []Region
	at      map[gazetteer.RegionID]int
	rtt     [][]time.Duration // mean of both directions
}

// Load reads the bundled tables.
func Load() (*World, error) {
	w := &World{at: map[gazetteer.RegionID]int{}}
	if err := w.readRegions(); err != nil {
		return nil, err
	}
	return w, w.readTimes()
}

func rows(name string) ([][]string, error) {
	data, err := files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	all, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}

func (w *World) readRegions() error {
	all, err := rows("regions.csv")
	if err != nil {
		return err
	}
	for _, row := range all[1:] {
		r := Region{Name: gazetteer.RegionID(row[0]), City: row[1], Country: row[3]}
		if r.Point.Lat, err = strconv.ParseFloat(row[5], 64); err != nil {
			return fmt.Errorf("regions.csv: %w", err)
		}
		if r.Point.Lon, err = strconv.ParseFloat(row[6], 64); err != nil {
			return fmt.Errorf("regions.csv: %w", err)
		}
		w.at[r.Name] = len(w.regions)
		w.regions = append(w.regions, r)
	}
	return nil
}

func (w *World) readTimes() error {
	text, err := files.ReadFile("cloudping-p50-1y.json")
	if err != nil {
		return err
	}
	var table struct {
		Data map[gazetteer.RegionID]map[gazetteer.RegionID]float64 // milliseconds
	}
	if err := json.Unmarshal(text, &table); err != nil {
		return fmt.Errorf("cloudping-p50-1y.json: %w", err)
	}
	for _, a := range w.regions {
		var line []time.Duration
		for _, b := range w.regions {
			both := table.Data[a.Name][b.Name] + table.Data[b.Name][a.Name]
			line = append(line, time.Duration(math.Round(500*both))*time.Microsecond)
		}
		w.rtt = append(w.rtt, line)
	}
	return nil
}

// Regions returns all regions by name. Not to be changed.
func (w *World) Regions() []Region { return w.regions }

// Region returns one of them.
func (w *World) Region(name gazetteer.RegionID) (Region, bool) {
	i, ok := w.at[name]
	if !ok {
		return Region{}, false
	}
	return w.regions[i], true
}

// RTT returns the round trip between two regions, the mean of both directions in whole
// microseconds; 0 within one region, and for one that is not known.
func (w *World) RTT(a, b gazetteer.RegionID) time.Duration {
	i, known := w.at[a]
	j, both := w.at[b]
	if !known || !both || i == j {
		return 0
	}
	return w.rtt[i][j]
}
