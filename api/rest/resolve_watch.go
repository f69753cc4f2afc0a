package rest

import (
	"context"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/jsontext"
	"gazetteer/region"
	"gazetteer/region/watch"
)

const (
	// A watched answer is looked at when an element of the resource, or what is known of
	// its health, has changed; soon after that, since the replica that was asked may not
	// have heard it yet; and as often as againEvery, because of all else that an answer
	// depends on: policies, the order of regions, where addresses are.
	againSoon  = 200 * time.Millisecond
	againEvery = 2 * time.Second
	beatEvery  = 15 * time.Second
)

// answers is the stream of one client's best answer.
type answers struct {
	h     *Handler
	l     *lookup
	out   *flow
	last  uint64 // digest of the choice that the client knows, 0: none
	gone  bool   // the client knows that there is no such resource
	wrote time.Time
}

// watchAnswer streams the answer to a lookup: whenever the locations that are chosen, or
// their order, have changed.
func (h *Handler) watchAnswer(c *gin.Context, l *lookup) error {
	from, ok := h.regional.(region.Watcher)
	if !ok {
		return noWatches()
	}
	if l.query.Limit == 0 {
		l.query.Limit = 1
	}
	a := &answers{h: h, l: l, out: h.flow(c, formOf(c.Request)), wrote: time.Now()}
	if known := lastEventID(c.Request); known != "" {
		a.last, _ = strconv.ParseUint(known, 16, 64) // one that is no choice of ours equals none
	}
	return h.flowing(c, a.out, func(ctx context.Context) error {
		if err := a.first(ctx); err != nil {
			return err
		}
		return a.follow(ctx, from)
	})
}

// first begins the stream, unless there is no such resource.
func (a *answers) first(ctx context.Context) error {
	if err := a.h.regional.Resolve(ctx, &a.l.query, &a.l.answer); err != nil {
		return err
	}
	if a.chosen() == a.last {
		if err := a.out.begin(); err != nil {
			return err
		}
		return a.out.send(a.out.buf)
	}
	return a.tell()
}

func (a *answers) follow(ctx context.Context, from region.Watcher) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	news, ended := make(chan struct{}, 1), make(chan error, 1)
	q := &a.l.query
	o := &watch.Options{Type: q.Key.Type, Scope: watch.Scope{Prefix: q.Key.ID, Exact: true, Beside: true}, Tail: true}
	go func() {
		ended <- from.Watch(ctx, o, func([]*watch.Entry) error {
			select {
			case news <- struct{}{}:
			default:
			}
			return nil
		})
	}()
	defer func() {
		cancel()
		<-ended
	}()
	return a.loop(ctx, news)
}

// loop looks again when there is reason to, until ctx ends or the client takes nothing.
func (a *answers) loop(ctx context.Context, news <-chan struct{}) error {
	again := time.NewTimer(againEvery)
	defer again.Stop()
	for {
		select {
		case <-news:
			again.Reset(againSoon)
		case <-again.C:
			again.Reset(againEvery)
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := a.look(ctx); err != nil {
			return err
		}
	}
}

// look resolves again and tells the client what has changed. While nobody can answer, the
// last answer stands.
func (a *answers) look(ctx context.Context) error {
	err := a.h.regional.Resolve(ctx, &a.l.query, &a.l.answer)
	switch {
	case gazetteer.KindOf(err) == gazetteer.NotFound && err != nil && !a.gone:
		return a.tellGone()
	case err == nil && (a.gone || a.chosen() != a.last):
		return a.tell()
	case time.Since(a.wrote) >= beatEvery:
		a.wrote = time.Now()
		return a.out.show([]*watch.Entry{{Kind: watch.Beat}})
	}
	return nil
}

// chosen is a digest of what is chosen, in its order.
func (a *answers) chosen() uint64 {
	b := a.l.body[:0]
	for i := range a.l.answer.Candidates {
		l := &a.l.answer.Candidates[i].Location
		b = append(append(append(append(b, l.ID...), 0), l.URL...), 0)
	}
	a.l.body = b
	return max(1, gazetteer.HashBytes(b))
}

func (a *answers) tell() error {
	a.last, a.gone = a.chosen(), false
	a.l.body = appendAnswer(a.l.body[:0], &a.l.answer, a.l.query.Explain)
	return a.write("put", strconv.FormatUint(a.last, 16), a.l.body)
}

func (a *answers) tellGone() error {
	a.last, a.gone = 0, true
	k := &a.l.query.Key
	b := jsontext.AppendString(append(a.l.body[:0], `{"type":`...), string(k.Type))
	a.l.body = append(jsontext.AppendString(append(b, `,"id":`...), string(k.ID)), '}')
	return a.write("delete", "0", a.l.body)
}

func (a *answers) write(event, id string, body []byte) error {
	a.wrote = time.Now()
	f := a.out
	f.buf = f.buf[:0]
	if !f.begun {
		if err := f.begin(); err != nil {
			return err
		}
	}
	if f.form == asEvents {
		f.buf = append(append(append(append(f.buf, "id: "...), id...), "\nevent: "...), event...)
		f.buf = append(append(append(f.buf, "\ndata: "...), body...), "\n\n"...)
	} else {
		f.buf = append(append(append(append(f.buf, `{"event":"`...), event...), `","cursor":"`...), id...)
		f.buf = append(append(append(f.buf, `","answer":`...), body...), "}\n"...)
	}
	return f.send(f.buf)
}
