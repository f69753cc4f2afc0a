package geo

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"gazetteer"
)

// The columns of a file of networks. The first five are those of a geofeed (RFC 8805,
// section 2.1.1), of which subdivision, city and postal code are read over: they are
// names, not places. The last three are ours, and a plain geofeed has none of them.
const (
	columnPrefix = iota
	columnCountry
	columnSubdivision
	columnCity
	columnPostal
	columnLat
	columnLon
	columnRegion
	columnsMax
)

const (
	maxLineBytes = 4 << 10
	// maxComplaints bounds how many bad lines are told of one by one.
	maxComplaints = 1000
)

// ParseNetworks reads the operator's networks: a geofeed (RFC 8805), with up to three
// more columns.
//
//	network, country, subdivision, city, postal code, latitude, longitude, region
//
// A network is a CIDR or one address. Its clients are at the coordinates, or without
// them at the centre of the country, and they belong to the region if one is named. A
// line with nothing but a network says that nothing is known of it, also not by GeoIP.
// Of nested networks the longest counts. Fields may be empty, quoted, and left out at
// the end; lines that are empty or begin with # are comments.
//
// An error has kind Unprocessable and tells of every bad line, with its number; then
// there are no networks.
func ParseNetworks(data []byte) ([]Network, error) {
	f := feed{lines: map[netip.Prefix]int{}, reserved: newTable(nil)}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	for number := 1; len(data) > 0; number++ {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte("\n"))
		f.read(number, bytes.TrimSuffix(line, []byte("\r")))
	}
	if f.bad > 0 {
		return nil, f.refusal()
	}
	return f.networks, nil
}

// feed is a file as far as it was read.
type feed struct {
	networks   []Network
	lines      map[netip.Prefix]int // where each network stands
	reserved   *table
	complaints []string
	bad        int
}

func (f *feed) read(number int, line []byte) {
	text := string(line)
	if strings.TrimSpace(text) == "" || strings.HasPrefix(text, "#") {
		return
	}
	n, err := parseNetwork(text)
	if err == nil {
		err = f.check(n.Prefix)
	}
	if err != nil {
		f.complain(number, err)
		return
	}
	f.lines[n.Prefix] = number
	f.networks = append(f.networks, n)
}

// check refuses a network that is there already, and one that no client can have: its
// line would never be used.
func (f *feed) check(p netip.Prefix) error {
	if earlier := f.lines[p]; earlier > 0 {
		return fmt.Errorf("line %d has %s already", earlier, p)
	}
	if value, around := f.reserved.find(p.Addr()); value == isReserved && around.Bits() <= p.Bits() {
		return fmt.Errorf("%s lies in %s, which is reserved: such addresses say nothing about where a client is", p, around)
	}
	return nil
}

func (f *feed) complain(number int, err error) {
	f.bad++
	if f.bad <= maxComplaints {
		f.complaints = append(f.complaints, fmt.Sprintf("line %d: %v", number, err))
	}
}

func (f *feed) refusal() error {
	text := strings.Join(f.complaints, "\n")
	if more := f.bad - len(f.complaints); more > 0 {
		text += fmt.Sprintf("\nand %d more", more)
	}
	return &gazetteer.Error{Op: "geo.ParseNetworks", Kind: gazetteer.Unprocessable,
		Detail: fmt.Sprintf("bad lines: %d; nothing of the file was taken\n%s", f.bad, text)}
}

// parseNetwork reads a line.
func parseNetwork(line string) (n Network, err error) {
	fields, err := splitLine(line)
	if err != nil {
		return n, err
	}
	if n.Prefix, err = parsePrefix(fields[columnPrefix]); err != nil {
		return n, err
	}
	if n.Country, err = parseCountry(fields[columnCountry]); err != nil {
		return n, err
	}
	if n.Point, n.Located, err = parsePoint(fields[columnLat], fields[columnLon]); err != nil {
		return n, err
	}
	n.Region = gazetteer.RegionID(fields[columnRegion])
	if n.Region != "" {
		err = n.Region.Validate()
	}
	return n, err
}

// splitLine returns all fields that a line may have, trimmed.
func splitLine(line string) (fields [columnsMax]string, err error) {
	if len(line) > maxLineBytes {
		return fields, fmt.Errorf("%d bytes, want at most %d", len(line), maxLineBytes)
	}
	if !utf8.ValidString(line) {
		return fields, fmt.Errorf("not valid UTF-8")
	}
	all := strings.Split(line, ",")
	if strings.Contains(line, `"`) {
		if all, err = csv.NewReader(strings.NewReader(line)).Read(); err != nil {
			return fields, fmt.Errorf("quotes are out of place")
		}
	}
	if len(all) > len(fields) {
		return fields, fmt.Errorf("%d fields, want at most %d", len(all), len(fields))
	}
	for i, f := range all {
		fields[i] = strings.TrimSpace(f)
	}
	return fields, nil
}

// parsePrefix reads a network; a lone address is one of its own.
func parsePrefix(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if a, lone := netip.ParseAddr(text); lone == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err != nil {
		return p, fmt.Errorf("%.80q is neither a network such as 81.2.69.0/24 nor an address", text)
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return p, fmt.Errorf("%s is wider than what it maps: write it as IPv4", p)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if p != p.Masked() {
		return p, fmt.Errorf("%s has bits set behind its length: is it %s?", p, p.Masked())
	}
	return p, nil
}

func parseCountry(text string) (string, error) {
	code := strings.ToUpper(text)
	if code != "" && centreOf(code) == nil {
		return "", fmt.Errorf("%.80q is not an ISO 3166-1 alpha-2 country code", text)
	}
	return code, nil
}

func parsePoint(lat, lon string) (p gazetteer.Point, located bool, err error) {
	if lat == "" && lon == "" {
		return p, false, nil
	}
	var also error
	p.Lat, err = strconv.ParseFloat(lat, 64)
	p.Lon, also = strconv.ParseFloat(lon, 64)
	if err != nil || also != nil || p.Validate() != nil {
		return p, false, fmt.Errorf("%.40q, %.40q is not a latitude and a longitude in degrees", lat, lon)
	}
	return p, true, nil
}
