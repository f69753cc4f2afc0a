package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/api/client"
	"gazetteer/cmd/gazetteer/sample"
)

// demo is a planet on this machine. It speaks with its regions as operators and clients
// do, wherever they run.
type demo struct {
	app   *app
	world *world
	host  host
	data  string     // "": in memory
	names *demoFlags // say where DNS answers
	sites []site     // as far as they run, in the order of the world; the first answers at --http
	shown string     // the epoch of the tree that was printed
}

// host runs the regions of a demo, by their number in its world. They share nothing:
// between them every message is encoded and passes a network that delays it.
type host interface {
	// begin starts a region that runs until ctx ends, and returns how it is reached. The
	// first one is there when begin returns.
	begin(ctx context.Context, i int, s start) (site, error)
	// failed has the reason when a region ends that nobody has asked to.
	failed() <-chan error
	// end waits until all regions have ended, as they do when ctx ends.
	end() error
}

// start says how a region begins. The first one founds the planet and joins nobody.
type start struct {
	Contact string `json:"contact,omitempty"`
	Token   string `json:"token,omitempty"` // none if it has joined before
	Data    string `json:"data,omitempty"`  // "": in memory
}

// site is where a region is reached: its peer port, its REST face.
type site struct {
	Peer    string `json:"peer"`
	URL     string `json:"url"`
	Process int    `json:"process,omitempty"` // its id, if it has one of its own
}

func (s site) client() (*client.Client, error) { return client.New(client.Config{Addr: s.URL}) }

func (d *demo) url() string { return d.sites[0].URL }

// run founds the first region and lets the others join it, then shows the planet around.
// The first part that fails ends all of them.
func (d *demo) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case err := <-d.host.failed():
			cancel(failure{err})
		case <-ctx.Done():
		}
	}()
	if err := d.show(ctx); err != nil && ctx.Err() == nil {
		cancel(failure{err})
	}
	<-ctx.Done()
	return errors.Join(failureOf(ctx), d.host.end())
}

func (d *demo) show(ctx context.Context) error {
	began := time.Now()
	for i := range d.world.regions {
		if err := d.begin(ctx, i); err != nil {
			return err
		}
	}
	if err := d.awaitTree(ctx, began); err != nil {
		return err
	}
	return d.showAround(ctx)
}

// begin starts one region.
func (d *demo) begin(ctx context.Context, i int) (err error) {
	var s start
	if i > 0 {
		s.Contact = d.sites[0].Peer
		if s.Token, err = d.admit(ctx, d.world.regions[i].name); err != nil {
			return err
		}
	}
	if d.data != "" {
		s.Data = filepath.Join(d.data, string(d.world.regions[i].name))
	}
	at, err := d.host.begin(ctx, i, s)
	d.sites = append(d.sites, at)
	return err
}

// admit gets the token by which a region joins, none if it has joined at an earlier start.
func (d *demo) admit(ctx context.Context, r gazetteer.RegionID) (string, error) {
	k, err := d.sites[0].client()
	if err != nil {
		return "", err
	}
	t, err := k.AdmitRegion(ctx, string(r))
	if gazetteer.KindOf(err) == gazetteer.Conflict {
		return "", nil
	}
	return t.Token, err
}

// awaitTree waits until all regions have one tree.
func (d *demo) awaitTree(ctx context.Context, began time.Time) error {
	n := len(d.sites)
	if n == 1 {
		return nil
	}
	k, err := d.sites[0].client()
	if err != nil {
		return err
	}
	fmt.Fprintf(d.app.out, "%d regions find their tree ...\n", n)
	for {
		t, err := k.Topology(ctx)
		if err == nil && t.Running == "" && t.Epoch != "" && len(treeOf(&t)) == n-1 {
			d.shown = t.Epoch
			d.shown = t.Epoch
			return d.printTree(&t, time.Since(began))
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// tellChange says so if another tree has replaced the one that was printed: on a busy
// machine two regions may not agree in time on what the edge between them costs, and the
// first tree has to do without it.
func (d *demo) tellChange(ctx context.Context) error {
	if d.shown == "" {
		return nil
	}
	k, err := d.sites[0].client()
	if err != nil {
		return err
	}
	t, err := k.Topology(ctx)
	switch {
	case err != nil:
		return err
	case t.Due != "":
		fmt.Fprintf(d.app.out, "Another tree is due (%s): gazetteer topology shows it when it stands.\n", t.Due)
	case t.Epoch != d.shown:
		fmt.Fprintf(d.app.out, "By now epoch %s stands, a tree of %.3f ms.\n", t.Epoch, t.WeightMS)
	}
	return nil
}

// treeOf returns the edges of the tree.
func treeOf(t *client.Topology) []client.Edge {
	return slices.DeleteFunc(slices.Clone(t.Edges), func(e client.Edge) bool { return !e.Tree })
}

func (d *demo) printTree(t *client.Topology, took time.Duration) error {
	fmt.Fprintf(d.app.out, "Epoch %s: a minimum spanning tree of %.3f ms after %v, built with %d messages:\n",
		t.Epoch, t.WeightMS, took.Round(10*time.Millisecond), t.Messages)
	var rows [][]string
	for _, e := range treeOf(t) {
		rows = append(rows, []string{e.A, e.B, fmt.Sprintf("%.1f ms", e.CostMS)})
	}
	return grid(d.app.out, []string{"REGION", "REGION", "ROUND TRIP"}, rows)
}

// load imports the catalogue at the first region, unless an earlier demo did so to its
// end, and waits until all regions have it.
func (d *demo) load(ctx context.Context) error {
	k, err := d.sites[0].client()
	if err != nil {
		return err
	}
	if err := d.app.loadSample(ctx, k); err != nil {
		return err
	}
	start := time.Now()
	for _, s := range d.sites[1:] {
		if err := awaitSample(ctx, s); err != nil {
			return err
		}
	}
	if len(d.sites) > 1 {
		fmt.Fprintf(d.app.out, "All %d regions have it, %v later.\n", len(d.sites), time.Since(start).Round(time.Millisecond))
	}
	return nil
}

func awaitSample(ctx context.Context, s site) error {
	k, err := s.client()
	if err != nil {
		return err
	}
	for {
		if _, err := k.Get(ctx, sample.LastType, sample.LastID); err == nil {
			return nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// pause waits, or says why there is nothing to wait for any more.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
