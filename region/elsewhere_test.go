package region

import (
	"fmt"
	"testing"

	"gazetteer"
	"gazetteer/ring"
)

// others are regions elsewhere, nearest first.
type others []Far

func (o others) Nearest() []Far { return o }

func (o others) Of(r gazetteer.RegionID) (Far, bool) {
	for _, f := range o {
		if f.Region == r {
			return f, true
		}
	}
	return Far{}, false
}

func (others) Sites() []Site { return nil }

// planetOf returns a regional server, its only cluster server, and the servers of two
// other regions that hold the same.
func planetOf(t *testing.T) (s *Server, own, near, far *fake) {
	s, f := regional(t, "a")
	f.stock(mirror("x"), located("fra", 50, 8))
	own = f["a"]
	near, far = &fake{node: "near-1", shelf: own.shelf}, &fake{node: "far-1", shelf: own.shelf}
	s.elsewhere = others{{"near", near}, {"far", far}}
	return s, own, near, far
}

func TestRequestsGoElsewhereWhenNobodyHereAnswers(t *testing.T) {
	s, own, near, far := planetOf(t)
	var a Answer
	ask := func() string {
		if err := s.Resolve(t.Context(), &Query{Key: mirror("x"), Explain: true}, &a); err != nil {
			return gazetteer.KindOf(err).String()
		}
		return fmt.Sprintf("%s %s, %d locations", a.Region, a.Node, len(a.Candidates))
	}
	for _, c := range []struct {
		name string
		do   func()
		want string
	}{
		{"all is well", func() {}, "here a, 1 locations"},
		{"the ring is gone", func() { own.fail(gazetteer.Unserved) }, "near near-1, 1 locations"},
		{"so is the nearest region", func() { near.fail(gazetteer.Unavailable) }, "far far-1, 1 locations"},
		{"so are all", func() { far.fail(gazetteer.Unavailable) }, "unavailable"},
		{"one is back", near.heal, "near near-1, 1 locations"},
		{"this one is back", own.heal, "here a, 1 locations"},
		{"a miss is an answer", func() { own.fail(gazetteer.NotFound) }, "not found"},
	} {
		c.do()
		if got := ask(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestWritesGoElsewhereWhenNobodyHereTakesThem(t *testing.T) {
	s, own, near, far := planetOf(t)
	put := func(id string) error {
		return s.Write(t.Context(), []Change{{Key: mirror(id), Op: PutLocation, Locations: []gazetteer.Location{located("fra", 50, 8)}}})[0].Err
	}
	if err := put("w"); err != nil || len(far.writes)+len(near.writes) != 0 {
		t.Fatal(err) // and the type is known from now on
	}
	own.fail(gazetteer.Unavailable)
	near.fail(gazetteer.Unavailable)
	if err := put("y"); err != nil || len(far.writes) != 1 || far.writes[0][0].ID != "y" {
		t.Errorf("got %v, the far region %v", err, far.writes)
	}
	far.fail(gazetteer.Unavailable)
	if err := put("z"); gazetteer.KindOf(err) != gazetteer.Unavailable {
		t.Errorf("got %v", err)
	}
	own.fail(gazetteer.Full) // not what another region should answer for
	calls := far.called()
	if err := put("z"); gazetteer.KindOf(err) != gazetteer.Full || far.called() != calls {
		t.Errorf("got %v", err)
	}
}

func TestARequestMayNameItsRegion(t *testing.T) {
	s, own, near, far := planetOf(t)
	var a Answer
	for r, want := range map[gazetteer.RegionID]string{"far": "far far-1", "here": "here a", "": "here a"} {
		if err := s.Resolve(t.Context(), &Query{Key: mirror("x"), Region: r}, &a); err != nil || fmt.Sprintf("%s %s", a.Region, a.Node) != want {
			t.Errorf("%q: %s %s, %v", r, a.Region, a.Node, err)
		}
	}
	if _, from, err := s.GetFrom(t.Context(), mirror("x"), "near"); err != nil || from != "near" {
		t.Errorf("got %s, %v", from, err)
	}
	if err := s.Resolve(t.Context(), &Query{Key: mirror("x"), Region: "mars"}, &a); gazetteer.KindOf(err) != gazetteer.NotFound {
		t.Errorf("got %v", err)
	}
	// A named region answers itself or not at all.
	own.fail(gazetteer.Unserved)
	far.fail(gazetteer.Unavailable)
	calls := near.called()
	for _, r := range []gazetteer.RegionID{"here", "far"} {
		if err := s.Resolve(t.Context(), &Query{Key: mirror("x"), Region: r}, &a); gazetteer.KindOf(err) != gazetteer.Unavailable || near.called() != calls {
			t.Errorf("%s: got %v", r, err)
		}
	}
}

// What another region asks is answered by this one's own clusters only, whatever the type:
// no request goes round.
func TestOthersAreAnsweredFromHere(t *testing.T) {
	s, own, near, _ := planetOf(t)
	if _, info, err := s.Tier().Read(t.Context(), nil, mirror("x")); err != nil || info.Region != "here" {
		t.Errorf("got %+v, %v", info, err)
	}
	own.fail(gazetteer.Unserved)
	if _, _, err := s.Tier().Read(t.Context(), nil, mirror("x")); gazetteer.KindOf(err) != gazetteer.Unserved {
		t.Errorf("got %v", err)
	}
	out := s.Tier().Write(t.Context(), "mirror", []ring.Write{{Partition: gazetteer.PartitionOf(mirror("x"), fakePartitions), ID: "x"}})
	if gazetteer.KindOf(out[0].Err) != gazetteer.Unserved || near.called() != 0 {
		t.Errorf("got %v, another region was asked %d times", out[0].Err, near.called())
	}
}

// atlasOf is others as sites, too.
type atlasOf struct{ others }

func (a atlasOf) Sites() (out []Site) {
	out = []Site{{Name: "here", Self: true, State: SiteLive}}
	for _, f := range a.others {
		out = append(out, Site{Name: f.Region, State: SiteLive})
	}
	return out
}

// Each loser is told once, whichever regions have seen it; a region that does not answer
// is left out.
func TestConflictsOfAllRegionsAreUnited(t *testing.T) {
	s, own, near, far := planetOf(t)
	s.elsewhere = atlasOf{others{{"near", near}, {"far", far}}}
	lost := func(seq uint64, at int64) ring.Conflict {
		return ring.Conflict{Partition: gazetteer.Partition{Type: "mirror"}, At: at,
			Loser: gazetteer.Update{Element: gazetteer.Element{ID: "x"}, Position: gazetteer.Position{Seq: seq}}}
	}
	own.held = []ring.Conflict{lost(1, 30)}
	near.held = []ring.Conflict{lost(1, 10), lost(2, 20)}
	far.held = []ring.Conflict{lost(3, 40), lost(2, 50)}
	for _, c := range []struct {
		name string
		do   func()
		want string
	}{
		{"all answer", func() {}, "[1@10 2@20 3@40]"},
		{"the far one does not", func() { far.fail(gazetteer.Unavailable) }, "[1@10 2@20]"},
		{"no other does", func() { near.fail(gazetteer.Unavailable) }, "[1@30]"},
	} {
		c.do()
		cs, err := s.Conflicts(t.Context())
		var got []string
		for i := range cs {
			got = append(got, fmt.Sprintf("%d@%d", cs[i].Loser.Position.Seq, cs[i].At))
		}
		if err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, want %s: %v", c.name, got, c.want, err)
		}
	}
	own.fail(gazetteer.Unavailable)
	if _, err := s.Conflicts(t.Context()); err == nil {
		t.Error("nobody of this region answers, and nothing is said")
	}
}
