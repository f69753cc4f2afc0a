package sample

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the catalogue anew from its source")

// TestCatalogueIsItsSource converts the source anew and compares.
func TestCatalogueIsItsSource(t *testing.T) {
	want := convert(t, readSource(t))
	if *update {
		pack(t, want)
	}
	r, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if !*update && !bytes.Equal(got, want) {
		t.Error("the catalogue differs from what its source gives: go test ./cmd/gazetteer/sample -update")
	}
}

// entry is a line of the source.
type entry struct {
	Type, ID  string
	Locations []machine
}

type machine struct {
	Host, IPv4, IPv6, Site, City, Country, Kind, Uplink, ASN string
	Latitude, Longitude, Probability                         float64
}

// document is a resource as the service writes it.
type document struct {
	Type      string     `json:"type"`
	ID        string     `json:"id"`
	Locations []location `json:"locations"`
}

type location struct {
	ID      string            `json:"id"`
	URL     string            `json:"url"`
	Lat     float64           `json:"lat"`
	Lon     float64           `json:"lon"`
	Country string            `json:"country"`
	Weight  float64           `json:"weight"`
	Labels  map[string]string `json:"labels"`
}

func readSource(t *testing.T) []entry {
	f, err := os.Open("testdata/mlab-services.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []entry
	for lines := json.NewDecoder(bufio.NewReader(z)); ; {
		var e entry
		switch err := lines.Decode(&e); err {
		case nil:
			out = append(out, e)
		case io.EOF:
			return out
		default:
			t.Fatal(err)
		}
	}
}

func convert(t *testing.T, entries []entry) []byte {
	byKey := map[[2]string]*document{}
	add := func(typ, id string, l location) {
		k := [2]string{typ, id}
		if byKey[k] == nil {
			byKey[k] = &document{Type: typ, ID: id}
		}
		byKey[k].Locations = append(byKey[k].Locations, l)
	}
	for _, e := range entries {
		typ := typeName(e.Type)
		for _, m := range e.Locations {
			add(typ, e.ID, m.location())
			add("service", typ, m.location())
		}
	}
	return write(t, slices.Collect(maps.Values(byKey)))
}

// typeName makes a DNS label of a service's name: "ndt.iupui" is no label.
func typeName(service string) string { return strings.ReplaceAll(service, ".", "-") }

func (m machine) location() location {
	short, _, _ := strings.Cut(m.Host, ".")
	labels := map[string]string{
		"site": m.Site, "city": m.City, "kind": m.Kind, "uplink": m.Uplink, "asn": m.ASN, "ipv4": m.IPv4, "ipv6": m.IPv6,
	}
	maps.DeleteFunc(labels, func(_, v string) bool { return v == "" })
	return location{short, "https://" + m.Host + "/", m.Latitude, m.Longitude, m.Country, m.Probability, labels}
}

func write(t *testing.T, docs []*document) []byte {
	slices.SortFunc(docs, func(a, b *document) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID)) })
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	lines.SetEscapeHTML(false)
	for _, d := range docs {
		slices.SortFunc(d.Locations, func(a, b location) int { return cmp.Compare(a.ID, b.ID) })
		if err := lines.Encode(d); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func pack(t *testing.T, text []byte) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if err == nil {
		err = os.WriteFile("catalogue.ndjson.gz", b.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	packed = b.Bytes()
}
