package main

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain lets this binary be the rivals, as the benchmark's own does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		exitOn(roles[os.Args[1]](os.Args[2:]))
		return
	}
	os.Exit(m.Run())
}

// TestEveryFigureIsMeasured runs all benchmarks, too small and too short to mean anything:
// each row of the README's table comes out, with a figure.
func TestEveryFigureIsMeasured(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the product and starts a dozen processes")
	}
	var out strings.Builder
	o := options{records: 300, pairs: 1, round: 100 * time.Millisecond, planets: []planetSize{{2, 65.2, 512, 60}}, costs: []string{"given"}, updates: 5, crowds: []crowd{{3, 10 * time.Millisecond}}, held: 60}
	if err := run(t.Context(), o, "", &out); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		"resolve, 300 records, 64 connections, [0-9]+ bytes: CPU", "  ratio of CPU", "  requests a second",
		"redirect, 30 candidates, 64 connections: CPU", "  bare gin handler, the same redirect: CPU", "  ratio of CPU for redirects",
		"DNS, 3 regions, client subnets, 64 clients: CPU", "  ratio of CPU to bare miekg/dns", "  ratio of CPU to a bare UDP echo", "  answers a second",
		"one hop between processes, 64 connections: CPU, both ends", "one hop, one connection: latency", "  ratio of latencies",
		"import over REST, 300 records: locations a second", "  ratio of rates", "PUT of a resource, 64 connections: durable writes a second",
		"anonymous memory after the import, serving 300 records", "  restart to ready",
		"put to watchers, 3 of them: p50", "  the last of them, p50", "  CPU of the server for a delivery", "  ratio of CPU for a delivery", "anonymous memory for each of 60 watchers",
		"2 regions, costs given: start until the tree stands", "  true weight of the tree", "  5 updates, acknowledged to visible in all: p50, p99",
	} {
		m := regexp.MustCompile(`(?m)^` + row + ` +([0-9.]+)`).FindStringSubmatch(out.String())
		if m == nil {
			t.Errorf("no row %q in\n%s", row, out.String())
		} else if v, err := strconv.ParseFloat(m[1], 64); err != nil || v <= 0 {
			t.Errorf("%q is %s", row, m[1])
		}
	}
}

func TestUnknownBenchmarksAreNamed(t *testing.T) {
	if _, err := choose("resolve,hops"); err == nil || !strings.Contains(err.Error(), "resolve,redirect,dns,hop,import,memory,watch") {
		t.Error(err)
	}
}

// TestSpread: the median of an even number is between the two in the middle; ratios are
// of pairs.
func TestSpread(t *testing.T) {
	if got := spreadOf([]float64{4, 1, 3, 2}); got != (spread{2.5, 1, 4}) {
		t.Error(got)
	}
	if got := spreadOf(ratios([]float64{2, 9, 8}, []float64{1, 3})); got != (spread{2.5, 2, 3}) {
		t.Error(got)
	}
	if spreadOf(nil).String() != "0.00 (0.00 to 0.00)" || short(123.4) != "123" || short(12.34) != "12.3" {
		t.Error(spreadOf(nil), short(123.4), short(12.34))
	}
}
