package dns

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/geo"
)

// explainMax is how many candidates an explanation tells of.
const explainMax = 50

// mayExplain reports whether a peer is allowed to ask why.
func (s *Server) mayExplain(peer netip.Addr) bool {
	return slices.ContainsFunc(s.Explainers, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// explanation says why the client gets the answer that it gets, one TXT record a line. It is
// made anew each time, and may not be kept.
func (f *finder) explanation(ctx context.Context) reply {
	r := reply{private: true, depends: onNetwork}
	if f.qtype != dns.TypeTXT {
		r.authority = f.zone.negative()
		return r
	}
	lines := []string{f.explainClient()}
	var more []string
	var err error
	if f.typ != "" && f.id != "" {
		more, err = f.explainResource(ctx)
	} else {
		more = f.explainRegions()
	}
	if err != nil {
		return f.failed(err)
	}
	for i, line := range append(lines, more...) {
		r.answer = append(r.answer, f.zone.text(f.owner, 0, fmt.Sprintf("line=%d", i+1), cut(line)))
	}
	return r
}

func cut(line string) string { return line[:min(len(line), stringMax)] }

func (f *finder) explainClient() string {
	p := f.place
	where := "nowhere"
	if p.Located {
		where = fmt.Sprintf("%.4f,%.4f", p.Point.Lat, p.Point.Lon)
	}
	return fmt.Sprintf("client %s at %s %s by %s, network %s", f.client, where, p.Country, p.Method, p.Network)
}

func (f *finder) explainRegions() (lines []string) {
	for i, r := range f.ordered() {
		distance := "distance unknown"
		if f.place.Located && r.located {
			distance = fmt.Sprintf("%.0f km", geo.DistanceKM(f.place.Point, r.point))
		}
		state := "up"
		if !r.up {
			state = "left out: " + r.why
		}
		if len(r.servers) == 0 {
			state = "left out: no regional server is known"
		}
		lines = append(lines, fmt.Sprintf("region %d %s %s %s", i+1, r.name, distance, state))
	}
	return lines
}

func (f *finder) explainResource(ctx context.Context) (lines []string, err error) {
	q := region.Query{
		Key: gazetteer.Key{Type: f.typ, ID: f.id}, Client: geo.Client{Addr: f.client}, Region: f.region,
		Limit: locationsMax, Explain: true,
	}
	a := new(region.Answer)
	if err := f.Regional.Resolve(ctx, &q, a); err != nil {
		return nil, err
	}
	lines = append(lines, fmt.Sprintf("record %s version %x from region %s node %s, at most %v old", a.Key, uint64(a.Version), a.Region, a.Node, a.Staleness.Round(time.Millisecond)))
	for i := range a.Candidates {
		c := &a.Candidates[i]
		lines = append(lines, fmt.Sprintf("rank %d %s score %.1f km %.0f weight %g draw %.3f", i+1, c.Location.ID, c.Score, c.Terms.KM, c.Terms.Weight, c.Terms.Draw))
	}
	for i := range a.Excluded[:min(len(a.Excluded), explainMax)] {
		lines = append(lines, fmt.Sprintf("left out %s: %s", a.Excluded[i].Location.ID, a.Excluded[i].Excluded))
	}
	return lines, nil
}
