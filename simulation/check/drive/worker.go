package drive

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"gazetteer"
	"gazetteer/api/client"
	"gazetteer/simulation/check"
)

// worker is one client. It writes at its home door, and reads at all.
type worker struct {
	run     *run
	number  int
	home    *door
	rand    *rand.Rand
	session session
	ops     []check.Op

	own     string // the element that it writes now
	writes  int    // of it
	most    int    // writes of it before the next one
	elems   int
	version string // of own, where compare-and-set goes by it
}

func newWorker(r *run, i int) *worker {
	return &worker{run: r, number: i, home: r.doors[i%len(r.doors)], rand: rand.New(rand.NewPCG(r.Seed, uint64(i)))}
}

func (w *worker) work(ctx context.Context, p *pace) {
	w.move()
	for {
		select {
		case <-time.After(time.Until(p.due())):
		case <-ctx.Done():
			return
		}
		w.one(ctx)
	}
}

// one does one thing. An operation that has begun is let to its end: only then it is
// known what became of it.
func (w *worker) one(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.run.Patience)
	defer cancel()
	switch n := w.rand.IntN(100); {
	case n < 32 && w.run.Mastered && w.version != "":
		w.compareAndSet(ctx)
	case n < 32:
		w.write(ctx)
	case n < 35:
		w.contend(ctx)
	case n < 65:
		w.resolve(ctx, nil, w.someone())
	case n < 85:
		w.resolve(ctx, &w.session, w.mine())
	case n < 97:
		w.get(ctx, &w.session, w.mine())
	default:
		w.list(ctx)
	}
}

// move begins the next element of its own.
func (w *worker) move() {
	w.elems++
	w.own, w.writes, w.most, w.version = fmt.Sprintf("%s%d-%d", w.run.prefix, w.number, w.elems), 0, 4+w.rand.IntN(12), ""
}

func (w *worker) someone() string { return or(w.run.shared.pick(w.rand.IntN(1<<20)), w.own) }

// mine is mostly its own element: what it has written itself says most.
func (w *worker) mine() string {
	if w.rand.IntN(4) == 0 {
		return w.someone()
	}
	return w.own
}

func (w *worker) anyDoor() *door { return w.run.doors[w.rand.IntN(len(w.run.doors))] }

var acks = [...]check.Level{check.Local, check.Ring, check.Ring, check.Regions}

// write writes the own element, or ends it with a deletion.
func (w *worker) write(ctx context.Context) {
	id := w.own
	if w.writes++; w.writes > w.most && w.rand.IntN(3) == 0 {
		w.put(ctx, &w.session, check.Delete, id)
		w.move()
		return
	}
	if o := w.put(ctx, &w.session, check.Put, id); o.Outcome == check.Unknown || w.writes > w.most {
		w.move() // what has no answer may be done later, and hide what follows
	}
	w.run.shared.post(id)
}

// contended is how many elements all clients write.
const contended = 16

// contend writes what others write at the same time. It is no part of the session: who
// wins is not known.
func (w *worker) contend(ctx context.Context) {
	id := fmt.Sprintf("%sall-%d", w.run.prefix, w.rand.IntN(contended))
	w.put(ctx, nil, check.Put, id)
	w.run.shared.post(id)
}

func (w *worker) put(ctx context.Context, s *session, k check.Kind, id string) *check.Op {
	ack := acks[w.rand.IntN(len(acks))]
	o := w.begin(k, w.home, id, s)
	opts := client.WriteOptions{Ack: string(ack), Deadline: w.run.Patience / 2}
	var did client.Written
	var err error
	if k == check.Delete {
		did, err = w.home.client.DeleteLocation(o.in(ctx), string(w.run.Type), id, locationID, opts)
	} else {
		o.Value = w.run.values.next()
		did, err = w.home.client.PutLocation(o.in(ctx), string(w.run.Type), id, location(o.Value), opts)
	}
	o.Level, o.Version = ack, did.Version
	if did.Short {
		o.Level = check.Local // at least that: it is stored
	}
	if w.run.Mastered && err == nil && id == w.own {
		w.version = did.Version
	}
	return w.end(o, err)
}

// compareAndSet writes the own element if it is as it was left.
func (w *worker) compareAndSet(ctx context.Context) {
	o := w.begin(check.CompareAndSet, w.anyDoor(), w.own, &w.session)
	o.Value, o.Expects, o.Level = w.run.values.next(), w.version, check.Ring
	did, err := o.door.client.PutLocation(o.in(ctx), string(w.run.Type), w.own, location(o.Value), client.WriteOptions{IfMatch: w.version, Deadline: w.run.Patience / 2})
	o.Version, w.version = did.Version, did.Version
	w.end(o, err)
	if err != nil {
		w.move()
	}
}

func (w *worker) resolve(ctx context.Context, s *session, id string) {
	o := w.begin(check.Resolve, w.anyDoor(), id, s)
	a, err := o.door.client.Resolve(o.in(ctx), client.Query{Type: string(w.run.Type), ID: id})
	if err == nil {
		age := time.Duration(a.StalenessSeconds * float64(time.Second))
		o.Staleness, o.Degraded, o.Version = &age, a.Degraded, a.Version
		for i := range a.Locations {
			if a.Locations[i].ID == locationID {
				o.Value = valueIn([]byte(a.Locations[i].URL))
			}
		}
	}
	w.end(o, absent(err))
}

func (w *worker) get(ctx context.Context, s *session, id string) {
	o := w.begin(check.Get, w.anyDoor(), id, s)
	d, err := o.door.client.Get(o.in(ctx), string(w.run.Type), id)
	o.Value, o.Version = valueOf(d.Locations), d.Version
	w.end(o, absent(err))
}

// list asks for the own elements.
func (w *worker) list(ctx context.Context) {
	d := w.anyDoor()
	began := w.begin(check.List, d, "", nil).Began
	prefix := fmt.Sprintf("%s%d-", w.run.prefix, w.number)
	for doc, err := range d.client.List(ctx, string(w.run.Type), prefix) {
		o := w.begin(check.List, d, doc.ID, nil)
		o.Began, o.Value, o.Version = began, valueOf(doc.Locations), doc.Version
		w.end(o, err)
	}
}

// absent turns the answer that there is nothing into one.
func absent(err error) error {
	if gazetteer.KindOf(err) == gazetteer.NotFound {
		return nil
	}
	return err
}

// pending is an operation under way.
type pending struct {
	check.Op
	door    *door
	session *session
}

func (w *worker) begin(k check.Kind, d *door, id string, s *session) *pending {
	return &pending{Op: check.Op{Kind: k, Door: d.url, Client: w.number, Element: id, Began: time.Since(w.run.began)}, door: d, session: s}
}

// in is the context in which it is asked.
func (p *pending) in(ctx context.Context) context.Context {
	if p.session == nil {
		return ctx
	}
	return p.session.within(ctx)
}

// end records what became of an operation.
func (w *worker) end(p *pending, err error) *check.Op {
	p.Ended = time.Since(w.run.began)
	p.Session = p.session != nil && p.session.fresh
	p.Outcome = outcomeOf(err)
	if err != nil {
		p.Error = err.Error()
	}
	w.ops = append(w.ops, p.Op)
	return &p.Op
}

// outcomeOf tells what an error says of what was asked. Only what a server refuses for what
// it is was surely not done.
func outcomeOf(err error) check.Outcome {
	if err == nil {
		return check.Done
	}
	switch gazetteer.KindOf(err) {
	case gazetteer.Invalid, gazetteer.Unprocessable, gazetteer.NotFound, gazetteer.Conflict, gazetteer.Precondition,
		gazetteer.TooLarge, gazetteer.Full, gazetteer.Unsupported, gazetteer.Denied:
		return check.Refused
	}
	return check.Unknown
}
