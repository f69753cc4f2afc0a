package report_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"testing"

	"gazetteer/simulation/ghs"
	"gazetteer/simulation/report"
)

// The messages of GHS on complete graphs, as they were counted, and their picture.
const (
	messagesTable   = "testdata/messages.csv"
	messagesPicture = "testdata/messages.svg"
	// countedAnew is up to how many regions every run counts again.
	countedAnew = 50
)

var completeSizes = []int{2, 3, 4, 6, 8, 12, 16, 24, 32, 50, 75, 100, 150, 200, 300, 400, 500, 650, 800, 1000}

// TestMessagesOfCompleteGraphs: of 2 to 1,000 regions, each with an edge to all others, no
// run takes more than the paper's 5 N log2 N + 2 E messages. With -update all are counted
// anew, which takes a minute.
func TestMessagesOfCompleteGraphs(t *testing.T) {
	if *update {
		writeMessages(t)
	}
	rows := readMessages(t)
	if len(rows) != len(completeSizes) {
		t.Fatalf("%s has %d sizes, want %d", messagesTable, len(rows), len(completeSizes))
	}
	took, bound := report.Curve{Name: "GHS, counted"}, report.Curve{Name: "5 N log2 N + 2 E", Faint: true}
	for i, n := range completeSizes {
		most := ghs.Bound(n, n*(n-1)/2)
		if rows[i][0] != n || rows[i][1] > most {
			t.Errorf("%d regions took %d messages, the bound is %d", rows[i][0], rows[i][1], most)
		}
		if n <= countedAnew && rows[i][1] != messagesOf(t, n) {
			t.Errorf("%d regions take %d messages today, and not %d", n, messagesOf(t, n), rows[i][1])
		}
		took.Points = append(took.Points, [2]float64{float64(n), float64(rows[i][1])})
		bound.Points = append(bound.Points, [2]float64{float64(n), float64(most)})
	}
	svg, err := report.Growth("regions", "messages", []report.Curve{took, bound})
	if err != nil {
		t.Fatal(err)
	}
	mustBeTheFile(t, messagesPicture, []byte(svg))
}

// messagesOf counts the messages of one run.
func messagesOf(t *testing.T, n int) int {
	t.Helper()
	r, err := ghs.Simulate(ghs.Complete(n, 1), ghs.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return r.Messages
}

func writeMessages(t *testing.T) {
	t.Helper()
	out := []byte("regions,messages\n")
	for _, n := range completeSizes {
		out = fmt.Appendf(out, "%d,%d\n", n, messagesOf(t, n))
	}
	if err := os.WriteFile(messagesTable, out, 0o644); err != nil {
		t.Fatal(err)
	}
}

func readMessages(t *testing.T) (out [][2]int) {
	t.Helper()
	text, err := os.ReadFile(messagesTable)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		n, bad := strconv.Atoi(row[0])
		k, worse := strconv.Atoi(row[1])
		if bad != nil || worse != nil {
			t.Fatalf("%s: %q", messagesTable, row)
		}
		out = append(out, [2]int{n, k})
	}
	return out
}

// mustBeTheFile compares what is drawn with what is kept.
func mustBeTheFile(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what is drawn today (%v); look at it and run with -update", path, err)
	}
}
