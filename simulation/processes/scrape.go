package processes

import (
	"bufio"
	"context"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"gazetteer"
)

// figures are counters of a server by name; those of a route have the name of the route.
type figures map[string]float64

// routeNames are how the servers call the routes that generators use.
var routeNames = [routes]string{
	reading: "GET /v1/resolve/:type/:id",
	writing: "PUT /v1/types/:type/resources/:id/locations/:location",
	looking: "GET /v1/types/:type/resources/:id/locations/:location",
}

const (
	requestsTotal = "gazetteer_http_requests_total"
	writtenTotal  = "gazetteer_ring_written_total"
	appliedTotal  = "gazetteer_ring_apply_total"
	crossedTotal  = "gazetteer_peer_link_updates_total"
	cpuTotal      = "process_cpu_seconds_total"
)

// kept are the other counters that a run asks for; values of different labels are summed.
var kept = map[string]string{
	writtenTotal: "", appliedTotal: "", crossedTotal: "", cpuTotal: "",
	"gazetteer_ring_duplicates_total":        "duplicate",
	"gazetteer_ring_gaps_total":              "gap",
	"gazetteer_ring_scans_total":             "scan",
	"gazetteer_ring_conflicts_total":         "conflict",
	"gazetteer_peer_link_bytes_total":        "link_bytes",
	"gazetteer_peer_link_update_bytes_total": "update_bytes",
	"gazetteer_peer_requests_total":          "request",
}

// seen is what the metrics of a seat said last, over all its processes.
type seen struct {
	mu   sync.Mutex // guards all below
	past figures    // of earlier processes, as far as they were asked
	now  figures
	each []figures // of earlier processes, one by one
}

// begin says that the next figures are those of a new process.
func (s *seen) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.past == nil {
		s.past = figures{}
	}
	for k, v := range s.now {
		s.past[k] += v
	}
	s.each = append(s.each, s.now)
	s.now = nil
}

func (s *seen) set(f figures) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = f
}

func (s *seen) total() figures {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := maps.Clone(s.past)
	for k, v := range s.now {
		all[k] += v
	}
	return all
}

// scrape asks a server for its metrics. What is not answered changes nothing.
func (r *run) scrape(ctx context.Context, f *face) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.addr+"/metrics", nil)
	if err != nil {
		return err
	}
	a, err := r.http.Do(q)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return &gazetteer.Error{Op: "processes.scrape", Kind: gazetteer.Unavailable, Detail: "the metrics of " + f.node + ": " + a.Status}
	}
	all, err := readFigures(a.Body)
	if err == nil {
		f.seen.set(all)
	}
	return err
}

func readFigures(in io.Reader) (figures, error) {
	all := figures{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		name, labels, v, ok := figure(lines.Text())
		if !ok {
			continue
		}
		if name == requestsTotal {
			all[label(labels, "method")+" "+label(labels, "route")] += v
		} else if _, wanted := kept[name]; wanted {
			all[name] += v
		}
	}
	return all, lines.Err()
}

// figure takes a line of Prometheus' text format apart.
func figure(line string) (name, labels string, v float64, ok bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 || line[0] == '#' {
		return "", "", 0, false
	}
	v, err := strconv.ParseFloat(line[i+1:], 64)
	name, labels, _ = strings.Cut(line[:i], "{")
	return name, labels, v, err == nil
}

func label(labels, key string) string {
	_, rest, _ := strings.Cut(labels, key+`="`)
	v, _, _ := strings.Cut(rest, `"`)
	return v
}
