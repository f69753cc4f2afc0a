package geo

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/oschwald/geoip2-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2"

	"gazetteer"
)

// database is one GeoIP database, checked as a whole when it was loaded. It never
// changes.
type database struct {
	reader *maxminddb.Reader
	// places has, for the offset of each record in the file, where it puts a client.
	// Many networks share a record, so the table is far smaller than the tree; and a
	// lookup that needs the offset alone takes a ninth of one that decodes the record.
	places map[uintptr]Place
}

// load checks data from end to end and reads every place out of it. It keeps data.
//
// The reader is made for damaged files and should return errors, but this one decodes
// foreign bytes in a process that must go on, and it runs rarely: a panic in it becomes
// an error, too. No such net is under lookups, which read only what was checked here.
func load(data []byte) (d *database, err error) {
	defer func() {
		if p := recover(); p != nil {
			d, err = nil, damaged(fmt.Errorf("reader panicked: %v", p))
		}
	}()
	reader, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, damaged(err)
	}
	if t := reader.Metadata.DatabaseType; !placesClients(t) {
		return nil, refuse(gazetteer.Unprocessable, "the database is of type %q, which says nothing about places: want a City or Country database", t)
	}
	if err := reader.Verify(); err != nil {
		return nil, damaged(err)
	}
	d = &database{reader: reader, places: make(map[uintptr]Place)}
	if err := d.readPlaces(); err != nil {
		return nil, damaged(err)
	}
	return d, nil
}

// placesClients tells by its type name whether a database has the schema of City, of
// which Country is a part and Enterprise an extension. Vendors other than MaxMind put
// the same words into their names.
func placesClients(databaseType string) bool {
	for _, word := range []string{"City", "Country", "Enterprise"} {
		if strings.Contains(databaseType, word) {
			return true
		}
	}
	return false
}

func (d *database) readPlaces() error {
	seen := make(map[uintptr]struct{})
	for network := range d.reader.Networks() {
		if err := network.Err(); err != nil {
			return err
		}
		if _, ok := seen[network.Offset()]; ok {
			continue
		}
		seen[network.Offset()] = struct{}{}
		if err := d.readPlace(network); err != nil {
			return fmt.Errorf("network %s: %w", network.Prefix(), err)
		}
	}
	return nil
}

func (d *database) readPlace(network maxminddb.Result) error {
	var record geoip2.City
	if err := network.Decode(&record); err != nil {
		return err
	}
	place, err := placeOf(&record)
	if err == nil && place.Method != Unknown {
		d.places[network.Offset()] = place
	}
	return err
}

// placeOf reads a record. Only its country and its coordinates count: the registered
// country is where the network's owner sits, the represented one is an embassy's.
func placeOf(r *geoip2.City) (Place, error) {
	p := Place{Method: Unknown}
	c := centreOf(r.Country.ISOCode)
	if c != nil {
		p = Place{Point: c.point, Located: true, Country: c.country, Method: GeoIPCountry}
	}
	if !r.Location.HasCoordinates() {
		return p, nil
	}
	p.Point = gazetteer.Point{Lat: *r.Location.Latitude, Lon: *r.Location.Longitude}
	p.Located, p.Method = true, GeoIPCity
	return p, p.Point.Validate()
}

// find returns where a is. Of an address that nobody routes (private, loopback,
// link-local, multicast, unspecified) nothing is known, whatever the database says.
func (d *database) find(a netip.Addr) Place {
	a = a.Unmap()
	if d == nil || !a.IsGlobalUnicast() || a.IsPrivate() {
		return Place{Method: Unknown}
	}
	if r := d.reader.Lookup(a); r.Found() {
		if p, ok := d.places[r.Offset()]; ok {
			return p
		}
	}
	return Place{Method: Unknown}
}

func (d *database) status() Status {
	if d == nil {
		return Status{}
	}
	m := &d.reader.Metadata
	return Status{Type: m.DatabaseType, Built: time.Unix(int64(m.BuildEpoch), 0).UTC(), Places: len(d.places)}
}

func damaged(err error) error {
	return &gazetteer.Error{Op: "geo.load", Kind: gazetteer.Unprocessable, Detail: "damaged, or not a database in MaxMind's format: fetch it again", Err: err}
}

func refuse(kind gazetteer.Kind, format string, args ...any) error {
	return &gazetteer.Error{Op: "geo.load", Kind: kind, Detail: fmt.Sprintf(format, args...)}
}
