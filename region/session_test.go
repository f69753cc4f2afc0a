package region

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// someSession is one that was shown something.
func someSession() ring.Token {
	at := gazetteer.Position{Origin: gazetteer.Origin{Store: 1, Incarnation: 2}, Seq: 3}
	return ring.Holding{Partition: gazetteer.Partition{Type: "mirror"}}.Shown(ring.Token{}, []gazetteer.Update{{Position: at}})
}

// shown is a tier that covers sessions or not.
type shown struct {
	*fake
	behind bool // it lacks what a session has been shown
	old    bool // it is of a version that knows no sessions
	asked  int
	heals  int // after so many it lacks nothing any more
}

func (s *shown) Read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	s.asked++
	if s.heals > 0 && s.asked > s.heals {
		s.behind = false
	}
	asks := TripOf(ctx).asks() && !s.old
	if asks && s.behind {
		return dst, ReadInfo{}, IsBehind(gazetteer.PartitionOf(k, fakePartitions), ring.Lack{Updates: 4, Positions: make(gazetteer.Vector, 1)})
	}
	out, info, err := s.fake.Read(ctx, dst, k)
	info.Covered = asks
	return out, info, err
}

type shownTransport struct{ own *shown }

func (t shownTransport) Tier(gazetteer.NodeID, Role) Tier { return t.own }

func shownPlanet(t *testing.T) (s *Server, own, near, far *shown) {
	_, ownFake, nearFake, farFake := planetOf(t)
	own, near, far = &shown{fake: ownFake}, &shown{fake: nearFake}, &shown{fake: farFake}
	nodes := []gazetteer.NodeID{"a"}
	s = NewServer(Config{
		Plan: fakePlan{servers: nodes, rings: [][]gazetteer.NodeID{nodes}}, Node: "front",
		Transport: shownTransport{own}, Elsewhere: others{{"near", near}, {"far", far}},
	})
	return s, own, near, far
}

func TestASessionIsAnsweredWhereItIsCovered(t *testing.T) {
	for _, c := range []struct {
		name           string
		own, near, far shown
		want           gazetteer.RegionID // "": nowhere
	}{
		{"here", shown{}, shown{}, shown{}, "here"},
		{"nearby", shown{behind: true}, shown{}, shown{}, "near"},
		{"far away", shown{behind: true}, shown{behind: true}, shown{}, "far"},
		{"not by a server that does not look", shown{behind: true}, shown{old: true}, shown{}, "far"},
		{"not by an own one either", shown{old: true}, shown{}, shown{}, "near"},
		{"later", shown{behind: true, heals: 3}, shown{behind: true}, shown{behind: true}, "here"},
		{"nowhere", shown{behind: true}, shown{behind: true}, shown{behind: true}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, own, near, far := shownPlanet(t)
				for i, r := range []*shown{own, near, far} {
					like := []shown{c.own, c.near, c.far}[i]
					r.behind, r.old, r.heals = like.behind, like.old, like.heals
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				found, err := s.Fetch(ctx, Want{Key: mirror("x"), Session: someSession()})
				if found.Region != c.want {
					t.Errorf("answered by %q, %v; want %q", found.Region, err, c.want)
				}
				if c.want == "" && (gazetteer.KindOf(err) != gazetteer.Behind || !strings.Contains(err.Error(), "4 updates behind") || ctx.Err() == nil) {
					t.Errorf("%v, with time left: %v", err, ctx.Err() == nil)
				}
				var a Answer
				err = s.Resolve(t.Context(), &Query{Key: mirror("x"), Session: someSession()}, &a)
				if a.Region != c.want && err == nil {
					t.Errorf("resolved by %q; want %q", a.Region, c.want)
				}
			})
		})
	}
}

// Who is behind one session is well for everybody else: no retry passes it over.
func TestBehindIsNoFault(t *testing.T) {
	s, own, _, _ := shownPlanet(t)
	own.behind = true
	if _, err := s.Fetch(t.Context(), Want{Key: mirror("x"), Session: someSession()}); err != nil {
		t.Fatal(err)
	}
	own.asked = 0
	if f, err := s.Fetch(t.Context(), Want{Key: mirror("x")}); err != nil || f.Region != "here" || own.asked != 1 {
		t.Errorf("answered by %q, %v, own asked %d times", f.Region, err, own.asked)
	}
}

// What a session has been shown is in the token of its answer, tombstones included.
func TestAnswersShowWhatTheyReturn(t *testing.T) {
	s, _, _, _ := shownPlanet(t)
	before := someSession()
	found, err := s.Fetch(t.Context(), Want{Key: mirror("x")})
	if err != nil || found.Shown.None() {
		t.Fatalf("%v, %v", found.Shown, err)
	}
	var a Answer
	if err := s.Resolve(t.Context(), &Query{Key: mirror("x")}, &a); err != nil || !a.Shown(ring.Token{}).Equal(found.Shown) {
		t.Errorf("%v, %v; want %v", a.Shown(ring.Token{}), err, found.Shown)
	}
	if merged := before.Merge(found.Shown); !a.Shown(before).Equal(merged) || merged.Equal(before) {
		t.Error("the session was shown less after an answer than before")
	}
	if err := s.Resolve(t.Context(), &Query{Key: mirror("nothing")}, &a); gazetteer.KindOf(err) != gazetteer.NotFound || !a.Shown(before).Equal(before) {
		t.Errorf("%v: the answer before is shown again", err)
	}
}
