package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/ring"
)

func sampleWrites() []ring.Write {
	p := gazetteer.Partition{Type: "t", Index: 270}
	return []ring.Write{
		{Token: 90, Partition: p, ID: "a/%2F é", Put: []ring.Value{{Body: []byte("attributes")}, {Location: "fra", Body: []byte{0, 1}}},
			Delete: []gazetteer.LocationID{"old", "older"}, Replace: true, If: []gazetteer.Version{0, 1 << 63},
			Ack: ring.AckRing, Deadline: 1500 * time.Millisecond},
		{Token: 91, Partition: gazetteer.Partition{Type: "t"}, ID: "b"},
	}
}

func TestWritesAndOutcomesCross(t *testing.T) {
	var got []ring.Write
	give := []ring.Outcome{
		{Token: 1234, Version: 1 << 63, Created: true, Existed: true, Reached: ring.AckRing},
		{Err: &gazetteer.Error{Op: "ring.Propose", Kind: gazetteer.Precondition, Pointer: "/if", Detail: "the version is another"}},
	}
	_, tier := pair(t, &fakeTier{write: func(_ context.Context, typ gazetteer.Type, ws []ring.Write) []ring.Outcome {
		if typ != "t" {
			t.Errorf("type %q", typ)
		}
		got = ws
		return give
	}})
	want := sampleWrites()
	out := tier.Write(t.Context(), "t", want)
	for i := range got {
		got[i].Token = want[i].Token // the tokens of a server are its own
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the tier got %+v, want %+v", got, want)
	}
	give[0].Token, give[1].Token = 90, 91
	if !reflect.DeepEqual(out, give) {
		t.Errorf("the caller got %+v, want %+v", out, give)
	}
}

func TestNoWritesAreNoRequest(t *testing.T) {
	a, _ := pair(t, echoTier())
	if out := a.Tier("nobody", region.RoleReplica).Write(t.Context(), "t", nil); len(out) != 0 {
		t.Errorf("got %v", out)
	}
}

// A large batch goes in several requests, in order, and none of them is too large.
func TestLargeBatchesAreSplit(t *testing.T) {
	var batches [][]ring.Write
	_, tier := pair(t, &fakeTier{write: func(_ context.Context, _ gazetteer.Type, ws []ring.Write) []ring.Outcome {
		batches = append(batches, ws)
		out := make([]ring.Outcome, len(ws))
		for i := range ws {
			out[i].Version = gazetteer.Version(len(ws[i].ID) + len(ws[i].Put))
		}
		return out
	}})
	var ws []ring.Write
	for i := range 3000 {
		ws = append(ws, ring.Write{Token: uint64(i), ID: gazetteer.ID(fmt.Sprint(i))})
	}
	ws[100].Put = make([]ring.Value, 12_000)
	ws[101].Put = make([]ring.Value, 12_000)
	for i := 200; i < 205; i++ {
		ws[i].Put = []ring.Value{{Body: make([]byte, 400<<10)}}
	}
	out := tier.Write(t.Context(), "t", ws)
	n := 0
	for _, b := range batches {
		for i := range b {
			if b[i].ID != ws[n].ID || len(b[i].Put) != len(ws[n].Put) {
				t.Fatalf("write %d is out of order", n)
			}
			n++
		}
	}
	if n != len(ws) || len(batches) < 6 {
		t.Errorf("%d writes in %d requests", n, len(batches))
	}
	for i := range out {
		if out[i].Token != uint64(i) || out[i].Err != nil || out[i].Version != gazetteer.Version(len(ws[i].ID)+len(ws[i].Put)) {
			t.Fatalf("outcome %d: %+v", i, out[i])
		}
	}
}

func TestWritesBeyondTheLimitsAreTooLarge(t *testing.T) {
	_, tier := pair(t, &fakeTier{})
	for name, w := range map[string]ring.Write{
		"elements": {ID: "x", Put: make([]ring.Value, requestElements+1)},
		"bytes":    {ID: "x", Put: []ring.Value{{Body: make([]byte, maxRequestBytes)}}},
	} {
		out := tier.Write(t.Context(), "t", []ring.Write{w})
		if gazetteer.KindOf(out[0].Err) != gazetteer.TooLarge {
			t.Errorf("%s: %v", name, out[0].Err)
		}
	}
}

func TestTierThatLosesOutcomesIsFaulty(t *testing.T) {
	_, tier := pair(t, &fakeTier{write: func(context.Context, gazetteer.Type, []ring.Write) []ring.Outcome { return nil }})
	out := tier.Write(t.Context(), "t", sampleWrites())
	if len(out) != 2 || gazetteer.KindOf(out[1].Err) != gazetteer.Internal || out[1].Err == nil {
		t.Errorf("got %+v", out)
	}
}

func TestPagesCross(t *testing.T) {
	var got region.ListQuery
	give := region.ListPage{IDs: []gazetteer.ID{"a", "b é"}, Records: [][]byte{{}, []byte("record")}, More: true}
	var fail error
	_, tier := pair(t, &fakeTier{list: func(_ context.Context, q region.ListQuery) (region.ListPage, error) {
		got = q
		return give, fail
	}})
	want := region.ListQuery{Partition: gazetteer.Partition{Type: "t", Index: 9}, Prefix: "a/", After: "a/5", Limit: 50}
	page, err := tier.List(t.Context(), want)
	if err != nil || got != want || fmt.Sprint(page) != fmt.Sprint(give) {
		t.Errorf("asked %+v, got %+v, %v", got, page, err)
	}
	give = region.ListPage{}
	if page, err = tier.List(t.Context(), want); err != nil || len(page.IDs) != 0 || page.More {
		t.Errorf("an empty page: %+v, %v", page, err)
	}
	fail = &gazetteer.Error{Kind: gazetteer.Unserved}
	if _, err = tier.List(t.Context(), want); gazetteer.KindOf(err) != gazetteer.Unserved {
		t.Errorf("err = %v", err)
	}
	fail, give = nil, region.ListPage{IDs: []gazetteer.ID{"a"}}
	if _, err = tier.List(t.Context(), want); gazetteer.KindOf(err) != gazetteer.Internal || err == nil {
		t.Errorf("a page without its record: %v", err)
	}
}

// A caller who goes on from the last id of a shortened page gets everything once.
func TestLongPagesComeShorter(t *testing.T) {
	var ids []gazetteer.ID
	for i := range 30 {
		ids = append(ids, gazetteer.ID(fmt.Sprintf("%03d", i)))
	}
	_, tier := pair(t, &fakeTier{list: func(_ context.Context, q region.ListQuery) (region.ListPage, error) {
		var p region.ListPage
		for _, id := range ids {
			if id > q.After {
				p.IDs = append(p.IDs, id)
				p.Records = append(p.Records, bytes.Repeat([]byte(id), 100<<10))
			}
		}
		return p, nil
	}})
	var got []gazetteer.ID
	pages := 0
	for more, after := true, gazetteer.ID(""); more; pages++ {
		p, err := tier.List(t.Context(), region.ListQuery{After: after, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p.IDs...)
		more, after = p.More, got[len(got)-1]
	}
	if !reflect.DeepEqual(got, ids) || pages < 9 {
		t.Errorf("%d pages: %v", pages, got)
	}
}

func TestRepliesBeyondTheLimitAreTooLarge(t *testing.T) {
	huge := make([]byte, maxRequestBytes+1)
	_, tier := pair(t, &fakeTier{
		read: func(_ context.Context, dst []byte, _ gazetteer.Key) ([]byte, region.ReadInfo, error) {
			return append(dst, huge...), region.ReadInfo{}, nil
		},
		list: func(context.Context, region.ListQuery) (region.ListPage, error) {
			return region.ListPage{IDs: []gazetteer.ID{"a"}, Records: [][]byte{huge}}, nil
		},
	})
	if got, _, err := tier.Read(t.Context(), nil, gazetteer.Key{Type: "t", ID: "x"}); gazetteer.KindOf(err) != gazetteer.TooLarge || got != nil {
		t.Errorf("read: %d bytes, %v", len(got), err)
	}
	if _, err := tier.List(t.Context(), region.ListQuery{}); gazetteer.KindOf(err) != gazetteer.TooLarge {
		t.Errorf("list: %v", err)
	}
}

func sampleConflicts(n int) []ring.Conflict {
	var cs []ring.Conflict
	for i := range n {
		u := sampleUpdate(i)
		cs = append(cs, ring.Conflict{
			Partition: gazetteer.Partition{Type: "t", Index: uint32(i % 271)}, Loser: u, At: int64(i),
			Winner: gazetteer.Stamp{Epoch: 1, Clock: 99, Origin: gazetteer.Origin{Store: 1 << 63, Incarnation: 7}},
		})
	}
	return cs
}

func sampleUpdate(i int) gazetteer.Update {
	o := gazetteer.Origin{Store: gazetteer.StoreID(1 + i%3), Incarnation: 77}
	u := gazetteer.Update{
		Element: gazetteer.Element{ID: gazetteer.ID(fmt.Sprintf("id-%d", i)), Location: "fra"},
		Stamp:   gazetteer.Stamp{Clock: gazetteer.ClockAt(1_700_000_000_000) + gazetteer.Clock(i), Origin: o}, Position: gazetteer.Position{Origin: o, Seq: uint64(i + 1)},
		Body: []byte(strings.Repeat("b", 100)),
	}
	if i%5 == 0 {
		u.Context = gazetteer.Vector{{Origin: o, Seq: uint64(i + 1)}}
	}
	if i%7 == 0 {
		u.Tombstone, u.Body = true, nil
	}
	return u
}

func TestConflictsCrossInParts(t *testing.T) {
	for _, n := range []int{0, 1, 3*partConflicts + 5} {
		want := sampleConflicts(n)
		_, tier := pair(t, &fakeTier{conflicts: func(_ context.Context, typ gazetteer.Type) ([]ring.Conflict, error) {
			if typ != "t" {
				return nil, errors.New("another type")
			}
			return want, nil
		}})
		got, err := tier.Conflicts(t.Context(), "t")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d conflicts: got %d, %v", n, len(got), err)
		}
	}
}

func TestJournalsBeyondTheLimitAreRefused(t *testing.T) {
	c := sampleConflicts(1)[0]
	c.Loser = sampleUpdate(1)
	c.Loser.Body = make([]byte, gazetteer.MaxElementBytes)
	all := make([]ring.Conflict, 100)
	for i := range all {
		all[i] = c
	}
	_, tier := pair(t, &fakeTier{conflicts: func(context.Context, gazetteer.Type) ([]ring.Conflict, error) { return all, nil }},
		func(c *Config) { c.MaxReply = 4 << 20 })
	if _, err := tier.Conflicts(within(t, 20*time.Second), "t"); gazetteer.KindOf(err) != gazetteer.TooLarge {
		t.Errorf("err = %v", err)
	}
	all = all[:1]
	if cs, err := tier.Conflicts(within(t, 20*time.Second), "t"); err != nil || len(cs) != 1 {
		t.Errorf("afterwards: %d, %v", len(cs), err)
	}
}
