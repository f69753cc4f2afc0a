package processes

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"sort"
	"strconv"

	"gazetteer"
	"gazetteer/api/client"
	"gazetteer/simulation/scenario"
)

// stock is what stands in the planet when the load begins, of one type.
type stock struct {
	typ    gazetteer.Type
	base   int // of the numbers by which the book knows its resources
	ids    []string
	paths  []string  // of the ids, as they stand in a request
	limit  int       // locations that an answer has to have room for
	weight []float64 // sums of how often the first so many are asked for; nil: all as often
}

func (s *stock) add(id string, locations int) {
	s.ids = append(s.ids, id)
	s.paths = append(s.paths, url.PathEscape(id))
	s.limit = min(max(s.limit, locations+1), mostLocations) // and the one that clients write
}

// mostLocations is how many a client wants at most.
const mostLocations = 100

// weigh lets the nth be asked for with a probability that falls as 1/n^s.
func (s *stock) weigh(zipf float64) {
	sum := 0.0
	for n := range s.ids {
		sum += math.Pow(float64(n+1), -zipf)
		s.weight = append(s.weight, sum)
	}
}

// key is the number by which the book knows a resource.
func (s *stock) key(resource int) int { return s.base + resource }

// pick draws a resource.
func (s *stock) pick(r *rand.Rand) int {
	if s.weight == nil {
		return r.IntN(len(s.ids))
	}
	x := r.Float64() * s.weight[len(s.weight)-1]
	return min(sort.SearchFloat64s(s.weight, x), len(s.ids)-1)
}

// stocks are what stands in the planet, by type.
type stocks map[gazetteer.Type]*stock

func (all stocks) of(t gazetteer.Type) *stock {
	s := all[t]
	if s == nil {
		s = &stock{typ: t}
		all[t] = s
	}
	return s
}

// number gives every resource of all types the number by which the book knows it.
func (all stocks) number() {
	base := 0
	for _, t := range slices.Sorted(maps.Keys(all)) {
		all[t].base = base
		base += len(all[t].ids)
	}
}

// publisher makes a scenario's catalogue, and puts it into the planet by a server.
type publisher struct {
	scenario *scenario.Scenario
	bundled  func() (io.ReadCloser, error)
	to       *client.Client // nil: nothing is published, what would be is only known
	stocks   stocks
}

// Publish puts the types and the catalogue of a scenario into a planet, by one of its
// regional servers. Bundled opens the bundled catalogue, as NDJSON.
func Publish(ctx context.Context, to *client.Client, s *scenario.Scenario, bundled func() (io.ReadCloser, error)) error {
	p := publisher{s, bundled, to, stocks{}}
	return p.load(ctx)
}

// stocksOf is what [Publish] puts into a planet.
func stocksOf(ctx context.Context, s *scenario.Scenario, bundled func() (io.ReadCloser, error)) (stocks, error) {
	p := publisher{s, bundled, nil, stocks{}}
	err := p.load(ctx)
	p.stocks.number()
	return p.stocks, err
}

// load publishes the catalogue in the first region.
func (r *run) load(ctx context.Context) error {
	p := publisher{r.c.Scenario, r.c.Bundled, r.processes[0].client, r.stocks}
	if err := p.load(ctx); err != nil {
		return err
	}
	return r.loadProbes(ctx)
}

func (p *publisher) load(ctx context.Context) error {
	for _, t := range typesOf(p.scenario) {
		if err := p.putType(ctx, t); err != nil {
			return err
		}
	}
	c := p.scenario.Catalogue
	if c.Bundled {
		if p.bundled == nil {
			return &gazetteer.Error{Op: "processes.Publish", Kind: gazetteer.Invalid, Detail: "there is no bundled catalogue here"}
		}
		in, err := p.bundled()
		if err == nil {
			err = errors.Join(p.loadLines(ctx, in), in.Close())
		}
		if err != nil {
			return err
		}
	}
	if c.File != "" {
		if err := p.loadFile(ctx, c.File); err != nil {
			return err
		}
	}
	for i := range c.Synthetic {
		if err := p.make(ctx, &c.Synthetic[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *publisher) putType(ctx context.Context, t gazetteer.Type) error {
	if p.to == nil {
		return nil
	}
	_, err := p.to.PutType(ctx, client.Type{Name: string(t)})
	return err
}

func (p *publisher) loadFile(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return &gazetteer.Error{Op: "processes.Publish", Kind: gazetteer.Invalid, Pointer: "/catalogue/file", Err: err}
	}
	defer f.Close()
	return p.loadLines(ctx, f)
}

// loadProbes publishes what propagation is measured with.
func (r *run) loadProbes(ctx context.Context) error {
	for _, g := range r.c.Scenario.Regions {
		d := client.Document{Type: string(probeType), ID: probeOf(g.Name), Locations: []client.Location{{ID: "l", URL: "https://example.net/"}}}
		if _, err := r.processes[0].client.Put(ctx, d, client.WriteOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// types are those of the run.
func (r *run) types() []gazetteer.Type { return typesOf(r.c.Scenario) }

// typesOf are those that a scenario names, and the one that propagation is measured with.
func typesOf(s *scenario.Scenario) []gazetteer.Type {
	all := []gazetteer.Type{probeType}
	for _, t := range s.Types {
		all = append(all, t.Name)
	}
	for _, c := range s.Catalogue.Synthetic {
		all = append(all, c.Type)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// loadLines imports resource documents, one a line, of any types.
func (p *publisher) loadLines(ctx context.Context, in io.Reader) error {
	byType := map[gazetteer.Type]*bytes.Buffer{}
	lines := bufio.NewReaderSize(in, 64<<10)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var d struct {
				Type      gazetteer.Type    `json:"type"`
				ID        string            `json:"id"`
				Locations []json.RawMessage `json:"locations"`
			}
			if err := json.Unmarshal(line, &d); err != nil {
				return &gazetteer.Error{Op: "processes.Publish", Kind: gazetteer.Invalid, Pointer: "/catalogue", Err: err, Detail: fmt.Sprintf("line %d is no resource document", n)}
			}
			p.stocks.of(d.Type).add(d.ID, len(d.Locations))
			if byType[d.Type] == nil {
				byType[d.Type] = &bytes.Buffer{}
			}
			byType[d.Type].Write(append(bytes.TrimSpace(line), '\n'))
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if p.to == nil {
		return nil
	}
	for t, text := range byType {
		if err := p.putType(ctx, t); err != nil {
			return err
		}
		if _, err := p.to.Import(ctx, string(t), text, client.ImportOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// make publishes a catalogue that is made up. The same seed makes the same.
func (p *publisher) make(ctx context.Context, s *scenario.Synthetic) error {
	k := p.stocks.of(s.Type)
	for n := range s.IDs {
		k.add("r"+strconv.Itoa(n), s.Locations)
	}
	k.weigh(s.Zipf)
	if p.to == nil {
		return nil
	}
	_, err := p.to.ImportDocuments(ctx, string(s.Type), documents(k, s.Locations, p.scenario.Seed), client.ImportOptions{})
	return err
}

func documents(s *stock, locations int, seed uint64) iter.Seq2[client.Document, error] {
	return func(yield func(client.Document, error) bool) {
		dice := rand.New(rand.NewPCG(seed, 1))
		for _, id := range s.ids {
			d := client.Document{Type: string(s.typ), ID: id, Locations: []client.Location{}}
			for l := range locations {
				lat, lon := dice.Float64()*160-80, dice.Float64()*360-180
				d.Locations = append(d.Locations, client.Location{ID: "l" + strconv.Itoa(l), URL: fmt.Sprintf("https://l%d.example.net/%s", l, id), Lat: &lat, Lon: &lon})
			}
			if !yield(d, nil) {
				return
			}
		}
	}
}
