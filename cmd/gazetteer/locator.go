package main

import (
	"context"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/region/geo"
	geosample "gazetteer/region/geo/sample"
)

// locatorFlags say by what a process places clients.
type locatorFlags struct {
	geoip, networks, fallback string
}

func (f *locatorFlags) define(c *cobra.Command, geoip string) {
	fl := c.Flags()
	fl.StringVar(&f.geoip, "geoip", "", geoip)
	fl.StringVar(&f.networks, "networks", "", "operator networks (geofeed CSV) that say where clients are, before GeoIP; read again when it changes")
	fl.StringVar(&f.fallback, "default-place", "", "LAT,LON in degrees, where clients are taken to be of whom nothing is known (default: nowhere)")
}

// open returns a locator; one without a database uses the bundled bytes.
func (f *locatorFlags) open(bundled []byte) (*geo.Locator, error) {
	l, err := f.openGeoIP(bundled)
	if err != nil {
		return nil, err
	}
	at, err := parsePlace("--default-place", f.fallback)
	if err != nil {
		return nil, err
	}
	if at != nil {
		l.Default = &gazetteer.Point{Lat: at.Lat, Lon: at.Lon}
	}
	if f.networks == "" {
		return l, nil
	}
	return l, l.OpenNetworks(f.networks)
}

func (f *locatorFlags) openGeoIP(bundled []byte) (*geo.Locator, error) {
	switch {
	case f.geoip != "":
		return geo.OpenLocator(f.geoip)
	case bundled != nil:
		return geo.LocatorFromBytes(bundled)
	}
	return new(geo.Locator), nil
}

// openForDemo is open with the bundled test database.
func (f *locatorFlags) openForDemo() (*geo.Locator, error) { return f.open(geosample.City()) }

// args returns the flags as another process is given them.
func (f *locatorFlags) args() []string {
	return []string{"--geoip", f.geoip, "--networks", f.networks, "--default-place", f.fallback}
}

// watchFiles keeps to the files that say where clients are until ctx ends.
func (s *service) watchFiles(ctx context.Context) {
	go s.locator.Watch(ctx, geoipEvery, s.logGeoIP)
	go s.locator.WatchNetworks(ctx, geoipEvery, s.logNetworks)
}

func (s *service) logNetworks(st geo.NetworksStatus) {
	if st.Err != nil {
		s.log.Error("the operator's networks were not taken; the old ones stay", "reason", st.Err)
		return
	}
	s.log.Info("other operator's networks are in use", "networks", st.Networks)
}
