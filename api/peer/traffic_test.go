package peer

import (
	"slices"
	"strconv"
	"testing"

	"gazetteer"
	"gazetteer/ring"
)

// What a link carries is counted at its sender, for the receiver's region: an update of a
// message that goes in several frames once, and a mark not among the updates.
func TestTrafficIsCountedByRegion(t *testing.T) {
	a, b := linkedPair(t, func(c *Config) { c.Region = gazetteer.RegionID("of-" + c.Node) })
	a.Send("b", ring.Greet{})
	b.Send("a", ring.Greet{})
	u := sampleUpdate(1)
	u.Body = make([]byte, gazetteer.MaxElementBytes)
	a.Send("b", ring.Elements{Updates: slices.Repeat([]gazetteer.Update{u}, 20)})
	a.Send("b", ring.Elements{Updates: []gazetteer.Update{sampleUpdate(2)}})
	a.Send("b", data(1))
	eventually(t, "all are counted", func() bool { return a.sentTo("b") == 3 && a.Traffic()[0].Updates == 21 })
	got := a.Traffic()[0]
	if low := uint64(20 * gazetteer.MaxElementBytes); got.Region != "of-b" || got.UpdateBytes < low || got.UpdateBytes > low+low/100 || got.Bytes <= got.UpdateBytes {
		t.Errorf("a: %+v", got)
	}
	if back := b.Traffic(); len(back) != 1 || back[0].Region != "of-a" || back[0].Updates != 0 || back[0].Bytes == 0 {
		t.Errorf("b: %+v", back)
	}
}

func TestRegionsThatAreToldApartAreBounded(t *testing.T) {
	var w ways
	for i := range 2 * waysMax {
		w.of(gazetteer.RegionID(strconv.Itoa(i))).add(1, 2, 3)
	}
	if rest := w.of(""); len(w.to) != waysMax+1 || rest.updates.Load() != waysMax {
		t.Errorf("%d regions, %d updates elsewhere", len(w.to), rest.updates.Load())
	}
}
