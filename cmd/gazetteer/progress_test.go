package main

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/schollz/progressbar/v3"
)

// TestProgressTellsRateAndTimeToGo draws two lines of an import of known size.
func TestProgressTellsRateAndTimeToGo(t *testing.T) {
	var line bytes.Buffer
	p := drawProgress(&line, "importing", 1<<20, progressbar.OptionShowBytes(true))
	p.lines(7)
	for range 3 {
		if _, err := io.Copy(io.Discard, p.reader(strings.NewReader(strings.Repeat("x", 100<<10)))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(drawEvery * 5 / 4)
	}
	if want := regexp.MustCompile(`importing, 7 stored +2\d% .*B/s\) \[\d+s:\d+s\]`); !want.MatchString(line.String()) {
		t.Errorf("drawn:\n%s\nwant %s", strings.ReplaceAll(line.String(), "\r", "\n"), want)
	}
}

// TestNoProgressWithoutTerminal: what is nil draws nothing and passes data on.
func TestNoProgressWithoutTerminal(t *testing.T) {
	a := &app{console: console{err: new(bytes.Buffer)}}
	p := a.newByteProgress("importing", 10)
	if p != nil || p.due() {
		t.Fatal("a bar without a terminal")
	}
	p.lines(1)
	p.set(1, "one")
	p.finish()
	if got, err := io.ReadAll(p.reader(strings.NewReader("data"))); string(got) != "data" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
