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
	places map[uintptr]spot
}

// spot is what a record says of where a client is.
type spot struct {
	point   gazetteer.Point
	country string
	method  Method
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
	d = &database{reader: reader, places: make(map[uintptr]spot)}
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
	at, err := spotOf(&record)
	if err == nil && at.method != Unknown {
		d.places[network.Offset()] = at
	}
	return err
}

// spotOf reads a record. Only its country and its coordinates count: the registered
// country is where the network's owner sits, the represented one is an embassy's.
func spotOf(r *geoip2.City) (spot, error) {
	s := spot{method: Unknown}
	if c := centreOf(r.Country.ISOCode); c != nil {
		s = spot{c.point, c.country, GeoIPCountry}
	}
	if !r.Location.HasCoordinates() {
		return s, nil
	}
	s.point = gazetteer.Point{Lat: *r.Location.Latitude, Lon: *r.Location.Longitude}
	s.method = GeoIPCity
	return s, s.point.Validate()
}

// find returns where an address is that is neither mapped nor has a zone. Its network is
// not valid if the database says the same of all addresses of the family.
func (d *database) find(a netip.Addr) Place {
	if d == nil {
		return Place{Method: Unknown}
	}
	r := d.reader.Lookup(a)
	network := r.Prefix()
	if !network.Contains(a) { // the database has no tree for the family
		network = netip.Prefix{}
	}
	if r.Found() {
		if s, ok := d.places[r.Offset()]; ok {
			return Place{Point: s.point, Located: true, Country: s.country, Method: s.method, Network: network}
		}
	}
	return Place{Method: Unknown, Network: network}
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
