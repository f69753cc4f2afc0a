package drive

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/api/client"
	"gazetteer/simulation/check"
)

// run is one run under way.
type run struct {
	Config
	prefix string // of all elements
	doors  []*door
	made   bool // the type is the run's own
	began  time.Time
	shared *board
	values counter
}

// door is an address with a client that asks only there.
type door struct {
	url    string
	client *client.Client
}

// Run asks until the duration is over or ctx ends, waits for rest, and returns what it
// recorded. It then removes what it has made, also after an error.
func Run(ctx context.Context, c Config) (h *check.History, err error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	r := &run{Config: c, prefix: fmt.Sprintf("check-%08x-", rand.Uint32()), shared: &board{}}
	if err := r.open(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.clean(context.WithoutCancel(ctx))) }()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	return r.record(ctx)
}

// record has clients and watchers at work, and then asks what is left at rest.
func (r *run) record(ctx context.Context) (*check.History, error) {
	r.began = time.Now()
	h := &check.History{}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	ws := r.watch(watching)
	r.Say(fmt.Sprintf("%d clients ask %d regions for %v", r.Clients, len(r.doors), r.Duration))
	h.Ops = r.load(ctx)
	h.Loaded = time.Since(r.began)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.Say("waiting for rest")
	err := r.settle(ctx, h, ws)
	stop()
	h.Watches = ws.end()
	return h, err
}

// load runs all clients to the end of the duration.
func (r *run) load(ctx context.Context) []check.Op {
	ctx, cancel := context.WithDeadline(ctx, r.began.Add(r.Duration))
	defer cancel()
	go func() {
		select {
		case <-r.Until:
			cancel()
		case <-ctx.Done():
		}
	}()
	pace := &pace{began: r.began, each: time.Second / time.Duration(r.Rate)}
	all := make([][]check.Op, r.Clients)
	var working sync.WaitGroup
	for i := range all {
		w := newWorker(r, i)
		working.Go(func() {
			w.work(ctx, pace)
			all[i] = w.ops
		})
	}
	working.Wait()
	return slices.Concat(all...)
}

func (r *run) open() error {
	for _, url := range r.Doors {
		k, err := r.clientOf(&carrier{base: transport()}, url)
		if err != nil {
			return err
		}
		r.doors = append(r.doors, &door{url, k})
	}
	return nil
}

// transport keeps the connections of all clients, who share it.
func transport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	return t
}

// clientOf is a client that asks once: a second try could do a write twice.
func (r *run) clientOf(c *carrier, url string) (*client.Client, error) {
	return client.New(client.Config{Addr: url, HTTP: &http.Client{Transport: c}, Retries: -1})
}

// prepare sees that every region knows the type and takes writes of it.
func (r *run) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.Settle)
	defer cancel()
	if r.Type == "" {
		r.Type, r.made = gazetteer.Type(strings.TrimSuffix(r.prefix, "-")), true
		t := client.Type{Name: string(r.Type)}
		if r.Mastered {
			t.Mode = "mastered"
		}
		if _, err := r.doors[0].client.PutType(ctx, t); err != nil {
			r.made = false
			return err
		}
	}
	for i, d := range r.doors {
		id := r.prefix + "ready-" + strconv.Itoa(i)
		err := r.until(ctx, func() error {
			_, err := d.client.PutLocation(ctx, string(r.Type), id, location(0), client.WriteOptions{})
			return err
		})
		if err != nil {
			return fmt.Errorf("%s takes no writes: %w", d.url, err)
		}
	}
	return nil
}

// again is how often it is asked for what is waited for.
const again = 200 * time.Millisecond

// until tries until it works or ctx ends; then it returns the last error.
func (r *run) until(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
			return err
		}
	}
}

// cleanWithin is how long removing may take.
const cleanWithin = time.Minute

// clean removes what the run has made.
func (r *run) clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cleanWithin)
	defer cancel()
	defer func() {
		for _, d := range r.doors {
			d.client.Close()
		}
	}()
	if err := r.until(ctx, func() error { return r.empty(ctx) }); err != nil {
		return fmt.Errorf("what the run has written is not all removed: %w", err)
	}
	if !r.made {
		return nil
	}
	return r.until(ctx, func() error {
		err := r.doors[0].client.DeleteType(ctx, string(r.Type))
		if gazetteer.KindOf(err) == gazetteer.NotFound {
			return nil
		}
		return err
	})
}

// empty removes all elements that the first region has.
func (r *run) empty(ctx context.Context) error {
	if r.Type == "" {
		return nil
	}
	k := r.doors[0].client
	var ids []string
	for d, err := range k.List(ctx, string(r.Type), r.prefix) {
		if gazetteer.KindOf(err) == gazetteer.NotFound && err != nil {
			return nil // there is no such type
		}
		if err != nil {
			return err
		}
		ids = append(ids, d.ID)
	}
	for _, id := range ids {
		if _, err := k.Delete(ctx, string(r.Type), id, client.WriteOptions{}); err != nil && gazetteer.KindOf(err) != gazetteer.NotFound {
			return err
		}
	}
	return nil
}
