package geo

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/oschwald/geoip2-golang/v2"

	"gazetteer"
)

// manyLocations spreads n locations over the earth, with the weights of a real
// catalogue: most 1, some less.
func manyLocations(n int) []gazetteer.Location {
	random := rand.New(rand.NewPCG(1, 2))
	locs := make([]gazetteer.Location, n)
	for i := range locs {
		p := gazetteer.Point{Lat: random.Float64()*180 - 90, Lon: random.Float64()*360 - 180}
		locs[i] = located(fmt.Sprint(i), p, []float64{1, 1, 1, 1, 0.5, 0.25}[random.IntN(6)])
		locs[i].Country = centres[random.IntN(len(centres))].country
	}
	return locs
}

func BenchmarkRank(b *testing.B) {
	p := Place{Point: gazetteer.Point{Lat: 48.2, Lon: 16.4}, Located: true}
	client := addr("192.0.2.1")
	site := manyLocations(24)
	for i := range site {
		site[i].Point = site[0].Point
	}
	for _, c := range []struct {
		name string
		locs []gazetteer.Location
	}{
		{"of=3", manyLocations(3)},
		{"of=24/one_site", site},
		{"of=400", manyLocations(400)},
		{"of=10000", manyLocations(10_000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			var r Ranker
			dst := make([]Candidate, 0, 5)
			b.ReportAllocs()
			for b.Loop() {
				r.Rank(dst, p, client, c.locs, &Options{Limit: 5})
			}
		})
	}
}

// BenchmarkRankByPolicy is BenchmarkRank of 400 with each part of a policy.
func BenchmarkRankByPolicy(b *testing.B) {
	p := Place{Point: gazetteer.Point{Lat: 48.2, Lon: 16.4}, Located: true, Country: "AT"}
	locs := manyLocations(400)
	for i := range locs {
		locs[i].Labels = []gazetteer.Label{{Key: "load", Value: []string{"0.25", "0.9"}[i%2]}}
	}
	for _, c := range []struct {
		name   string
		policy PolicyDocument
	}{
		{"none", PolicyDocument{}},
		{"tiers", PolicyDocument{Tiers: []TierRule{{Name: "local", WithinKM: 200}, {Name: "near", SameCountry: true}}}},
		{"countries", PolicyDocument{Countries: []CountryRule{{Locations: "country=CH", Deny: []string{"AT"}}}}},
		{"bias", PolicyDocument{Bias: []BiasRule{{Locations: "country=CH", Percent: 20}}}},
		{"load", PolicyDocument{Load: &LoadRule{Label: "load", From: 0.5, Full: 1}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var r Ranker
			o := Options{Limit: 5, Policy: mustPolicy(b, c.policy)}
			dst := make([]Candidate, 0, 5)
			b.ReportAllocs()
			for b.Loop() {
				r.Rank(dst, p, addr("192.0.2.1"), locs, &o)
			}
		})
	}
}

// BenchmarkLocate looks up random addresses of a database of 320,000 networks and
// 4,000 cities, the size of PEERS' measurement; decode=City is the same with the
// record decoded whole, as the library's own City does it.
func BenchmarkLocate(b *testing.B) {
	l, addrs := largeLocator(b)
	b.Run("place", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			l.Locate(Client{Addr: addrs[i%len(addrs)]})
		}
	})
	b.Run("decode=City", func(b *testing.B) {
		b.ReportAllocs()
		reader := l.current.Load().reader
		for i := 0; b.Loop(); i++ {
			var c geoip2.City
			if err := reader.Lookup(addrs[i%len(addrs)]).Decode(&c); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	l, err := largeDatabase(b)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(l)))
	for b.Loop() {
		if _, err := LocatorFromBytes(l); err != nil {
			b.Fatal(err)
		}
	}
}

func largeLocator(b *testing.B) (*Locator, []netip.Addr) {
	data, err := largeDatabase(b)
	if err != nil {
		b.Fatal(err)
	}
	l, err := LocatorFromBytes(data)
	if err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	addrs := make([]netip.Addr, 1<<16)
	for i := range addrs {
		addrs[i] = netip.AddrFrom4([4]byte{byte(16 + random.IntN(80)), byte(random.IntN(256)), byte(random.IntN(256)), 9})
	}
	return l, addrs
}

func largeDatabase(b *testing.B) ([]byte, error) {
	w, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "GeoIP2-City", Description: map[string]string{"en": "bench"}, RecordSize: 28})
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(5, 6))
	cities := make([]mmdbtype.DataType, 4000)
	for i := range cities {
		cities[i] = richRecord(i, random)
	}
	for i := range 320_000 {
		network := fmt.Sprintf("%d.%d.%d.0/22", 16+i/64/256%80, i/64%256, i%64*4)
		insert(b, w, network, cities[random.IntN(len(cities))])
	}
	return bytesOf(b, w), nil
}

// richRecord is as long as a real City record, with names in several languages.
func richRecord(i int, random *rand.Rand) mmdbtype.DataType {
	names := func(s string) mmdbtype.Map {
		m := mmdbtype.Map{}
		for _, language := range []string{"de", "en", "es", "fr", "ja", "pt-BR", "ru", "zh-CN"} {
			m[mmdbtype.String(language)] = mmdbtype.String(s + language)
		}
		return m
	}
	c := centres[i%len(centres)]
	return mmdbtype.Map{
		"city":               mmdbtype.Map{"geoname_id": mmdbtype.Uint32(i), "names": names(fmt.Sprint("City", i))},
		"continent":          mmdbtype.Map{"code": mmdbtype.String("EU"), "names": names("Europe")},
		"country":            mmdbtype.Map{"iso_code": mmdbtype.String(c.country), "names": names("Country " + c.country)},
		"registered_country": mmdbtype.Map{"iso_code": mmdbtype.String("US"), "names": names("United States")},
		"location": mmdbtype.Map{"latitude": mmdbtype.Float64(random.Float64()*120 - 60), "longitude": mmdbtype.Float64(random.Float64()*360 - 180),
			"accuracy_radius": mmdbtype.Uint16(50), "time_zone": mmdbtype.String("Europe/Vienna")},
	}
}
