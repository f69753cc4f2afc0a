package region

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/region/geo"
	"gazetteer/ring"

	"pgregory.net/rapid"
)

func TestResolveRanksForTheClient(t *testing.T) {
	s, f := regional(t, "a")
	f.stock(mirror("x"), located("akl", -37, 175), located("fra", 50, 8), located("nyc", 40, -74))
	var a Answer
	for city, c := range map[string]struct{ lat, lon float64 }{"akl": {-36, 174}, "fra": {48, 2}, "nyc": {42, -71}} {
		q := Query{Key: mirror("x"), Client: geo.Client{Stated: gazetteer.Point{Lat: c.lat, Lon: c.lon}, HasPoint: true}}
		if err := s.Resolve(t.Context(), &q, &a); err != nil {
			t.Fatal(err)
		}
		if len(a.Candidates) != 3 || string(a.Candidates[0].Location.ID) != city {
			t.Errorf("near %s: %v", city, a.Candidates)
		}
		if a.Client.Method != geo.StatedPoint || a.Region != "here" || a.Node != "a" || a.Hops != nil {
			t.Errorf("%+v", a)
		}
	}
	q := Query{Key: mirror("x"), Avoid: []gazetteer.LocationID{"akl", "fra", "nyc"}}
	if err := s.Resolve(t.Context(), &q, &a); err != nil || len(a.Candidates) != 0 {
		t.Errorf("all excluded: %v, %v", a.Candidates, err)
	}
}

func TestResolveOfWhatIsNotThere(t *testing.T) {
	s, f := regional(t, "a")
	f.stock(mirror("x"), located("akl", -37, 175))
	var a Answer
	for name, c := range map[string]struct {
		key  gazetteer.Key
		kind gazetteer.Kind
	}{
		"type":       {gazetteer.Key{Type: "nowhere", ID: "x"}, gazetteer.NotFound},
		"no_label":   {gazetteer.Key{Type: "No Label", ID: "x"}, gazetteer.NotFound},
		"internal":   {gazetteer.Key{Type: gazetteer.TypesType, ID: "mirror"}, gazetteer.NotFound},
		"id":         {mirror("y"), gazetteer.NotFound},
		"empty_id":   {mirror(""), gazetteer.Unprocessable},
		"long_id":    {mirror(strings.Repeat("x", 256)), gazetteer.Unprocessable},
		"bad_utf8":   {mirror("\xff"), gazetteer.Unprocessable},
		"another_id": {mirror("X"), gazetteer.NotFound},
	} {
		err := s.Resolve(t.Context(), &Query{Key: c.key}, &a)
		if err == nil || gazetteer.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.Get(t.Context(), c.key); err == nil || gazetteer.KindOf(err) != c.kind {
			t.Errorf("%s: get: %v", name, err)
		}
	}
	if n := s.Status().Requests; n.Missing == 0 || n.Failures == 0 || n.Lookups == 0 {
		t.Errorf("%+v", n)
	}
}

// Who names the region gets the same answer; who names another one is told that it is not
// known.
func TestARegionCanBeNamed(t *testing.T) {
	s, f := regional(t, "a")
	f.stock(mirror("x"), located("akl", -37, 175))
	own, _ := s.Name()
	var a Answer
	for _, name := range []gazetteer.RegionID{"", own} {
		if err := s.Resolve(t.Context(), &Query{Key: mirror("x"), Region: name}, &a); err != nil || a.Region != own {
			t.Errorf("%q: %v, answered by %q", name, err, a.Region)
		}
		if _, by, err := s.GetFrom(t.Context(), mirror("x"), name); err != nil || by != own {
			t.Errorf("get %q: %v, answered by %q", name, err, by)
		}
	}
	_, _, err := s.GetFrom(t.Context(), mirror("x"), "elsewhere")
	for _, err := range []error{err, s.Resolve(t.Context(), &Query{Key: mirror("x"), Region: "elsewhere"}, &a)} {
		e, ok := err.(*gazetteer.Error)
		if !ok || e.Kind != gazetteer.NotFound || e.Key != (gazetteer.Key{Type: gazetteer.RegionsType, ID: "elsewhere"}) || e.Pointer != "region" {
			t.Errorf("%v", err)
		}
	}
}

// An answer that is used again shows nothing of the last one.
func TestAnswersAreUsedAgain(t *testing.T) {
	s, f := regional(t, "a")
	labelled := located("nyc", 40, -74)
	labelled.Labels = []gazetteer.Label{{Key: "k", Value: "v"}}
	labelled.Country, labelled.Weight = "US", 7
	f.stock(mirror("many"), located("akl", 1, 1), located("fra", 2, 2), labelled)
	f.stock(mirror("one"), gazetteer.Location{ID: "nyc", URL: "x:y", Weight: 1})
	var a Answer
	for range 3 {
		if err := s.Resolve(t.Context(), &Query{Key: mirror("many"), Explain: true, Limit: 1}, &a); err != nil || len(a.Excluded) != 2 {
			t.Fatal(err, a.Excluded)
		}
		if err := s.Resolve(t.Context(), &Query{Key: mirror("one")}, &a); err != nil {
			t.Fatal(err)
		}
		l := a.Candidates[0].Location
		if len(a.Candidates) != 1 || l.Located || l.Country != "" || l.Weight != 1 || len(l.Labels) != 0 || a.Hops != nil || a.Excluded != nil {
			t.Errorf("%+v", a)
		}
	}
}

func TestResolveAllocatesNothing(t *testing.T) {
	s, f := regional(t, "a")
	f.stock(mirror("x"), located("akl", -37, 175), located("fra", 50, 8), located("nyc", 40, -74))
	s.clusters.server("a").local = true // a hop within one process has no context of its own
	var a Answer
	q := Query{Key: mirror("x"), Client: geo.Client{Stated: gazetteer.Point{Lat: 1}, HasPoint: true}}
	ctx := t.Context()
	n := testing.AllocsPerRun(100, func() {
		if err := s.Resolve(ctx, &q, &a); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Demand counts what the rings of a type have to answer: not what is refused before.
func TestDemandIsCountedByType(t *testing.T) {
	s, f := regional(t, "a")
	f.stock(mirror("x"), located("akl", -37, 175))
	var a Answer
	ctx := t.Context()
	for range 3 {
		_ = s.Resolve(ctx, &Query{Key: mirror("x")}, &a)
	}
	_, _ = s.Get(ctx, mirror("no-such-id"))
	_, _ = s.List(ctx, "mirror", "", Cursor{}, 10)
	s.Write(ctx, []Change{{Key: mirror("x"), Op: DeleteResource}, {Key: mirror("y"), Op: PutResource}})
	_ = s.Resolve(ctx, &Query{Key: gazetteer.Key{Type: "nowhere", ID: "x"}}, &a)
	_ = s.Resolve(ctx, &Query{Key: mirror("")}, &a)
	s.Write(ctx, []Change{{Key: gazetteer.Key{Type: gazetteer.TypesType, ID: "x"}}})
	want := []Demand{{Type: "mirror", Reads: 5, Writes: 2}}
	if got := s.Status().Demand; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	_, _, _ = s.Tier().Read(ctx, nil, mirror("x"))
	_, _, _ = s.Tier().Read(ctx, nil, gazetteer.Key{Type: gazetteer.TypesType, ID: "mirror"})
	s.Tier().Write(ctx, "mirror", []ring.Write{{Partition: gazetteer.PartitionOf(mirror("x"), fakePartitions), ID: "x"}})
	want[0].Reads, want[0].Writes = 6, 3
	if got := s.Status().Demand; !slices.Equal(got, want) {
		t.Errorf("from another region: %v, want %v", got, want)
	}
}

// A type that does not exist costs a look-up once, then nothing for a while; one that is
// made elsewhere is known soon.
func TestTypesAreReadThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := regional(t, "a")
		for range 50 {
			if _, err := s.Type(t.Context(), "other"); gazetteer.KindOf(err) != gazetteer.NotFound {
				t.Fatal(err)
			}
		}
		if n := f["a"].called(); n != 1 {
			t.Errorf("an unknown type was looked up %d times", n)
		}
		f.stock(gazetteer.Key{Type: gazetteer.TypesType, ID: "other"})
		time.Sleep(refreshEvery)
		for range 50 {
			if spec, err := s.Type(t.Context(), "other"); err != nil || spec.TTL != 30*time.Second || spec.Mode != "multi" {
				t.Fatal(spec, err)
			}
		}
		if n := f["a"].called(); n != 2 {
			t.Errorf("a known type was looked up again: %d", n)
		}
	})
}

// While the cluster of the types is gone, what is known stays known, and what is not
// known is not said not to be.
func TestTypesWithoutTheirCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := regional(t, "a")
		go s.Run(t.Context())
		if _, err := s.Type(t.Context(), "mirror"); err != nil {
			t.Fatal(err)
		}
		f["a"].fail(gazetteer.Unavailable)
		time.Sleep(10 * refreshEvery)
		if _, err := s.Type(t.Context(), "mirror"); err != nil {
			t.Error(err)
		}
		if _, err := s.Type(t.Context(), "other"); gazetteer.KindOf(err) != gazetteer.Unavailable {
			t.Error(err)
		}
		f["a"].heal()
		f["a"].shelf.write(gazetteer.TypesType, &ring.Write{ID: "mirror", Replace: true})
		time.Sleep(10 * refreshEvery)
		if _, err := s.Type(t.Context(), "mirror"); gazetteer.KindOf(err) != gazetteer.NotFound {
			t.Errorf("deleted elsewhere: %v", err)
		}
	})
}

// Clients can name as many types as they like: what is remembered of them is bounded.
func TestUnknownTypesAreBounded(t *testing.T) {
	s, _ := regional(t, "a")
	for i := range 3 * unknownMax {
		_, _ = s.Type(t.Context(), gazetteer.Type(fmt.Sprint("t", i)))
	}
	if n := len(s.types.unknown); n > unknownMax {
		t.Errorf("%d are remembered", n)
	}
}

// A look-up that began before this server wrote the type does not undo what it knows.
func TestLateLookUpDoesNotHideAWrite(t *testing.T) {
	s, _ := regional(t, "a")
	before := s.types.changesSoFar()
	if _, err := s.PutType(t.Context(), TypeSpec{Name: "other"}); err != nil {
		t.Fatal(err)
	}
	s.types.forget("other", before)
	if _, ok := (*s.types.known.Load())["other"]; !ok {
		t.Error("it does")
	}
}

func TestTypesThatCannotBe(t *testing.T) {
	s, _ := regional(t, "a")
	for name, c := range map[string]struct {
		spec    TypeSpec
		kind    gazetteer.Kind
		pointer string
	}{
		"label":    {TypeSpec{Name: "No"}, gazetteer.Unprocessable, ""},
		"internal": {TypeSpec{Name: gazetteer.RegionsType}, gazetteer.Unprocessable, ""},
		"reserved": {TypeSpec{Name: "any"}, gazetteer.Unprocessable, ""},
		"region":   {TypeSpec{Name: "here"}, gazetteer.Conflict, ""},
		"mode":     {TypeSpec{Name: "t", Mode: "mastered"}, gazetteer.Unprocessable, "/mode"},
		"ttl":      {TypeSpec{Name: "t", TTL: time.Millisecond}, gazetteer.Unprocessable, "/ttl_seconds"},
		"long_ttl": {TypeSpec{Name: "t", TTL: 25 * time.Hour}, gazetteer.Unprocessable, "/ttl_seconds"},
		"negative": {TypeSpec{Name: "t", TTL: -time.Second}, gazetteer.Unprocessable, "/ttl_seconds"},
	} {
		_, err := s.PutType(t.Context(), c.spec)
		var e *gazetteer.Error
		if !errors.As(err, &e) || e.Kind != c.kind || e.Pointer != c.pointer {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.DeleteType(t.Context(), "t"); gazetteer.KindOf(err) != gazetteer.NotFound {
		t.Error(err)
	}
}

func TestChangesThatCannotBe(t *testing.T) {
	s, f := regional(t, "a")
	many := make([]gazetteer.Location, gazetteer.MaxLocations+1)
	big := strings.Repeat("x", 60<<10)
	var bigs []gazetteer.Location
	for i := range 18 {
		l := located(fmt.Sprint("l", i), 1, 1)
		l.URL += big
		bigs = append(bigs, l)
	}
	with := func(mend func(*gazetteer.Location)) []gazetteer.Location {
		l := located("b", 1, 1)
		mend(&l)
		return []gazetteer.Location{located("a", 1, 1), l}
	}
	for name, c := range map[string]struct {
		change  Change
		kind    gazetteer.Kind
		pointer string
	}{
		"internal":       {Change{Key: gazetteer.Key{Type: gazetteer.TypesType, ID: "x"}}, gazetteer.Denied, ""},
		"unknown_type":   {Change{Key: gazetteer.Key{Type: "t", ID: "x"}}, gazetteer.NotFound, ""},
		"id":             {Change{Key: mirror("")}, gazetteer.Unprocessable, ""},
		"operation":      {Change{Key: mirror("x"), Op: 9}, gazetteer.Invalid, ""},
		"array":          {Change{Key: mirror("x"), Attributes: json.RawMessage(`[1]`)}, gazetteer.Unprocessable, "/attributes"},
		"broken_json":    {Change{Key: mirror("x"), Attributes: json.RawMessage(`{"a"`)}, gazetteer.Unprocessable, "/attributes"},
		"big_attributes": {Change{Key: mirror("x"), Attributes: json.RawMessage(`{"a":"` + big + big + `"}`)}, gazetteer.TooLarge, "/attributes"},
		"latitude":       {Change{Key: mirror("x"), Locations: with(func(l *gazetteer.Location) { l.Point.Lat = 91 })}, gazetteer.Unprocessable, "/locations/1/lat"},
		"url":            {Change{Key: mirror("x"), Locations: with(func(l *gazetteer.Location) { l.URL = "nothing" })}, gazetteer.Unprocessable, "/locations/1/url"},
		"labels":         {Change{Key: mirror("x"), Locations: with(func(l *gazetteer.Location) { l.Labels = []gazetteer.Label{{Key: "b"}, {Key: "b"}} })}, gazetteer.Unprocessable, "/locations/1/labels"},
		"big_location":   {Change{Key: mirror("x"), Locations: with(func(l *gazetteer.Location) { l.URL += big + big })}, gazetteer.TooLarge, "/locations/1"},
		"twice":          {Change{Key: mirror("x"), Locations: with(func(l *gazetteer.Location) { l.ID = "a" })}, gazetteer.Unprocessable, "/locations/1/id"},
		"big_record":     {Change{Key: mirror("x"), Locations: bigs}, gazetteer.TooLarge, ""},
		"many":           {Change{Key: mirror("x"), Locations: many}, gazetteer.TooLarge, "/locations"},
		"no_location":    {Change{Key: mirror("x"), Op: PutLocation}, gazetteer.Invalid, ""},
		"bad_location":   {Change{Key: mirror("x"), Op: PutLocation, Locations: with(func(l *gazetteer.Location) { l.Country = "nz" })[1:]}, gazetteer.Unprocessable, "/country"},
		"nothing":        {Change{Key: mirror("x"), Op: DeleteLocation, Location: "gone"}, gazetteer.NotFound, ""},
		"delete_nobody":  {Change{Key: mirror("y"), Op: DeleteResource}, gazetteer.NotFound, ""},
	} {
		r := s.Write(t.Context(), []Change{c.change})[0]
		var e *gazetteer.Error
		if !errors.As(r.Err, &e) || e.Kind != c.kind || e.Pointer != c.pointer || r.Version != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if len(f["a"].shelf.records[mirror("x")]) != 0 {
		t.Error("something was written all the same")
	}
}

// Each change stands alone and has its own receipt, in order; those of one type go down
// in one call.
func TestReceiptsComeInOrder(t *testing.T) {
	s, f := regional(t, "a")
	f.stock(gazetteer.Key{Type: gazetteer.TypesType, ID: "other"})
	change := func(k gazetteer.Key, op Op, l string) Change {
		return Change{Key: k, Op: op, Location: gazetteer.LocationID(l), Locations: []gazetteer.Location{located(l, 1, 1)}}
	}
	other := gazetteer.Key{Type: "other", ID: "x"}
	cs := []Change{
		change(mirror("x"), PutResource, "a"),
		change(gazetteer.Key{Type: "nowhere", ID: "x"}, PutResource, "a"),
		change(other, PutLocation, "a"),
		change(mirror("x"), PutResource, "b"),
		change(mirror("x"), PutLocation, "b"),
		change(mirror("x"), PutLocation, "c"),
		change(mirror("x"), DeleteLocation, "b"),
		change(mirror("x"), DeleteLocation, "b"),
		change(other, DeleteResource, ""),
	}
	var got []string
	for _, r := range s.Write(t.Context(), cs) {
		word := "changed"
		switch {
		case r.Err != nil:
			word = gazetteer.KindOf(r.Err).String()
		case r.Created:
			word = "created"
		case r.Version == 0:
			word = "gone"
		}
		if r.Err == nil && r.Reached != ring.AckRing {
			t.Errorf("%+v", r)
		}
		got = append(got, word)
	}
	if want := []string{"created", "not found", "created", "changed", "changed", "created", "changed", "not found", "gone"}; !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if n := len(f["a"].writes); n != 2 {
		t.Errorf("%d calls for two types", n)
	}
	r, err := s.Get(t.Context(), mirror("x"))
	if err != nil || len(r.Locations) != 1 || r.Locations[0].ID != "c" || string(r.Attributes) != "{}" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAttributesSurvive(t *testing.T) {
	s, _ := regional(t, "a")
	for written, read := range map[string]string{`{"a":[1,2]}`: `{"a":[1,2]}`, "{}": "{}", "": "{}"} {
		s.Write(t.Context(), []Change{{Key: mirror("x"), Attributes: json.RawMessage(written)}})
		if r, err := s.Get(t.Context(), mirror("x")); err != nil || string(r.Attributes) != read {
			t.Errorf("%q is read as %q, %v", written, r.Attributes, err)
		}
	}
}

func TestListRefusesForeignCursors(t *testing.T) {
	s, _ := regional(t, "a")
	if _, err := s.List(t.Context(), "mirror", "", Cursor{Partition: fakePartitions}, 1); gazetteer.KindOf(err) != gazetteer.Invalid {
		t.Error(err)
	}
	if _, err := s.List(t.Context(), "other", "", Cursor{}, 1); gazetteer.KindOf(err) != gazetteer.NotFound {
		t.Error(err)
	}
}

// For any ids, prefix and page size a listing is all that have the prefix, once.
func TestListingIsComplete(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, f := regional(t, "a")
		id := rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00é\U0010ffff")), 1, 4, -1)
		all := rapid.SliceOfDistinct(id, rapid.ID[string]).Draw(t, "ids")
		prefix := rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00é\U0010ffff")), 0, 2, -1).Draw(t, "prefix")
		var want, got []string
		for _, i := range all {
			f.stock(mirror(i), located("l", 1, 1))
			if strings.HasPrefix(i, prefix) {
				want = append(want, i)
			}
		}
		limit := rapid.IntRange(1, 5).Draw(t, "limit")
		for page, err := range s.pages(t.Context(), "mirror", prefix, Cursor{}, limit) {
			if err != nil || len(page.Records) > limit {
				t.Fatal(page, err)
			}
			for i := range page.Records {
				got = append(got, string(page.Records[i].Key.ID))
			}
		}
		slices.Sort(got)
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// The start of a listing is below every id with the prefix, and above every one that is
// less and has it not.
func TestStartOfAPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.RuneFrom([]rune("ab\x00é\U0010ffff"))
		q := ListQuery{Prefix: rapid.StringOfN(letters, 0, 3, -1).Draw(t, "prefix")}
		id := rapid.StringOfN(letters, 1, 5, -1).Draw(t, "id")
		start := string(q.Start())
		switch has := strings.HasPrefix(id, q.Prefix); {
		case has && id <= start:
			t.Fatalf("%q is not above the start %q", id, start)
		case !has && id < q.Prefix && id > start:
			t.Fatalf("%q is above the start %q, but below all with the prefix", id, start)
		}
	})
}

func TestReadyWithoutTypes(t *testing.T) {
	s, f := regional(t, "a")
	for _, c := range s.Ready() {
		if !c.OK || c.Detail == "" {
			t.Errorf("%+v", c)
		}
	}
	f["a"].fail(gazetteer.Unavailable)
	if d := s.Status().Degraded; len(d) != 1 || !strings.HasPrefix(d[0], "types: ") {
		t.Error(d)
	}
}

func TestUnionOfConflictsOfAllTypes(t *testing.T) {
	s, f := regional(t, "a")
	for i, name := range []gazetteer.Type{"mirror", gazetteer.TypesType} {
		f["a"].held = append(f["a"].held, ring.Conflict{Partition: gazetteer.Partition{Type: name}, At: int64(i)})
	}
	cs, err := s.Conflicts(t.Context())
	if err != nil || len(cs) != 2 || cs[0].Partition.Type != "mirror" {
		t.Error(cs, err)
	}
	f["a"].fail(gazetteer.Unavailable)
	if _, err := s.Conflicts(t.Context()); gazetteer.KindOf(err) != gazetteer.Unavailable {
		t.Error(err)
	}
}
