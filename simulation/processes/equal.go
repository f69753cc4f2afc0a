package processes

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gazetteer"
)

// equal says which regions that run differ from one another in what they hold; nil if none
// does. What they hold is what they export.
func (r *run) equal(ctx context.Context) error {
	sums := map[[sha256.Size]byte][]string{}
	for _, g := range r.c.Scenario.Regions {
		p := r.running(g.Name)
		if p == nil {
			continue
		}
		h := sha256.New()
		for _, t := range r.allTypes() {
			if _, err := p.client.Export(ctx, string(t), "", h, nil); err != nil {
				return err
			}
		}
		sum := [sha256.Size]byte(h.Sum(nil))
		sums[sum] = append(sums[sum], string(g.Name))
	}
	if len(sums) <= 1 {
		return nil
	}
	var groups []string
	for _, names := range sums {
		groups = append(groups, strings.Join(names, ", "))
	}
	slices.Sort(groups)
	return missing("%s differ", strings.Join(groups, " and "))
}

func (r *run) allTypes() []gazetteer.Type {
	all := r.types()
	for t := range r.stocks {
		all = append(all, t)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// running returns a regional server of a region that can answer, nil if there is none.
func (r *run) running(region gazetteer.RegionID) *process {
	for _, p := range r.of(region) {
		if p.face != nil && p.runs() {
			return p
		}
	}
	return nil
}

// lost returns the resources in which, at rest, a region shows what a client knows to be
// older than what was acknowledged to it: a write is lost.
func (r *run) lost(ctx context.Context) (all []string, err error) {
	var p *process
	for _, g := range r.c.Scenario.Regions {
		if p = r.running(g.Name); p != nil {
			break
		}
	}
	if p == nil {
		return nil, missing("no region runs")
	}
	for _, t := range r.allTypes() {
		s := r.stocks[t]
		if s == nil {
			continue
		}
		held, err := r.held(ctx, p, s)
		if err != nil {
			return nil, err
		}
		all = append(all, r.lostOf(s, held)...)
	}
	return all, nil
}

// held returns the values that stand in a type's resources; a resource that is not there
// is missing.
func (r *run) held(ctx context.Context, p *process, s *stock) (map[string]*value, error) {
	held := map[string]*value{}
	var text bytes.Buffer
	if _, err := p.client.Export(ctx, string(s.typ), "", &text, nil); err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text.Bytes()) {
		var d struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(line, &d); err != nil {
			return nil, err
		}
		v, ok := valueIn(line)
		if !ok {
			return nil, fmt.Errorf("%s: %.200s holds no value that anybody has written", p.name, line)
		}
		held[d.ID] = v
	}
	return held, nil
}

func (r *run) lostOf(s *stock, held map[string]*value) (all []string) {
	for i, id := range s.ids {
		v, there := held[id]
		if !there {
			all = append(all, fmt.Sprintf("%s/%s is gone", s.typ, id))
			continue
		}
		for _, f := range r.fleets {
			if f.stock != s {
				continue
			}
			if f.book.judge(f.number, s.key(i), f.book.pages[f.number].floor(s.key(i)), v) != right {
				all = append(all, fmt.Sprintf("%s/%s holds %+v, older than what region %s has acknowledged", s.typ, id, v, f.region))
			}
		}
	}
	return all
}
