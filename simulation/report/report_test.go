package report_test

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gazetteer"
	"gazetteer/simulation/aws"
	"gazetteer/simulation/report"
	"gazetteer/simulation/result"
)

// keep is for looking at what the tests draw.
var keep = flag.String("keep", "", "folder in which reports of made-up runs are left")

func out(t *testing.T, name string) string {
	if *keep != "" {
		return filepath.Join(*keep, name)
	}
	return filepath.Join(t.TempDir(), name)
}

// draw writes a report of folders and returns its page.
func draw(t *testing.T, name string, dirs ...string) (dir, page string) {
	t.Helper()
	runs, err := report.Load(dirs)
	if err != nil {
		t.Fatal(err)
	}
	dir = out(t, name)
	path, err := report.Write(dir, runs)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return dir, string(text)
}

func TestOneRun(t *testing.T) {
	m, folder := known(t, aws.Seven()), t.TempDir()
	r := m.write(t, folder)
	dir, page := draw(t, "one", folder)
	for _, want := range []string{r.Scenario, r.About, r.Replay, r.Commit, "max_p99", "us-east-1 is gone", "requests a second", "Servers in service"} {
		if !strings.Contains(strings.ToLower(page), strings.ToLower(want)) {
			t.Errorf("the page says nothing of %q", want)
		}
	}
	for _, file := range []string{"map", "heat", "stretch", "messages", "convergence", "client-requests", "client-p99", "client-errors", "replica-p50", "regional-servers", "regional-cpu"} {
		wellFormed(t, filepath.Join(dir, "run-1-"+file+".svg"))
	}
}

// TestTotals: what the page, the CSV and the JSON call the totals is what the generators
// counted, to the last request.
func TestTotals(t *testing.T) {
	m, folder := known(t, aws.Seven()), t.TempDir()
	r := m.write(t, folder)
	dir, page := draw(t, "totals", folder)
	g := r.Generators
	rows := readCSV(t, filepath.Join(dir, "run-1-totals.csv"))
	for what, want := range map[string]int64{
		"reads": g.Reads, "writes": g.Writes, "requests": g.Reads + g.Writes,
		"errors: unavailable": g.Errors["unavailable"], "errors: deadline exceeded": g.Errors["deadline exceeded"],
		"errors": g.Errors["unavailable"] + g.Errors["deadline exceeded"], "wrong answers": g.Wrong,
	} {
		n := fmt.Sprint(want)
		if got := rows[what]; len(got) != 4 || got[1] != n || got[2] != n || got[3] != "0" {
			t.Errorf("totals of %s: %v, want %d twice and no difference", what, got, want)
		}
		if !strings.Contains(page, ">"+n+"<") {
			t.Errorf("the page has no cell %s for %s", n, what)
		}
	}
	var doc struct {
		Runs []struct {
			Summary report.Summary
			Totals  []report.Totals
			Run     result.Run
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, report.JSONFile))
	if err := errors.Join(err, json.Unmarshal(text, &doc)); err != nil {
		t.Fatal(err)
	}
	client := doc.Runs[0].Totals[0]
	if s := doc.Runs[0].Summary; s.Requests != g.Reads+g.Writes || client.Reads != g.Reads || client.Writes != g.Writes || client.Tier != result.TierClient {
		t.Errorf("JSON has %+v and %+v, want %+v", s, client, g)
	}
}

// A difference between the generators and the rows is shown, and not smoothed over.
func TestDifferenceOfTotalsIsShown(t *testing.T) {
	m, folder := known(t, aws.Seven()), t.TempDir()
	r := m.run(t)
	r.Generators.Reads += 13
	finish(t, folder, r)
	dir, _ := draw(t, "off", folder)
	if got := readCSV(t, filepath.Join(dir, "run-1-totals.csv"))["reads"]; got[3] != "-13" {
		t.Errorf("the difference reads %v, want -13", got)
	}
}

func TestSideBySide(t *testing.T) {
	var folders []string
	for i, mode := range []result.Mode{result.Virtual, result.Processes, result.EC2} {
		m := known(t, aws.Seven())
		m.mode, m.slower, m.seed = mode, 1+0.08*float64(i), uint64(i+1)
		folders = append(folders, t.TempDir())
		m.write(t, folders[i])
	}
	dir, page := draw(t, "side", folders...)
	rows := readCSV(t, filepath.Join(dir, "differences.csv"))
	if got := rows["propagation p50, worst pair (ms)"]; len(got) != 6 || !strings.HasPrefix(got[3], "+") {
		t.Errorf("processes are slower, and the table says %v", got)
	}
	if got := rows["tree weight"]; got == nil && rows["weight of the last tree (ms)"][3] != "=" {
		t.Errorf("trees are equal, and the table says %v", rows["weight of the last tree (ms)"])
	}
	for _, want := range []string{"slow_disk is left out", ">virtual<", ">processes<", ">ec2<"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, file := range []string{"propagation", "requests", "p99", "lag"} {
		wellFormed(t, filepath.Join(dir, "compare-"+file+".svg"))
	}
}

// Equal scenarios and modes: only the folders tell the runs apart.
func TestRunsAreToldApart(t *testing.T) {
	parent := t.TempDir()
	var folders []string
	for _, name := range []string{"mst", "star", "x/mst"} {
		folders = append(folders, filepath.Join(parent, name))
		finish(t, folders[len(folders)-1], result.Run{Scenario: "shapes", Mode: result.Virtual})
	}
	runs, err := report.Load(folders[:2])
	if err != nil || runs[0].Label != "mst" || runs[1].Label != "star" {
		t.Errorf("%v: labels %q, %q; want the names of the folders", err, runs[0].Label, runs[1].Label)
	}
	runs, err = report.Load(folders)
	if err != nil || runs[0].Label == runs[2].Label {
		t.Errorf("%v: two runs are called %q", err, runs[0].Label)
	}
}

func TestLittleAndMuch(t *testing.T) {
	whole := known(t, nil)
	many := scattered(100)
	unfinished := known(t, aws.Seven())
	for name, write := range map[string]func(folder string){
		"nothing at all": func(f string) { finish(t, f, result.Run{}) },
		"no traffic": func(f string) {
			r := unfinished.run(t)
			r.Traffic, r.Generators, r.Propagation, r.Convergence, r.Messages = nil, result.Counts{}, nil, nil, result.Messages{}
			finish(t, f, r)
		},
		"unfinished": func(f string) {
			if _, err := result.Create(f, unfinished.run(t)); err != nil {
				t.Fatal(err)
			}
		},
		"one region": func(f string) {
			finish(t, f, result.Run{Regions: []result.Region{{Name: "a", Lat: 91, Lon: -500}}, Edges: []result.Edge{{A: "a", B: "gone", Tree: true}}})
		},
		"32 regions":  func(f string) { whole.write(t, f) },
		"100 regions": func(f string) { many.write(t, f) },
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			write(folder)
			dir, page := draw(t, name, folder)
			if name == "unfinished" && !strings.Contains(page, "This run did not finish") {
				t.Error("the page does not say that the run did not finish")
			}
			if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") {
				t.Error("the page has figures that are none")
			}
			if len(page) > 4<<20 {
				t.Errorf("the page has %d bytes", len(page))
			}
			pictures, _ := filepath.Glob(filepath.Join(dir, "*.svg"))
			for _, p := range pictures {
				wellFormed(t, p)
			}
		})
	}
}

// TestNothingFromOutside: the page asks for nothing that is not in it.
func TestNothingFromOutside(t *testing.T) {
	m, folder := known(t, aws.Seven()), t.TempDir()
	m.write(t, folder)
	_, page := draw(t, "inside", folder)
	page = strings.ReplaceAll(page, `xmlns="http://www.w3.org/2000/svg"`, "")
	page = strings.ReplaceAll(page, `xmlns:xlink="http://www.w3.org/1999/xlink"`, "")
	if found := regexp.MustCompile(`(?i)(https?:)?//[a-z]|<link|src=|@import|url\([^#]`).FindString(page); found != "" {
		t.Errorf("the page has %q", found)
	}
}

// TestHostileNames: whatever a file's strings look like, they are text on the page and in
// the pictures.
func TestHostileNames(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>&'`
	two := []gazetteer.RegionID{evil + "a", evil + "b"}
	r := result.Run{
		Scenario: evil, About: evil, Mode: evil, Commit: evil, Replay: evil, Unfinished: evil, Unlike: []string{evil},
		Regions:     []result.Region{{Name: two[0], State: evil}, {Name: two[1], Lat: 9, Lon: 9, State: evil}},
		Edges:       []result.Edge{{A: two[0], B: two[1], Tree: true}},
		Trees:       []result.Tree{{Epoch: evil, Why: evil}},
		Propagation: []result.Propagation{{From: two[0], To: two[1], Updates: 1, P50MS: 1, DirectMS: 1, PathMS: 1}},
		Convergence: []result.Lag{{Region: two[0], Updates: 1}},
		Traffic:     []result.Traffic{{Region: two[0], Tier: evil, Counts: result.Counts{Errors: map[string]int64{evil: 1}}}},
		Messages:    result.Messages{Updates: 1, ByKind: map[string]int64{evil: 1}},
		Generators:  result.Counts{Errors: map[string]int64{evil: 1}},
		Happenings:  []result.Happening{{Kind: evil, Region: two[0], Node: evil, Detail: evil}},
		Checks:      []result.Check{{Name: evil, Detail: evil}},
	}
	folder := t.TempDir()
	finish(t, folder, r)
	dir, page := draw(t, "hostile", folder)
	if n := strings.Count(page, "<script"); n != 1 {
		t.Errorf("the page has %d scripts, want its own alone", n)
	}
	if strings.Contains(page, "<img") {
		t.Error("the page has an element that a name brought in")
	}
	pictures, _ := filepath.Glob(filepath.Join(dir, "*.svg"))
	for _, p := range pictures {
		wellFormed(t, p)
		if text, _ := os.ReadFile(p); strings.Contains(string(text), "<script") {
			t.Errorf("%s has a script", p)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	broken, other, rows := t.TempDir(), t.TempDir(), t.TempDir()
	put(t, filepath.Join(broken, result.RunFile), "{\n\"version\": 1,\n\"seed\": x}")
	put(t, filepath.Join(other, result.RunFile), `{"version": 2}`)
	put(t, filepath.Join(rows, result.RunFile), `{"version": 1}`)
	put(t, filepath.Join(rows, result.SeriesFile), "time_s,region\n1,a\n")
	for dir, want := range map[string]string{
		filepath.Join(broken, "none"): "no such folder",
		t.TempDir():                   result.RunFile,
		broken:                        "line 3",
		other:                         "version is 2",
		rows:                          result.SeriesFile,
	} {
		_, err := report.Load([]string{dir})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("error %v, want %q and the folder", err, want)
		}
	}
}

func TestWriteWhereNothingCanBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	put(t, file, "")
	if _, err := report.Write(filepath.Join(file, "below"), []report.Loaded{{}}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v, want one that names %s", err, file)
	}
}

func finish(t testing.TB, dir string, r result.Run) {
	t.Helper()
	f, err := result.Create(dir, r)
	if err == nil {
		err = f.Finish(r)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readCSV returns rows by their first cell.
func readCSV(t *testing.T, path string) map[string][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for _, row := range all {
		rows[row[0]] = row
	}
	return rows
}

func wellFormed(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	d := xml.NewDecoder(f)
	for {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
	}
}
