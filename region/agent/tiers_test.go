package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/geo"
	"gazetteer/ring"

	"pgregory.net/rapid"
)

// spread is a region in which every role is a process of its own: two regional servers,
// two cluster servers, and two rings of three and of one.
func spread() *testPlan {
	return &testPlan{
		regional: []gazetteer.NodeID{"front0", "front1"},
		servers:  []gazetteer.NodeID{"c0", "c1"},
		rings:    [][]gazetteer.NodeID{{"r0", "r1", "r2"}, {"r3"}},
		types:    []gazetteer.Type{gazetteer.TypesType, gazetteer.RegionsType},
	}
}

// front returns the regional server of a node.
func (w *world) front(n gazetteer.NodeID) region.Regional { return w.node(n).Regional() }

func key(id string) gazetteer.Key { return gazetteer.Key{Type: "mirror", ID: gazetteer.ID(id)} }

func at(id string, lat, lon float64) gazetteer.Location {
	return gazetteer.Location{ID: gazetteer.LocationID(id), URL: "https://" + id + ".example/", Located: true,
		Point: gazetteer.Point{Lat: lat, Lon: lon}, Weight: 1}
}

// put writes a resource with the locations fra, nyc and akl.
func put(t testing.TB, r region.Regional, id string) {
	t.Helper()
	c := region.Change{Key: key(id), Op: region.PutResource, Attributes: json.RawMessage(`{"n":1}`),
		Locations: []gazetteer.Location{at("fra", 50, 8), at("nyc", 40, -74), at("akl", -37, 175)}}
	if rec := r.Write(t.Context(), []region.Change{c})[0]; rec.Err != nil || rec.Reached != ring.AckRing {
		t.Fatalf("put %s: %+v", id, rec)
	}
}

func from(lat, lon float64) geo.Client {
	return geo.Client{Stated: gazetteer.Point{Lat: lat, Lon: lon}, HasPoint: true}
}

// begin starts all nodes of a plan and makes the type mirror.
func (w *world) begin() {
	w.t.Helper()
	w.start(w.all()...)
	w.ready()
	created, err := w.front(w.plan.regional[0]).PutType(w.t.Context(), region.TypeSpec{Name: "mirror"})
	if err != nil || !created {
		w.t.Fatalf("created %v, %v", created, err)
	}
}

func TestLookupGoesThroughAllTiers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, spread())
		defer w.stopAll()
		w.begin()
		put(t, w.front("front0"), "a b/ü")
		time.Sleep(time.Second)
		var a region.Answer
		q := region.Query{Key: key("a b/ü"), Client: from(52, 13), Explain: true, Limit: 2}
		if err := w.front("front1").Resolve(t.Context(), &q, &a); err != nil {
			t.Fatal(err)
		}
		if len(a.Candidates) != 2 || a.Candidates[0].Location.ID != "fra" || a.Candidates[1].Location.ID != "nyc" {
			t.Errorf("got %v", a.Candidates)
		}
		if len(a.Excluded) != 1 || a.Version == 0 || a.TTL != 30*time.Second || a.Region != "test" {
			t.Errorf("got %+v", a)
		}
		var roles []string
		for _, h := range a.Hops {
			roles = append(roles, h.Role)
		}
		if want := []string{"regional server", "cluster server", "ring", "replica"}; !slices.Equal(roles, want) {
			t.Errorf("hops %v, want %v", a.Hops, want)
		}
		if a.Hops[3].Name != string(a.Node) || !strings.HasPrefix(a.Hops[1].Name, "c") {
			t.Errorf("hops %v, held by %s", a.Hops, a.Node)
		}
	})
}

// A dead replica or cluster server costs a caller at most one retry inside the same
// request, and not every caller.
func TestDeadServersCostOneRetryWithinTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, spread())
		defer w.stopAll()
		w.begin()
		r := w.front("front0")
		for i := range 40 {
			put(t, r, fmt.Sprint(i))
		}
		w.equalWithin("r0", "r1", "r2")
		retries := func() uint64 { return r.(*region.Server).Status().Requests.Retries }
		before := retries()
		w.stop("c0")
		w.stop("r1")
		var a region.Answer
		for i := range 400 {
			q := region.Query{Key: key(fmt.Sprint(i % 40))}
			if err := r.Resolve(t.Context(), &q, &a); err != nil {
				t.Fatal(err)
			}
			if i%10 == 0 {
				put(t, r, fmt.Sprint("new", i))
			}
			time.Sleep(time.Millisecond)
		}
		if n := retries() - before; n == 0 || n > 10 {
			t.Errorf("%d of 440 requests asked a second cluster server", n)
		}
	})
}

// equalWithin waits until some replicas hold the same.
func (w *world) equalWithin(names ...gazetteer.NodeID) {
	w.t.Helper()
	w.eventually(func() error {
		for _, n := range names[1:] {
			if w.content(n) != w.content(names[0]) {
				return fmt.Errorf("%s and %s differ", names[0], n)
			}
		}
		return nil
	})
}

// When nobody of a ring is left, its part of the ids has a clear answer, the other part
// its usual one.
func TestRingThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, spread())
		defer w.stopAll()
		w.begin()
		r := w.front("front0")
		for i := range 20 {
			put(t, r, fmt.Sprint(i))
		}
		w.stop("r3")
		answered := 0
		for i := range 20 {
			_, err := r.Get(t.Context(), key(fmt.Sprint(i)))
			ofRing1 := gazetteer.PartitionOf(key(fmt.Sprint(i)), testPartitions).Index%2 == 1
			switch {
			case ofRing1 && gazetteer.KindOf(err) != gazetteer.Unavailable:
				t.Errorf("%d is on the ring that is gone: %v", i, err)
			case !ofRing1 && err != nil:
				t.Errorf("%d is on the ring that is there: %v", i, err)
			case !ofRing1:
				answered++
			}
		}
		if answered == 0 || answered == 20 {
			t.Errorf("%d of 20 are on the ring that is there; the test says nothing", answered)
		}
	})
}

// A type is usable at once where it was made, and within a second elsewhere; so is its
// end.
func TestTypesAreKnownEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, spread())
		defer w.stopAll()
		w.begin()
		near, far := w.front("front0"), w.front("front1")
		if _, err := far.Get(t.Context(), gazetteer.Key{Type: "rooms", ID: "x"}); gazetteer.KindOf(err) != gazetteer.NotFound {
			t.Errorf("before it is made: %v", err)
		}
		if created, err := near.PutType(t.Context(), region.TypeSpec{Name: "rooms", TTL: time.Minute, Redirect: true}); err != nil || !created {
			t.Fatal(created, err)
		}
		room := []region.Change{{Key: gazetteer.Key{Type: "rooms", ID: "x"}, Op: region.PutLocation, Locations: []gazetteer.Location{at("a", 1, 2)}}}
		if rec := near.Write(t.Context(), room)[0]; rec.Err != nil || !rec.Created {
			t.Errorf("at once: %+v", rec)
		}
		time.Sleep(time.Second)
		if spec, err := far.Type(t.Context(), "rooms"); err != nil || spec != (region.TypeSpec{Name: "rooms", Mode: "multi", TTL: time.Minute, Redirect: true}) {
			t.Errorf("elsewhere: %+v, %v", spec, err)
		}
		if err := far.DeleteType(t.Context(), "rooms"); gazetteer.KindOf(err) != gazetteer.Conflict {
			t.Errorf("a type that is not empty: %v", err)
		}
		room[0].Op = region.DeleteResource
		if rec := far.Write(t.Context(), room)[0]; rec.Err != nil || rec.Version != 0 {
			t.Errorf("%+v", rec)
		}
		if err := far.DeleteType(t.Context(), "rooms"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if _, err := near.Type(t.Context(), "rooms"); gazetteer.KindOf(err) != gazetteer.NotFound {
			t.Errorf("after its end: %v", err)
		}
		specs, err := far.Types(t.Context())
		if err != nil || len(specs) != 1 || specs[0].Name != "mirror" {
			t.Errorf("all types: %v, %v", specs, err)
		}
	})
}

// What a lookup through all tiers says is what was written, whatever the order of writes;
// a model of two maps is the judge.
func TestLookupEqualsAModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, spread())
		defer w.stopAll()
		w.begin()
		rapid.Check(struct{ testing.TB }{t}, func(rt *rapid.T) { w.compareWithModel(rt) })
	})
}

type model map[string]map[gazetteer.LocationID]bool

func (w *world) compareWithModel(rt *rapid.T) {
	ctx := context.Background()
	held := model{}
	base := rapid.StringN(1, 6, -1).Draw(rt, "base")
	for range rapid.IntRange(1, 12).Draw(rt, "writes") {
		id := base + rapid.SampledFrom([]string{"", "/", "é", "z"}).Draw(rt, "id")
		c := region.Change{Key: key(id), Op: region.Op(rapid.IntRange(0, 3).Draw(rt, "op"))}
		ls := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3, rapid.ID[string]).Draw(rt, "locations")
		existed := held.apply(&c, ls)
		front := rapid.SampledFrom(w.plan.regional).Draw(rt, "front")
		rec := w.front(front).Write(ctx, []region.Change{c})[0]
		if deletes := c.Op == region.DeleteResource || c.Op == region.DeleteLocation; deletes && !existed {
			if gazetteer.KindOf(rec.Err) != gazetteer.NotFound {
				rt.Fatalf("deleting nothing: %+v", rec)
			}
		} else if rec.Err != nil || rec.Created == (existed || deletes) || (rec.Version == 0) != (held[id] == nil) {
			rt.Fatalf("%+v on what existed %v: %+v", c, existed, rec)
		}
	}
	time.Sleep(50 * time.Millisecond) // the last report of each ring
	held.compare(ctx, rt, w)
	for _, n := range w.plan.regional {
		for id := range held {
			w.front(n).Write(ctx, []region.Change{{Key: key(id), Op: region.DeleteResource}})
		}
	}
	time.Sleep(50 * time.Millisecond)
}

// apply does a change to the model and completes it. It reports whether what the change
// names existed. The resource is in the model with a nil set once all of it is gone.
func (m model) apply(c *region.Change, ls []string) (existed bool) {
	id := string(c.Key.ID)
	set := m[id]
	first := gazetteer.LocationID(ls[0])
	switch c.Op {
	case region.PutResource:
		existed, set = set != nil, map[gazetteer.LocationID]bool{"": true}
		for _, l := range ls {
			c.Locations = append(c.Locations, at(l, 1, 1))
			set[gazetteer.LocationID(l)] = true
		}
	case region.DeleteResource:
		existed, set = set != nil, nil
	case region.PutLocation:
		existed = set[first]
		c.Locations = []gazetteer.Location{at(ls[0], 2, 2)}
		set = maps.Clone(set)
		if set == nil {
			set = map[gazetteer.LocationID]bool{}
		}
		set[first] = true
	case region.DeleteLocation:
		existed, c.Location = set[first], first
		if set = maps.Clone(set); existed {
			delete(set, first)
		}
		if len(set) == 0 {
			set = nil
		}
	}
	m[id] = set
	return existed
}

func (m model) compare(ctx context.Context, rt *rapid.T, w *world) {
	var a region.Answer
	for id, set := range m {
		for _, n := range w.plan.regional {
			r := w.front(n)
			rec, err := r.Get(ctx, key(id))
			if set == nil {
				if gazetteer.KindOf(err) != gazetteer.NotFound {
					rt.Fatalf("%q is gone, but %s says %v, %v", id, n, rec, err)
				}
				continue
			}
			got := map[gazetteer.LocationID]bool{}
			for i := range rec.Locations {
				got[rec.Locations[i].ID] = true
			}
			if rec.Attributes != nil {
				got[""] = true
			}
			if err != nil || !maps.Equal(got, set) {
				rt.Fatalf("%q is %v, but %s says %v, %v", id, set, n, got, err)
			}
			q := region.Query{Key: key(id)}
			if err := r.Resolve(ctx, &q, &a); err != nil || a.Version != rec.Version || len(a.Candidates) != len(rec.Locations) {
				rt.Fatalf("%q: resolved as %v, %v; read as %v", id, a.Candidates, err, rec)
			}
		}
	}
}

// A listing walks over every resource once, in pages, over both rings.
func TestListingWalksOverEverythingOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, spread())
		defer w.stopAll()
		w.begin()
		r := w.front("front0")
		want := map[gazetteer.ID]bool{}
		for i := range 60 {
			id := fmt.Sprintf("%c/%d", 'a'+i%3, i)
			put(t, r, id)
			want[gazetteer.ID(id)] = i%3 == 1
		}
		time.Sleep(time.Second)
		for _, limit := range []int{1, 7, 60, 1000} {
			for prefix, count := range map[string]int{"": 60, "b": 20, "b/": 20, "b/1": 5, "c/2": 5, "d": 0} {
				if got := walk(t, r, prefix, limit); len(got) != count {
					t.Errorf("%d with %q, want %d: %v", len(got), prefix, count, got)
				}
			}
		}
		for _, id := range walk(t, r, "b", 5) {
			if !want[id] {
				t.Errorf("%s does not begin with b", id)
			}
		}
	})
}

func walk(t *testing.T, r region.Regional, prefix string, limit int) (ids []gazetteer.ID) {
	t.Helper()
	var at region.Cursor
	for {
		page, err := r.List(t.Context(), "mirror", prefix, at, limit)
		if err != nil || len(page.Records) > limit {
			t.Fatalf("%d records, %v", len(page.Records), err)
		}
		for i := range page.Records {
			if slices.Contains(ids, page.Records[i].Key.ID) {
				t.Errorf("%s came twice", page.Records[i].Key)
			}
			ids = append(ids, page.Records[i].Key.ID)
		}
		if at = page.Next; !at.More {
			return ids
		}
	}
}

// Two regional servers that write one location at a time at two ends of a cut lose
// neither: the loser is in the journal, counted once.
func TestConflictsAreUnited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, spread())
		defer w.stopAll()
		w.begin()
		id := ""
		for i := 0; id == ""; i++ {
			if gazetteer.PartitionOf(key(fmt.Sprint(i)), testPartitions).Index%2 == 0 {
				id = fmt.Sprint(i)
			}
		}
		w.net.cut("r0", "r1")
		w.net.cut("r0", "r2")
		time.Sleep(time.Second)
		w.mustPut("r0", id, ring.AckLocal)
		w.mustPut("r1", id, ring.AckLocal)
		w.net.mend("r0", "r1")
		w.net.mend("r0", "r2")
		w.equalWithin("r0", "r1", "r2")
		cs, err := w.front("front1").Conflicts(t.Context())
		if err != nil || len(cs) != 1 || string(cs[0].Loser.Body) != "at r0" {
			t.Errorf("got %v, %v", cs, err)
		}
	})
}

func TestReadinessSaysWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(2))
		defer w.stopAll()
		w.start("r0")
		synctest.Wait()
		r := w.front("r0")
		if got := failing(r); !slices.Equal(got, []string{"types", "rings"}) {
			t.Errorf("before it serves: %v", r.Ready())
		}
		w.start("r1")
		w.ready()
		if got := failing(r); got != nil {
			t.Errorf("when it serves: %v", r.Ready())
		}
		w.stop("r1")
		time.Sleep(10 * time.Second)
		if got := failing(r); got != nil {
			t.Errorf("alone: %v", r.Ready())
		}
		st := r.(*region.Server).Status()
		if st.Mirrored.Alone != st.Mirrored.Partitions || st.Node != "r0" || len(st.Roles) != 3 {
			t.Errorf("status %+v, mirrored %+v", st, st.Mirrored)
		}
	})
}

func failing(r region.Regional) (names []string) {
	for _, c := range r.Ready() {
		if !c.OK {
			names = append(names, c.Name)
		}
	}
	return names
}
