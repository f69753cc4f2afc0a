package processes

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

const (
	// mostCallers is how many requests of one fleet are under way at once; more wait, and
	// their wait counts. With so few a planet that is too slow for its load answers late,
	// but answers: none of them stands in a queue there for longer than a client waits.
	mostCallers = 64
	// backlog is how many wait. What comes beyond it has failed.
	backlog = 1 << 16
)

// fleet is the test clients of one entry of the scenario.
type fleet struct {
	number int // its page of the book
	region gazetteer.RegionID
	strict bool // the region is one process: what is stale there is wrong
	reads  float64
	stock  *stock
	doors  *doors
	book   *book
	dice   *rand.Rand
	began  time.Time

	queue   chan ask
	callers int
	idle    atomic.Int64
	working sync.WaitGroup

	mu     sync.Mutex // guards all below
	counts result.Counts
	stale  int64
	wrongs []string        // the first of them
	took   []time.Duration // of requests that were answered, from when they were due
	fresh  int             // so many of these the collector has not seen
}

// ask is one request.
type ask struct {
	due      time.Time
	resource int
	write    bool
}

func (r *run) newFleet(i int, c *scenario.Clients) *fleet {
	f := newFleet(i, c, r.c.Scenario.Seed, r.stocks[c.Type], r.doorsOf(c.Region), r.book)
	f.strict = len(r.of(c.Region)) == 1
	return f
}

// newFleet returns clients that have a page of the book.
func newFleet(page int, c *scenario.Clients, seed uint64, s *stock, d *doors, b *book) *fleet {
	return &fleet{
		number: page, region: c.Region, reads: c.Reads, stock: s, doors: d, book: b,
		dice: rand.New(rand.NewPCG(seed, uint64(page)+2)), queue: make(chan ask, backlog),
		counts: result.Counts{Errors: map[string]int64{}},
	}
}

// drive begins requests as they are due until the load ends, and waits for their answers.
func (f *fleet) drive(ctx context.Context, began time.Time, a *arrivals) {
	f.began = began
	for {
		at, ok := a.next()
		if !ok || !sleepUntil(ctx, began.Add(at)) {
			break
		}
		f.begin(ask{began.Add(at), f.stock.pick(f.dice), f.dice.Float64() >= f.reads})
	}
	close(f.queue)
	f.working.Wait()
}

// sleepUntil reports whether the time has come before ctx ended.
func sleepUntil(ctx context.Context, t time.Time) bool {
	d := time.Until(t)
	if d <= 0 {
		return ctx.Err() == nil
	}
	wake := time.NewTimer(d)
	defer wake.Stop()
	select {
	case <-wake.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (f *fleet) begin(a ask) {
	f.count(a)
	if f.idle.Load() <= int64(len(f.queue)) && f.callers < mostCallers {
		f.callers++
		f.working.Go(f.work)
	}
	select {
	case f.queue <- a:
	default:
		f.fail("overload")
	}
}

func (f *fleet) count(a ask) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a.write {
		f.counts.Writes++
	} else {
		f.counts.Reads++
	}
}

func (f *fleet) fail(kind string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts.Errors[kind]++
}

// work is one client.
func (f *fleet) work() {
	c := newCaller(f.doors)
	defer c.close()
	var request []byte
	for {
		f.idle.Add(1)
		a, ok := <-f.queue
		f.idle.Add(-1)
		if !ok {
			return
		}
		if a.write {
			request = f.write(c, a, request[:0])
		} else {
			request = f.read(c, a, request[:0])
		}
	}
}

func (f *fleet) read(c *caller, a ask, request []byte) []byte {
	floor := f.book.pages[f.number].floor(f.stock.key(a.resource))
	request = appendRead(request, f.stock, a.resource)
	got, err := c.ask(request, reading)
	switch {
	case err == nil && got.status == 200:
		f.answered(a, f.judge(a, floor, got), got.body)
	case err == nil && got.status == 404:
		f.answered(a, wrong, got.body) // nothing is ever removed
	default:
		f.fail(failureOf(got, err))
	}
	return request
}

func (f *fleet) judge(a ask, floor int, got answer) verdict {
	s, ok := readAnswer(got.body, f.stock, a.resource)
	if !ok {
		return wrong
	}
	if got.at.region != f.region { // a region does not know what another has acknowledged
		if s.value != nil && !f.book.wasWritten(f.stock.key(a.resource), *s.value) {
			return wrong
		}
		return right
	}
	if s.value == nil && !s.whole {
		return right
	}
	v := f.book.judge(f.number, f.stock.key(a.resource), floor, s.value)
	if v == stale && f.strict {
		return wrong
	}
	return v
}

func (f *fleet) write(c *caller, a ask, request []byte) []byte {
	p := f.book.pages[f.number]
	n := p.begin(f.stock.key(a.resource))
	request = appendWrite(request, string(f.stock.typ), f.stock.paths[a.resource], value{f.number, n})
	got, err := c.ask(request, writing)
	if got.sent > 1 {
		p.repeat(n)
	}
	switch {
	case err == nil && (got.status == 200 || got.status == 201):
		if got.at.region == f.region {
			p.acknowledge(f.number, n)
		}
		f.answered(a, right, nil)
	case err == nil && got.status == 202:
		f.fail("below_ack")
	default:
		f.fail(failureOf(got, err))
	}
	return request
}

// answered counts a request that was answered, and how long it took since it was due.
func (f *fleet) answered(a ask, v verdict, body []byte) {
	took := time.Since(a.due)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.took = append(f.took, took)
	switch v {
	case stale:
		f.stale++
	case wrong:
		f.counts.Wrong++
		if len(f.wrongs) < 3 {
			f.wrongs = append(f.wrongs, string(f.stock.ids[a.resource])+": "+string(body[:min(len(body), 500)]))
		}
	}
}
