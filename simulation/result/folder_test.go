package result_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/simulation/result"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	run := result.Run{Scenario: "paper", Mode: result.Virtual, Seed: 1<<63 + 1, Generators: result.Counts{Reads: 3, Errors: map[string]int64{"deadline": 1}}}
	f, err := result.Create(dir, run)
	if err != nil {
		t.Fatal(err)
	}
	if early, err := result.Read(dir); err != nil || early.Unfinished == "" {
		t.Fatalf("a run that goes on reads as %+v, %v; want one that says it is unfinished", early, err)
	}
	want := []result.Sample{
		{At: time.Minute, Region: "a", Tier: "regional", Server: "a/server-1", Metric: "cpu", Value: 0.123456789},
		{At: 2*time.Minute + time.Millisecond, Region: "b", Tier: "client", Metric: "requests", Value: 12},
	}
	for _, s := range want {
		f.Sample(s)
	}
	f.Event(1500*time.Millisecond, "b sees a down")
	if err := f.Finish(run); err != nil {
		t.Fatal(err)
	}
	if got, err := result.Read(dir); err != nil || !reflect.DeepEqual(got, run) {
		t.Errorf("read %+v, %v; want %+v", got, err, run)
	}
	if got, err := result.ReadSeries(dir); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("series %+v, %v; want %+v", got, err, want)
	}
	if text, err := os.ReadFile(filepath.Join(dir, result.EventsFile)); err != nil || string(text) != "1.500000 b sees a down\n" {
		t.Errorf("events %q, %v", text, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A file that is always full stands for the disk.
func TestFullDiskIsSaid(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	dir := t.TempDir()
	if err := os.Symlink("/dev/full", filepath.Join(dir, result.EventsFile)); err != nil {
		t.Fatal(err)
	}
	f, err := result.Create(dir, result.Run{})
	if err != nil {
		t.Fatal(err)
	}
	for range 10_000 {
		f.Event(time.Second, "something that is decided here")
	}
	if err := f.Err(); gazetteer.KindOf(err) != gazetteer.Full {
		t.Errorf("while it goes on the error is %v, want kind %v", err, gazetteer.Full)
	}
	if err := f.Finish(result.Run{Seed: 7}); gazetteer.KindOf(err) != gazetteer.Full {
		t.Errorf("Finish returned %v, want kind %v", err, gazetteer.Full)
	}
	got, err := result.Read(dir)
	if err != nil || got.Seed != 7 || !strings.Contains(got.Unfinished, syscall.ENOSPC.Error()) {
		t.Errorf("the outcome reads %+v, %v; want seed 7 and that the disk is full", got, err)
	}
}

func TestHalfALineOfTheSeriesIsLeftOut(t *testing.T) {
	dir := t.TempDir()
	text := "time_s,region,tier,server,metric,value\n60,a,client,,requests,3\n120,a,client,,requests,4"
	if err := os.WriteFile(filepath.Join(dir, result.SeriesFile), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := result.ReadSeries(dir); err != nil || len(got) != 1 || got[0].Value != 3 {
		t.Errorf("read %+v, %v; want the whole line alone", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, result.SeriesFile), []byte(text[:len(text)-11]+"\n180,a,client,,requests,4\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := result.ReadSeries(dir); err == nil {
		t.Error("half a line in the middle was read")
	}
}
