package whatif

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/simulation/aws"
	"gazetteer/simulation/scenario"
)

func world(t *testing.T) (*aws.World, *Atlas) {
	t.Helper()
	w, err := aws.Load()
	if err != nil {
		t.Fatal(err)
	}
	return w, NewAtlas(w)
}

// planet has some of the bundled regions, or all.
func planet(t *testing.T, names ...gazetteer.RegionID) Planet {
	t.Helper()
	w, _ := world(t)
	s := scenario.Scenario{Network: scenario.Network{RTT: map[scenario.Pair]time.Duration{}}}
	for _, r := range w.Regions() {
		if names != nil && !slices.Contains(names, r.Name) {
			continue
		}
		for _, q := range s.Regions {
			s.Network.RTT[scenario.PairOf(r.Name, q.Name)] = w.RTT(r.Name, q.Name)
		}
		s.Regions = append(s.Regions, scenario.Region{Name: r.Name, Point: r.Point})
	}
	return OfScenario(&s)
}

// TestShortcutsOfTheRealMatrix: figures that were found by other means than this code.
func TestShortcutsOfTheRealMatrix(t *testing.T) {
	p := planet(t)
	c, err := Compare(p, p, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	b, a := c.Before, c.After
	if math.Abs(b.Stretch.Worst-5.35) > 0.005 || math.Abs(a.Stretch.Worst-2.28) > 0.005 {
		t.Errorf("worst stretch %.3f, then %.3f; want 5.35, then 2.28", b.Stretch.Worst, a.Stretch.Worst)
	}
	if want := scenario.PairOf("ap-northeast-1", "us-west-2"); *b.Stretch.Of != want {
		t.Errorf("the worst pair is %v, want %v", *b.Stretch.Of, want)
	}
	if math.Abs(b.Stretch.Median-1.271) > 0.001 {
		t.Errorf("median stretch %.4f, want 1.271", b.Stretch.Median)
	}
	if b.Crossings != 31 || a.Crossings != 33 || math.Round(float64(b.WeightMS)*1000) != 1_107_902 {
		t.Errorf("crossings %d and %d, weight %v; want 31, 33 and 1107.902 ms", b.Crossings, a.Crossings, b.WeightMS)
	}
	if b.Messages < 1420 || b.Messages > 1480 {
		t.Errorf("%d messages, want about 1450", b.Messages)
	}
	if len(c.New) != 1 || len(c.Gone) != 0 || c.New[0].A != "ap-northeast-3" || c.New[0].B != "us-west-2" {
		t.Errorf("new %v, gone %v; want Osaka-Oregon alone", c.New, c.Gone)
	}
	if again, _ := Compare(p, p, 0, 1); !reflect.DeepEqual(again, c) {
		t.Error("the same question has another answer")
	}
}

// TestAddWhatWasThere: a region that is added back by the table leaves the planet as it
// was before it was removed.
func TestAddWhatWasThere(t *testing.T) {
	_, atlas := world(t)
	seven := planet(t, aws.Seven()...)
	six, err := seven.Remove("us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	back, err := six.Add("us-east-1", nil, atlas)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Compare(seven, back, 0, 0)
	if err != nil || len(c.New)+len(c.Gone) > 0 || c.Table != 6 || c.Guesses != 0 {
		t.Errorf("%v: new %v, gone %v, %d from the table, %d guesses; want no change, 6, 0", err, c.New, c.Gone, c.Table, c.Guesses)
	}
	for _, m := range c.Pairs {
		if m.By() != 0 {
			t.Errorf("%s-%s becomes slower by %v ms", m.A, m.B, m.By())
		}
	}
}

// TestRemoveTheMiddle: the regions that us-east-1 joined find other edges, and its own
// pairs end.
func TestRemoveTheMiddle(t *testing.T) {
	seven := planet(t, aws.Seven()...)
	six, err := seven.Remove("us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Compare(seven, six, 0, 0)
	if err != nil || c.After.Regions != 6 || len(c.After.Tree) != 5 || len(c.Gone) != 3 || len(c.New) != 2 || c.After.Crossings != 5 {
		t.Fatalf("%v: %+v; want three edges gone and two new", err, c)
	}
	if len(c.Pairs) != 21 {
		t.Errorf("%d pairs, want the 21 of seven regions", len(c.Pairs))
	}
	for _, m := range c.Pairs {
		if ends := m.A == "us-east-1" || m.B == "us-east-1"; ends != (m.AfterMS == nil) {
			t.Errorf("%s-%s: after %v", m.A, m.B, m.AfterMS)
		}
	}
	if seven.find("us-east-1") < 0 {
		t.Error("the planet that was asked about has changed")
	}
}

// TestPathsByHand: on a line a-b-c the way from a to c is that over b.
func TestPathsByHand(t *testing.T) {
	p := Planet{Regions: []Region{{Name: "a"}, {Name: "b"}, {Name: "c"}}, RTT: map[scenario.Pair]Time{
		{A: "a", B: "b"}: {10 * time.Millisecond, Measured}, {A: "b", B: "c"}: {20 * time.Millisecond, Measured}, {A: "a", B: "c"}: {25 * time.Millisecond, Measured},
	}}
	o, err := Predict(p, 0)
	if err != nil || o.WeightMS != 30 || o.OneWayMS.Worst != 15 || o.OneWayMS.Median != 10 || math.Abs(o.Stretch.Worst-1.2) > 1e-9 || o.Stretch.Median != 1 {
		t.Errorf("%v: %+v; want weight 30, one way 15 at worst and 10 in the middle, stretch 1.2 and 1", err, o)
	}
	one, err := Predict(Planet{Regions: p.Regions[:1]}, 3)
	if err != nil || one.Crossings != 0 || one.Stretch.Of != nil {
		t.Errorf("%v: %+v; want a planet without edges", err, one)
	}
}

func TestGuess(t *testing.T) {
	w, atlas := world(t)
	var off []float64
	for i, r := range w.Regions() {
		for _, q := range w.Regions()[:i] {
			is := milliseconds(w.RTT(r.Name, q.Name))
			off = append(off, math.Abs(milliseconds(atlas.Guess(r.Point, q.Point))-is)/is)
		}
	}
	slices.Sort(off)
	half, most := off[len(off)/2], off[len(off)*9/10]
	t.Logf("%.2f ms and %.4f ms for each km; half are within %.3f, nine of ten within %.3f", atlas.base, atlas.slope, half, most)
	if half > 1.0/7 || most > 0.35 {
		t.Errorf("half are within %.3f, nine of ten within %.3f; the comment promises more", half, most)
	}
	// Light in glass takes 1 ms for 100 km of round trip: a slope below it is no fit.
	if atlas.slope < 0.0098 || atlas.base < 0 {
		t.Errorf("%.2f ms and %.4f ms for each km are faster than light", atlas.base, atlas.slope)
	}
}

func TestAddByDistance(t *testing.T) {
	_, atlas := world(t)
	p, err := planet(t, aws.Seven()...).Add("fortaleza", &gazetteer.Point{Lat: -3.73, Lon: -38.52}, atlas)
	if err != nil {
		t.Fatal(err)
	}
	o, err := Predict(p, 0)
	if err != nil {
		t.Fatal(err)
	}
	joined := slices.ContainsFunc(o.Tree, func(e Edge) bool { return e.A == "fortaleza" && e.B == "sa-east-1" && e.Of == Guess })
	if !joined {
		t.Errorf("the tree is %+v; want a guessed edge to the neighbour in it", o.Tree)
	}
}

func TestRefusals(t *testing.T) {
	_, atlas := world(t)
	p := planet(t, aws.Seven()...)
	add := func(name gazetteer.RegionID, at *gazetteer.Point) error {
		_, err := p.Add(name, at, atlas)
		return err
	}
	_, unknown := p.Remove("nowhere")
	_, last := planet(t, "us-east-1").Remove("us-east-1")
	_, lone := Predict(Planet{Regions: []Region{{Name: "a"}, {Name: "b"}}}, 0)
	for _, c := range []struct {
		err  error
		kind gazetteer.Kind
		want string
	}{
		{add("us-east-1", nil), gazetteer.Conflict, "already"},
		{add("atlantis", nil), gazetteer.Invalid, "--at"},
		{add("Not A Label", nil), gazetteer.Unprocessable, "region"},
		{add("x", &gazetteer.Point{Lat: 91}), gazetteer.Unprocessable, "lat"},
		{unknown, gazetteer.NotFound, "nowhere"},
		{last, gazetteer.Unprocessable, "last region"},
		{lone, gazetteer.Unprocessable, "no known round trip joins b to a"},
	} {
		if gazetteer.KindOf(c.err) != c.kind || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want kind %v with %q", c.err, c.kind, c.want)
		}
	}
}
