package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gazetteer/api/client"
)

// long makes the ordeals of a planet as hard as they are meant to be; without it they are
// short ones of the same kind.
var long = flag.Bool("long", false, "the ordeals of a planet in full length: some minutes each")

// planetHere is a demo without its catalogue, in this process and in memory.
type planetHere struct {
	*demo
	clients []*client.Client // of its regions, in order
}

func startPlanet(t *testing.T, world string) *planetHere {
	t.Helper()
	var out printed
	a := &app{console: console{in: strings.NewReader(""), out: &out, err: &out}}
	f := demoFlags{http: anyPort, costs: "given", regions: writeWorld(t, world)}
	d, err := a.newDemo(t.Context(), &f)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		if err := d.host.end(); err != nil || t.Failed() {
			t.Errorf("the planet ended with %v:\n%s", err, out.String())
		}
	})
	p := &planetHere{demo: d}
	for i := range d.world.regions {
		if err := d.begin(ctx, i); err != nil {
			t.Fatal(err)
		}
		p.clients = append(p.clients, clientOf(t, d.sites[i].URL))
	}
	within, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if err := d.awaitTree(within, time.Now()); err != nil {
		t.Fatal(err)
	}
	return p
}

// chain is a planet whose tree is a chain: each region is near the next.
func chain(n int) string {
	var regions, rtt []string
	for i := range n {
		regions = append(regions, fmt.Sprintf(`{"name":"r%d"}`, i))
		for j := range i {
			rtt = append(rtt, fmt.Sprintf(`["r%d","r%d",%d]`, j, i, 3*(i-j)))
		}
	}
	return fmt.Sprintf(`{"regions":[%s],"rtt_ms":[%s]}`, strings.Join(regions, ","), strings.Join(rtt, ","))
}

// figures are sums over all regions, by the names of metrics without gazetteer_ and _total.
type figures map[string]int

func (p *planetHere) figures(t *testing.T) figures {
	t.Helper()
	all := figures{}
	for _, s := range p.sites {
		for line := range strings.Lines(scrape(t, s.URL)) {
			name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
			name, _, _ = strings.Cut(name, "{")
			if v, err := strconv.ParseFloat(value, 64); ok && err == nil {
				all[strings.TrimSuffix(strings.TrimPrefix(name, "gazetteer_"), "_total")] += int(v)
			}
		}
	}
	return all
}

func scrape(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(r.Body); err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, r.Status, err)
	}
	return text.String()
}

// minus returns what came since.
func (f figures) minus(before figures) figures {
	out := figures{}
	for name, v := range f {
		out[name] = v - before[name]
	}
	return out
}

// links returns how many ends of links there are.
func (f figures) links() int { return f["peer_links"] - f["peer_unlinks"] }

// awaitRest waits until the regions are linked along their tree and by nothing else, and
// nothing moves between them any more.
func (p *planetHere) awaitRest(t *testing.T) figures {
	t.Helper()
	var now figures
	eventually(t, "the planet is at rest", func() (bool, any) {
		before := p.figures(t)
		time.Sleep(300 * time.Millisecond)
		now = p.figures(t)
		moved := now.minus(before)
		still := moved["ring_written"] == 0 && moved["peer_link_updates"] == 0 && moved["peer_links"] == 0
		return still && now.links() == 2*(len(p.sites)-1), fmt.Sprint(now.links(), " ends of links, moved ", moved["peer_link_updates"])
	})
	return now
}

// sums returns what each region holds of a type, as a digest of its export, and how many
// resources that is.
func (p *planetHere) sums(t *testing.T, typ string) (sums []uint64, lines int64) {
	t.Helper()
	for _, k := range p.clients {
		h := fnv.New64a()
		n, err := k.Export(t.Context(), typ, "", h, nil)
		if err != nil {
			t.Fatal(err)
		}
		sums, lines = append(sums, h.Sum64()), max(lines, n)
	}
	return sums, lines
}

// awaitEqual waits until all regions hold the same, of so many resources.
func (p *planetHere) awaitEqual(t *testing.T, typ string, want int64) {
	t.Helper()
	eventually(t, "all regions are equal", func() (bool, any) {
		sums, lines := p.sums(t, typ)
		return lines == want && len(slices.Compact(sums)) == 1, fmt.Sprint(lines, " resources, ", sums)
	})
}

// awaitIn waits until a region has a resource.
func awaitIn(t *testing.T, k *client.Client, typ, id string) {
	t.Helper()
	eventually(t, id+" is there", func() (bool, any) {
		_, err := k.Get(t.Context(), typ, id)
		return err == nil, err
	})
}

// makeType makes a type and has every region hold something of it.
func (p *planetHere) makeType(t *testing.T, typ string) {
	t.Helper()
	if _, err := p.clients[0].PutType(t.Context(), client.Type{Name: typ}); err != nil {
		t.Fatal(err)
	}
	for i, k := range p.clients {
		eventually(t, "the type is known everywhere", func() (bool, any) {
			_, err := k.Put(t.Context(), document(typ, fmt.Sprintf("first-%d", i)), client.WriteOptions{})
			return err == nil, err
		})
	}
	p.awaitEqual(t, typ, int64(len(p.clients)))
}

func document(typ, id string) client.Document {
	return client.Document{Type: typ, ID: id, Locations: []client.Location{{ID: "l", URL: "https://" + id + ".example/"}}}
}

// documents returns resources that are named alike.
func documents(typ, prefix string, n int) iter.Seq2[client.Document, error] {
	return func(yield func(client.Document, error) bool) {
		for i := range n {
			if !yield(document(typ, fmt.Sprintf("%s-%06d", prefix, i)), nil) {
				return
			}
		}
	}
}
