package geo

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"gazetteer"
	"gazetteer/region/geo/sample"
)

func TestBadDatabasesAreRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole := sample.City()
	for _, c := range []struct {
		path string
		kind gazetteer.Kind
		says string
	}{
		{filepath.Join(dir, "absent.mmdb"), gazetteer.NotFound, "no such file"},
		{dir, gazetteer.Unprocessable, "not a regular file"},
		{"", gazetteer.NotFound, "no such file"},
		{write("empty.mmdb", nil), gazetteer.Unprocessable, "damaged, or not a database"},
		{write("text.mmdb", []byte("not found\n")), gazetteer.Unprocessable, "damaged, or not a database"},
		{write("half.mmdb", whole[:len(whole)/2]), gazetteer.Unprocessable, "damaged, or not a database"},
		{write("hole.mmdb", punch(whole)), gazetteer.Unprocessable, "damaged, or not a database"},
		{write("lat.mmdb", databaseWith(t, "Test-City", map[string]mmdbtype.DataType{"1.0.0.0/8": cityRecord("NZ", 95, 0)})), gazetteer.Unprocessable, "network 1.0.0.0/8: gazetteer.Validate: /lat"},
		{"testdata/GeoIP2-City-Test-Broken-Double-Format.mmdb", gazetteer.Unprocessable, "float 64 size of 5"},
		{"testdata/GeoIP2-City-Test-Invalid-Node-Count.mmdb", gazetteer.Unprocessable, "invalid metadata"},
		{"testdata/GeoLite2-ASN-Test.mmdb", gazetteer.Unprocessable, `of type "GeoLite2-ASN"`},
		{"testdata/GeoIP2-Anonymous-IP-Test.mmdb", gazetteer.Unprocessable, `of type "GeoIP2-Anonymous-IP"`},
		{"testdata/MaxMind-DB-no-ipv4-search-tree.mmdb", gazetteer.Unprocessable, "want a City or Country database"},
	} {
		_, err := OpenLocator(c.path)
		if err == nil || gazetteer.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: got %v (%v), want %v and %q", c.path, err, gazetteer.KindOf(err), c.kind, c.says)
		}
	}
}

func TestReloadKeepsTheOldDatabaseWhenTheNewOneIsBad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "live.mmdb")
	london := Client{Addr: netip.MustParseAddr("81.2.69.142")}
	replace(t, path, sample.City())
	l := openLocator(t, path)
	steps := []struct {
		name    string
		do      func()
		changed bool
		fails   string // empty: the reload is good
		method  Method
	}{
		{"nothing new", func() {}, false, "", GeoIPCity},
		{"damaged", func() { replace(t, path, readTest(t, "GeoIP2-City-Test-Broken-Double-Format.mmdb")) }, true, "float 64", GeoIPCity},
		{"still damaged", func() {}, false, "float 64", GeoIPCity},
		{"of another type", func() { replace(t, path, readTest(t, "GeoLite2-ASN-Test.mmdb")) }, true, "GeoLite2-ASN", GeoIPCity},
		{"gone", func() { os.Remove(path) }, true, "no such file", GeoIPCity},
		{"still gone", func() {}, false, "no such file", GeoIPCity},
		{"countries only", func() { replace(t, path, readTest(t, "GeoIP2-Country-Test.mmdb")) }, true, "", GeoIPCountry},
		{"half written in place", func() { overwrite(t, path, sample.City()[:9000]) }, true, "damaged, or", GeoIPCountry},
		{"written to the end", func() { overwrite(t, path, sample.City()) }, true, "", GeoIPCity},
	}
	for _, s := range steps {
		s.do()
		changed, err := l.ReloadIfChanged()
		if changed != s.changed || (err != nil) != (s.changed && s.fails != "") {
			t.Errorf("%s: changed %v, %v", s.name, changed, err)
		}
		st := l.Status()
		if (st.Err != nil) != (s.fails != "") || (st.Err != nil && !strings.Contains(st.Err.Error(), s.fails)) {
			t.Errorf("%s: status %v, want %q", s.name, st.Err, s.fails)
		}
		if got := l.Locate(london); got.Method != s.method || got.Country != "GB" {
			t.Errorf("%s: got %+v, want %s", s.name, got, s.method)
		}
	}
}

// A file of the same size and time in another's place is another file.
func TestReloadSeesAReplacementOfEqualSizeAndTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "live.mmdb")
	replace(t, path, sample.City())
	l := openLocator(t, path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, path, punch(sample.City()))
	if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if changed, err := l.ReloadIfChanged(); !changed || err == nil {
		t.Errorf("changed %v, %v", changed, err)
	}
}

func TestWatchReportsEachChangeUntilItsContextEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "live.mmdb")
	replace(t, path, sample.City())
	l := openLocator(t, path)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	reports, done := make(chan Status), make(chan struct{})
	go func() {
		defer close(done)
		l.Watch(ctx, time.Millisecond, func(s Status) { reports <- s })
	}()
	for _, name := range []string{"GeoIP2-Country-Test.mmdb", "GeoLite2-ASN-Test.mmdb", "GeoLite2-City-Test.mmdb"} {
		replace(t, path, readTest(t, name))
		select {
		case s := <-reports:
			if (s.Err != nil) != (name == "GeoLite2-ASN-Test.mmdb") {
				t.Errorf("%s: %+v", name, s)
			}
		case <-ctx.Done():
			t.Fatalf("%s: no report", name)
		}
	}
	cancel()
	<-done
}

func TestLookupsGoOnDuringReloads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "live.mmdb")
	replace(t, path, sample.City())
	l := openLocator(t, path)
	stop, done := make(chan struct{}), make(chan int)
	go func() {
		lost := 0
		for {
			select {
			case <-stop:
				done <- lost
				return
			default:
				if l.Locate(Client{Addr: netip.MustParseAddr("81.2.69.142")}).Country != "GB" {
					lost++
				}
			}
		}
	}()
	for i := range 20 {
		replace(t, path, [][]byte{readTest(t, "GeoIP2-Country-Test.mmdb"), sample.City()}[i%2])
		if err := l.Reload(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	if lost := <-done; lost != 0 {
		t.Errorf("%d lookups went wrong", lost)
	}
}

// A database of the operator's own making, by another vendor's name.
func TestStatusTellsOfTheDatabase(t *testing.T) {
	l, err := LocatorFromBytes(databaseWith(t, "Acme-City", map[string]mmdbtype.DataType{
		"1.0.0.0/8": cityRecord("NZ", -36.85, 174.76),
		"2.0.0.0/8": cityRecord("NZ", -36.85, 174.76),
		"3.0.0.0/8": mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String("FR")}},
		"4.0.0.0/8": mmdbtype.Map{"registered_country": mmdbtype.Map{"iso_code": mmdbtype.String("DE")}},
		"5.0.0.0/8": mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String("??")}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := Status{Type: "Acme-City", Built: time.Unix(1e9, 0).UTC(), Places: 2}
	if got := l.Status(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for a, want := range map[string]Method{"1.2.3.4": GeoIPCity, "2.2.3.4": GeoIPCity, "3.2.3.4": GeoIPCountry, "4.2.3.4": Unknown, "5.2.3.4": Unknown} {
		if got := l.Locate(Client{Addr: netip.MustParseAddr(a)}); got.Method != want {
			t.Errorf("%s: got %+v, want %s", a, got, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(sample.City()[:9000])
	f.Add(punch(sample.City()))
	f.Add(databaseWith(f, "Tiny-City", map[string]mmdbtype.DataType{"1.0.0.0/8": cityRecord("NZ", 1, 2)}))
	f.Add(readTest(f, "MaxMind-DB-no-ipv4-search-tree.mmdb"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := LocatorFromBytes(data)
		if err != nil {
			return
		}
		for _, a := range []string{"1.2.3.4", "81.2.69.142", "2001:218::1", "::ffff:1.2.3.4"} {
			p := l.Locate(Client{Addr: netip.MustParseAddr(a)})
			if p.Located != (p.Method != Unknown) || (p.Located && p.Point.Validate() != nil) {
				t.Errorf("%s: %+v", a, p)
			}
		}
	})
}

// punch damages the data section in its middle.
func punch(whole []byte) []byte {
	out := append([]byte(nil), whole...)
	for i := range 64 {
		out[len(out)*3/4+i] = 0xff
	}
	return out
}

func cityRecord(country string, lat, lon float64) mmdbtype.DataType {
	return mmdbtype.Map{
		"country":  mmdbtype.Map{"iso_code": mmdbtype.String(country)},
		"location": mmdbtype.Map{"latitude": mmdbtype.Float64(lat), "longitude": mmdbtype.Float64(lon)},
	}
}

func databaseWith(tb testing.TB, databaseType string, records map[string]mmdbtype.DataType) []byte {
	w, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: databaseType, BuildEpoch: 1e9, Description: map[string]string{"en": "test"}, RecordSize: 28, IncludeReservedNetworks: true})
	if err != nil {
		tb.Fatal(err)
	}
	for network, record := range records {
		insert(tb, w, network, record)
	}
	return bytesOf(tb, w)
}

// replace puts a new file in the place of the old one, as careful tools do.
func replace(t *testing.T, path string, data []byte) {
	t.Helper()
	overwrite(t, path+".new", data)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// overwrite writes into the file that is there, as careless tools do.
func overwrite(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func readTest(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func insert(tb testing.TB, w *mmdbwriter.Tree, network string, record mmdbtype.DataType) {
	_, n, err := net.ParseCIDR(network)
	if err != nil {
		tb.Fatal(err)
	}
	if err := w.Insert(n, record); err != nil {
		tb.Fatal(err)
	}
}

func bytesOf(tb testing.TB, w *mmdbwriter.Tree) []byte {
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}
