package gazetteer_test

import (
	"testing"

	"gazetteer"

	"pgregory.net/rapid"
)

// vectors draws small vectors over few origins, so that they meet often.
func vectors(t *rapid.T, name string) gazetteer.Vector {
	var v gazetteer.Vector
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, 24), 0, 8).Draw(t, name) {
		o := gazetteer.Origin{Store: gazetteer.StoreID(n % 3), Incarnation: uint64(n % 2)}
		v = v.Raise(gazetteer.Position{Origin: o, Seq: uint64(n / 4)})
	}
	return v
}

func TestVectorIsALattice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, w := vectors(t, "v"), vectors(t, "w")
		m := v.Clone().Merge(w)
		if !m.CoversAll(v) || !m.CoversAll(w) {
			t.Fatalf("%v merged with %v is %v, which does not cover both", v, w, m)
		}
		if !m.Equal(w.Clone().Merge(v)) {
			t.Fatalf("merging %v and %v depends on the order", v, w)
		}
		for _, p := range m {
			if p.Seq > max(v.At(p.Origin), w.At(p.Origin)) {
				t.Fatalf("%v merged with %v covers %v, which neither does", v, w, p)
			}
		}
	})
}

func TestVectorIsSortedAndHasNoZeros(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := vectors(t, "v")
		for i, p := range v {
			if p.Seq == 0 || i > 0 && v[i-1].Compare(p) >= 0 {
				t.Fatalf("%v", v)
			}
		}
	})
}

func TestAboveIsWhatTheOtherLacks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, w := vectors(t, "v"), vectors(t, "w")
		if got := w.Clone().Merge(v.Above(w)); !got.CoversAll(v) {
			t.Fatalf("%v raised by what it lacks of %v is %v", w, v, got)
		}
		if w.CoversAll(v) != (len(v.Above(w)) == 0) {
			t.Fatalf("%v covers %v, but lacks %v", w, v, v.Above(w))
		}
	})
}
