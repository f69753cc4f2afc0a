package peer

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/watch"
)

// streamingTier gives the streams that its function makes.
type streamingTier struct {
	*fakeTier
	stream watch.Source
}

func (s *streamingTier) Stream(ctx context.Context, q *watch.Query, take func(*watch.Batch) error) error {
	return s.stream(ctx, q, take)
}

func someChanges(n, size int) *watch.Batch {
	b := &watch.Batch{Marks: []watch.Mark{{Index: 3, Vector: gazetteer.Vector{{Origin: gazetteer.Origin{Store: 1, Incarnation: 2}, Seq: uint64(n)}}}}}
	for i := range n {
		b.Updates = append(b.Updates, watch.Update{Index: 3, Update: gazetteer.Update{
			Element: gazetteer.Element{ID: "a", Location: "l"}, Body: bytes.Repeat([]byte{1}, size),
			Position: gazetteer.Position{Origin: gazetteer.Origin{Store: 1, Incarnation: 2}, Seq: uint64(i + 1)}, Stamp: gazetteer.Stamp{Clock: gazetteer.Clock(i + 1)},
		}})
	}
	return b
}

// TestStreamsCrossWhole: what is longer than a frame comes in pieces, its marks behind it.
func TestStreamsCrossWhole(t *testing.T) {
	var asked *watch.Query
	_, tier := pair(t, &streamingTier{echoTier(), func(ctx context.Context, q *watch.Query, take func(*watch.Batch) error) error {
		asked = q
		return take(someChanges(40, 60<<10))
	}})
	q := &watch.Query{Type: "t", Prefix: "a", Once: true, From: []watch.From{{Index: 3, Cover: gazetteer.Vector{{Origin: gazetteer.Origin{Store: 9, Incarnation: 9}, Seq: 1}}}}}
	updates, marks, batches := 0, 0, 0
	err := tier.(watch.Streamer).Stream(within(t, patience), q, func(b *watch.Batch) error {
		if marks > 0 {
			t.Error("something comes behind the mark")
		}
		batches++
		updates += len(b.Updates)
		marks += len(b.Marks)
		return nil
	})
	if err != nil || updates != 40 || marks != 1 || batches < 2 {
		t.Errorf("%d updates, %d marks, %d batches, %v", updates, marks, batches, err)
	}
	if !bytes.Equal(watch.AppendQuery(nil, asked), watch.AppendQuery(nil, q)) {
		t.Errorf("asked was %+v", asked)
	}
}

// TestStreamsEnd: with the tier's error, with the taker's, with the caller's context, of
// which the other end then hears, and where a tier gives none.
func TestStreamsEnd(t *testing.T) {
	gone := make(chan struct{})
	_, tier := pair(t, &streamingTier{echoTier(), func(ctx context.Context, q *watch.Query, take func(*watch.Batch) error) error {
		if q.Prefix == "fails" {
			return &gazetteer.Error{Op: "x", Kind: gazetteer.Unserved, Detail: "not yet"}
		}
		err := take(someChanges(1, 1))
		if q.Prefix == "lasts" {
			<-ctx.Done()
			close(gone)
		}
		return err
	}})
	s := tier.(watch.Streamer)
	ctx := within(t, patience)
	none := func(*watch.Batch) error { return nil }
	if err := s.Stream(ctx, &watch.Query{Prefix: "fails"}, none); gazetteer.KindOf(err) != gazetteer.Unserved {
		t.Errorf("%v", err)
	}
	enough := errors.New("enough")
	if err := s.Stream(ctx, &watch.Query{}, func(*watch.Batch) error { return enough }); err != enough {
		t.Errorf("%v", err)
	}
	lasting, cancel := context.WithCancel(ctx)
	if err := s.Stream(lasting, &watch.Query{Prefix: "lasts"}, func(*watch.Batch) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	select {
	case <-gone:
	case <-ctx.Done():
		t.Error("the other end goes on")
	}
	_, plain := pair(t, echoTier())
	if err := plain.(watch.Streamer).Stream(ctx, &watch.Query{}, none); gazetteer.KindOf(err) != gazetteer.Unsupported {
		t.Errorf("%v", err)
	}
}

// TestStreamsThatBreakSaySo: the end of the other process is not the end of the stream.
func TestStreamsThatBreakSaySo(t *testing.T) {
	w := newTown(t)
	server := w.open(w.quick("b"), func(s *Transport) {
		s.Handle(region.RoleReplica, &streamingTier{echoTier(), func(ctx context.Context, q *watch.Query, take func(*watch.Batch) error) error {
			err := take(someChanges(1, 1))
			<-ctx.Done()
			return err
		}})
	})
	s := w.open(w.quick("a"), nil).Tier("b", region.RoleReplica).(watch.Streamer)
	err := s.Stream(within(t, patience), &watch.Query{}, func(*watch.Batch) error {
		go server.Close()
		return nil
	})
	if gazetteer.KindOf(err) != gazetteer.Unavailable {
		t.Errorf("%v", err)
	}
}
