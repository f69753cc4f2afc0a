package ring_test

import (
	"bytes"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/ring"

	"pgregory.net/rapid"
)

// DESIGN 9, read your writes anywhere: b serves a's value from a scan whose mark has not
// come, above its vector. c's vector is as high as b's, and c has only the value before.
// A token that said no more than b's vector would send the session there, and back.
func TestASessionTokenNamesWhatWasShown(t *testing.T) {
	s := newScene(t, 3, 0)
	a, b, c := s.nodes[0], s.nodes[1], s.nodes[2]
	s.put(a)
	s.pass(50 * time.Millisecond)
	s.alone(c)
	s.alone(a)
	s.put(a)
	s.propose(a, ring.Write{Partition: s.parts[0], ID: "m", Put: []ring.Value{{}}}, time.Second) // scanned after it
	a.reading = 100 * time.Millisecond
	s.cut(a, b, -1)
	s.until("the new value has come to b", func() bool { return s.above(b) })
	atB, _ := b.r.Holding(s.parts[0])
	atC, _ := c.r.Holding(s.parts[0])
	if !atC.Vector.CoversAll(atB.Vector) {
		t.Fatal("b's vector is above c's: the schedule shows nothing")
	}
	token := atB.Shown(ring.Token{}, s.reads(b))
	if atC.Covers(token) {
		t.Errorf("c covers the token, and shows %v after %v", s.reads(c)[0].Stamp, s.reads(b)[0].Stamp)
	}
	if lack := atC.Lacks(token); lack.Updates != 1 || len(lack.Positions) != 1 || lack.Positions[0] != s.reads(b)[0].Position {
		t.Errorf("c lacks %+v, want the one update that b has shown", lack)
	}
	a.reading = 0
	s.cut(a, c, -2)
	s.cut(b, c, -1)
	s.until("c covers the token", func() bool { h, _ := c.r.Holding(s.parts[0]); return h.Covers(token) })
	if s.reads(c)[0].Position != token1(token) {
		t.Error("c does not show what the token names")
	}
	s.ends()
}

func (s *scene) reads(n *node) []gazetteer.Update {
	us, _ := n.disk.store.Resource(s.parts[0], s.ids[0])
	return us
}

// token1 is the one position that a token names.
func token1(t ring.Token) gazetteer.Position {
	return ring.Holding{Partition: gazetteer.Partition{Type: "sim"}}.Lacks(t).Positions[0]
}

// DESIGN 9: the writer's own token covers its write, and the deletion of it.
func TestAWriteAnswersWithItsToken(t *testing.T) {
	s := newScene(t, 2, 0)
	a, b := s.nodes[0], s.nodes[1]
	s.alone(b)
	for _, o := range []*write{s.put(a), s.gone(a)} {
		h, _ := a.r.Holding(s.parts[0])
		if far, _ := b.r.Holding(s.parts[0]); !h.Covers(o.outcome.Shown) || far.Covers(o.outcome.Shown) {
			t.Errorf("the token of write %d is covered at a: %v, at b, which has not heard of it: %v", o.Token, h.Covers(o.outcome.Shown), far.Covers(o.outcome.Shown))
		}
	}
	s.rejoin(b)
	s.ends()
}

// The one clock: a replica is complete up to it when the stable stamp says so.
func TestATokenIsCoveredByTheStableStamp(t *testing.T) {
	s := newScene(t, 2, 0)
	a, b := s.nodes[0], s.nodes[1]
	o := s.put(a)
	token := ring.Bounded(o.outcome.Shown, 0)
	h, _ := b.r.Holding(s.parts[0])
	if lack := h.Lacks(token); lack.UpTo == 0 || h.Covers(token) {
		t.Errorf("right after the write b is complete up to it: %+v", lack)
	}
	s.until("b is complete up to the write", func() bool { h, _ = b.r.Holding(s.parts[0]); return h.Covers(token) })
	if settled := h.Settled(o.outcome.Shown); !settled.Equal(token) {
		t.Errorf("settled, the token is %+v, want %+v", settled, token)
	}
	s.ends()
}

func anyToken(t *rapid.T) ring.Token {
	var token ring.Token
	for range rapid.IntRange(0, 3).Draw(t, "partitions") {
		h := ring.Holding{Partition: gazetteer.Partition{Type: "t", Index: rapid.Uint32Range(0, 3).Draw(t, "index")}}
		token = h.Shown(token, anyRecord(t))
	}
	if rapid.Bool().Draw(t, "bounded") {
		token = ring.Bounded(token, rapid.IntRange(0, 5).Draw(t, "most"))
	}
	return token
}

func TestTokensComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		token := anyToken(t)
		b := ring.AppendToken(nil, token)
		back, err := ring.DecodeToken(b)
		if err != nil || !back.Equal(token) {
			t.Fatalf("%+v came back as %+v: %v", token, back, err)
		}
		for i := range b {
			if _, err := ring.DecodeToken(b[:i]); gazetteer.KindOf(err) != gazetteer.Invalid {
				t.Fatalf("cut off after %d of %d bytes: %v", i, len(b), err)
			}
		}
	})
}

// Merging is idempotent, commutative and associative as long as nothing is left out.
func TestTokensMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyToken(t), anyToken(t), anyToken(t)
		if !a.Merge(a).Equal(a) || !a.Merge(b).Equal(b.Merge(a)) || !a.Merge(b).Merge(c).Equal(a.Merge(b.Merge(c))) {
			t.Fatalf("%+v, %+v and %+v do not merge well", a, b, c)
		}
	})
}

// A replica that covers a merged token covers each: nothing that was shown is forgotten.
func TestMergedTokensAskForBoth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyToken(t), anyToken(t)
		h := ring.Holding{
			Partition: gazetteer.Partition{Type: "t", Index: rapid.Uint32Range(0, 3).Draw(t, "index")},
			Vector:    anyVector().Draw(t, "vector"), Complete: gazetteer.Clock(anyNumber().Draw(t, "complete")),
		}
		m := ring.Bounded(a.Merge(b), rapid.IntRange(0, 64).Draw(t, "most"))
		if h.Complete > 0 && h.Covers(m) && m.Equal(a.Merge(b)) && (!h.Covers(a) || !h.Covers(b)) {
			t.Fatalf("%+v covers %+v, but not both %+v and %+v", h, m, a, b)
		}
		if s := h.Settled(a.Merge(b)); h.Covers(s) && s.Equal(a.Merge(b)) && !h.Covers(a) {
			t.Fatalf("settled, %+v asks for less", a)
		}
	})
}

// A token has at most 64 entries: the newest stay, one clock stands for the others.
func TestATokenIsBounded(t *testing.T) {
	h := ring.Holding{Partition: gazetteer.Partition{Type: "t"}}
	var token ring.Token
	for i := range 100 {
		o := gazetteer.Origin{Store: gazetteer.StoreID(i), Incarnation: 1}
		u := gazetteer.Update{Position: gazetteer.Position{Origin: o, Seq: 1}, Stamp: gazetteer.Stamp{Clock: gazetteer.Clock(1000 + i), Origin: o}}
		token = h.Shown(token, []gazetteer.Update{u})
	}
	lack := h.Lacks(token)
	if len(lack.Positions) != ring.TokenEntries || lack.Positions[0].Origin.Store != 36 || lack.UpTo != 1035 {
		t.Errorf("the token asks for %d positions from store %d on, and the clock %d; want 64, 36 and 1035", len(lack.Positions), lack.Positions[0].Origin.Store, lack.UpTo)
	}
	if b := ring.AppendToken(nil, token); len(b) > 2200 {
		t.Errorf("a full token takes %d bytes", len(b))
	}
	h.Complete = 1036
	if lack := h.Lacks(token); lack.UpTo != 0 {
		t.Errorf("complete below 1036, the replica still lacks the clock %d", lack.UpTo)
	}
}

// Of another partition a token asks nothing; a record as it lies in the store gives the
// same token as its updates.
func TestATokenIsOfItsScope(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		us := anyRecord(t)
		h := ring.Holding{Partition: gazetteer.Partition{Type: "t", Index: 1}}
		token := h.Shown(ring.Token{}, us)
		other := ring.Holding{Partition: gazetteer.Partition{Type: "t", Index: 2}}
		if !other.Covers(token) || h.Covers(token) != (len(us) == 0) {
			t.Fatalf("%+v is covered elsewhere: %v, here: %v", token, other.Covers(token), h.Covers(token))
		}
		if v := h.ShownRecord(ring.Token{}, ring.View(ring.AppendRecord(nil, us))); !v.Equal(token) {
			t.Fatalf("the record gives %+v, its updates %+v", v, token)
		}
	})
}

func FuzzDecodeToken(f *testing.F) {
	rapidSeeds(f, func(t *rapid.T) []byte { return ring.AppendToken(nil, anyToken(t)) })
	f.Add([]byte{5})
	f.Fuzz(func(t *testing.T, b []byte) {
		token, err := ring.DecodeToken(b)
		if err != nil {
			if gazetteer.KindOf(err) != gazetteer.Invalid {
				t.Fatalf("the wrong kind of error: %v", err)
			}
			return
		}
		if again := ring.AppendToken(nil, token); !bytes.Equal(again, b) {
			t.Fatalf("%x is encoded as %x", b, again)
		}
	})
}

func FuzzDecodeCursor(f *testing.F) {
	s := ring.Scope{Partition: gazetteer.Partition{Type: "t", Index: 3}, Filter: ring.Filter{Prefix: "a"}}
	rapidSeeds(f, func(t *rapid.T) []byte { return ring.AppendCursor(nil, s, anyVector().Draw(t, "vector")) })
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := ring.DecodeCursor(b, s)
		if err != nil {
			if gazetteer.KindOf(err) != gazetteer.Invalid {
				t.Fatalf("the wrong kind of error: %v", err)
			}
			return
		}
		if again := ring.AppendCursor(nil, s, v); !bytes.Equal(again, b) {
			t.Fatalf("%x is encoded as %x", b, again)
		}
	})
}

// rapidSeeds adds drawn inputs to a fuzz test.
func rapidSeeds(f *testing.F, draw func(*rapid.T) []byte) {
	g := rapid.Custom(draw)
	for i := range 5 {
		f.Add(g.Example(i))
	}
}

// A scope's hash is part of cursors and tokens: it must not change between versions.
func TestScopesHaveStableHashes(t *testing.T) {
	p := gazetteer.Partition{Type: "mirrors", Index: 270}
	for _, c := range []struct {
		scope ring.Scope
		want  uint64
	}{
		{ring.Scope{Partition: p}, 0x1fc40cee77f3cba9},
		{ring.Scope{Partition: p, Filter: ring.Filter{Prefix: "cran"}}, 0x7faf3654de3fe8e8},
		{ring.Scope{Partition: gazetteer.Partition{Type: "mirrors", Index: 1}}, 0xf9d903e387614b25},
	} {
		if got := c.scope.Hash(); got != c.want {
			t.Errorf("%+v has hash %#x, want %#x", c.scope, got, c.want)
		}
	}
}

func TestScopesInsideEachOther(t *testing.T) {
	of := func(index uint32, prefix gazetteer.ID) ring.Scope {
		return ring.Scope{Partition: gazetteer.Partition{Type: "t", Index: index}, Filter: ring.Filter{Prefix: prefix}}
	}
	for _, c := range []struct {
		s, t ring.Scope
		want bool
	}{
		{of(0, ""), of(0, ""), true},
		{of(0, "ab"), of(0, "a"), true},
		{of(0, "a"), of(0, ""), true},
		{of(0, "a"), of(0, "ab"), false},
		{of(0, ""), of(0, "a"), false},
		{of(0, "b"), of(0, "a"), false},
		{of(1, "a"), of(0, "a"), false},
	} {
		if got := c.s.Inside(c.t); got != c.want {
			t.Errorf("%+v inside %+v: %v", c.s, c.t, got)
		}
	}
}
