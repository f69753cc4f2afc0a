package router

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/region"
)

// A Directory learns the regions over HTTP from any regional server, at first from those
// that it was told of, later also from those that it has learned.
type Directory struct {
	client    *http.Client
	upstreams []string

	mu      sync.Mutex // guards following
	learned []string
}

// NewDirectory checks the addresses; it sends nothing.
func NewDirectory(upstreams []string) (*Directory, error) {
	d := &Directory{client: &http.Client{Transport: newTransport()}}
	for _, u := range upstreams {
		base, err := url.Parse(u)
		if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || strings.Trim(base.Path, "/") != "" {
			return nil, invalid("upstream", "%.200q is not the URL of a regional server, such as http://127.0.0.1:8080", u)
		}
		d.upstreams = append(d.upstreams, base.Scheme+"://"+base.Host)
	}
	if len(d.upstreams) == 0 {
		return nil, invalid("upstream", "is missing: name at least one regional server of the planet")
	}
	return d, nil
}

func invalid(pointer, format string, args ...any) error {
	return &gazetteer.Error{Op: "router.New", Kind: gazetteer.Invalid, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
}

// Regions asks the servers one after the other until one tells. It is a [Source].
func (d *Directory) Regions(ctx context.Context) ([]Region, error) {
	var last error
	for _, u := range d.all() {
		one, cancel := context.WithTimeout(ctx, askPatience)
		regions, err := d.ask(one, u)
		cancel()
		if err == nil {
			d.keep(u, regions)
			return regions, nil
		}
		last = err
	}
	return nil, &gazetteer.Error{Op: "router.Directory", Kind: gazetteer.Unavailable, Err: last, Detail: "no regional server tells which regions there are"}
}

func (d *Directory) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append(append([]string(nil), d.learned...), d.upstreams...)
}

// keep remembers the servers of all regions, the one that has just told first.
func (d *Directory) keep(teller string, regions []Region) {
	learned := []string{teller}
	for i := range regions {
		for _, u := range regions[i].Servers {
			if u != teller {
				learned = append(learned, u)
			}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.learned = learned
}

// ask asks one server. One that is part of no planet answers 501, and is a region alone.
func (d *Directory) ask(ctx context.Context, base string) ([]Region, error) {
	var told struct {
		Regions []struct {
			Name    gazetteer.RegionID
			State   string
			Lat     *float64
			Lon     *float64
			BiasMS  float64 `json:"bias_ms"`
			Servers []struct{ Peer, HTTP string }
		}
	}
	status, err := d.get(ctx, base+"/v1/regions", &told)
	if status == http.StatusNotImplemented {
		return d.alone(ctx, base)
	}
	if err != nil {
		return nil, err
	}
	scheme, _, _ := strings.Cut(base, "://")
	var out []Region
	for i := range told.Regions {
		t := &told.Regions[i]
		r := Region{Name: t.Name, State: t.State, Bias: time.Duration(t.BiasMS * float64(time.Millisecond))}
		if t.Lat != nil && t.Lon != nil {
			r.Point, r.Located = gazetteer.Point{Lat: *t.Lat, Lon: *t.Lon}, true
		}
		for _, s := range t.Servers {
			if u := urlOf(scheme, s.HTTP, s.Peer); u != "" {
				r.Servers = append(r.Servers, u)
			}
		}
		out = append(out, r)
	}
	return out, nil
}

func (d *Directory) alone(ctx context.Context, base string) ([]Region, error) {
	var told struct{ Region gazetteer.RegionID }
	if _, err := d.get(ctx, base+"/v1/status", &told); err != nil {
		return nil, err
	}
	return []Region{{Name: told.Region, State: string(region.SiteLive), Servers: []string{base}}}, nil
}

// directoryMax bounds what is read of a directory.
const directoryMax = 4 << 20

func (d *Directory) get(ctx context.Context, url string, into any) (status int, err error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	res, err := d.client.Do(q)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return res.StatusCode, fmt.Errorf("%s answered %s", url, res.Status)
	}
	return res.StatusCode, json.NewDecoder(io.LimitReader(res.Body, directoryMax)).Decode(into)
}
