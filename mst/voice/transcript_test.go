package voice_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/mst"
	"gazetteer/mst/voice"
)

var update = flag.Bool("update", false, "write the transcripts in testdata anew")

// TestTranscripts runs the scripts in testdata. Lines that begin with > happen to the
// planet, the others are what its voices do. Words are left out,
// and so are frames, if they are not asked for.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(text))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got != string(text) {
				t.Errorf("it went otherwise (write it with -update, and read the difference):\n%s", got)
			}
		})
	}
}

// script is a planet under way, and what is written of it.
type script struct {
	t      *testing.T
	p      *planet
	out    strings.Builder
	frames bool // are written, too
}

func runScript(t *testing.T, text string) string {
	s := &script{t: t}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "#") || line == "":
			fmt.Fprintln(&s.out, line)
		case strings.HasPrefix(line, "> "):
			fmt.Fprintln(&s.out, line)
			s.command(strings.Fields(line[2:]))
		}
	}
	return s.out.String()
}

func (s *script) command(words []string) {
	region := func(i int) *region { return s.p.region(gazetteer.RegionID(words[i])) }
	switch words[0] {
	case "regions":
		s.found(words[1:])
	case "frames":
		s.frames = true
	case "leader":
		region(1).start()
	case "crash":
		region(1).crash()
	case "cut":
		s.p.sever(func(n gazetteer.RegionID) bool { return strings.Contains(words[1], string(n)) })
	case "heal":
		s.p.heal()
	case "run":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			s.t.Fatal(err)
		}
		s.p.run(d)
	default:
		s.t.Fatalf("unknown command %q", words)
	}
	if s.p != nil && s.p.checker.err != nil {
		s.t.Fatal(s.p.checker.err)
	}
}

// found starts a planet of edges such as a-b:30, in milliseconds of round-trip time.
func (s *script) found(edges []string) {
	delays, names := map[way]time.Duration{}, map[gazetteer.RegionID]bool{}
	var all []gazetteer.RegionID
	for _, text := range edges {
		ends, number, _ := strings.Cut(text, ":")
		ms, err := strconv.Atoi(number)
		if err != nil {
			s.t.Fatal(err)
		}
		x, y, _ := strings.Cut(ends, "-")
		a, b := gazetteer.RegionID(x), gazetteer.RegionID(y)
		delays[way{a, b}], delays[way{b, a}] = time.Duration(ms)*time.Millisecond/2, time.Duration(ms)*time.Millisecond/2
		for _, n := range []gazetteer.RegionID{a, b} {
			if !names[n] {
				names[n] = true
				all = append(all, n)
			}
		}
	}
	s.p = newPlanet(setup{names: all, delays: delays, given: true})
	s.p.onPerform = s.note
	for _, r := range s.p.regions {
		r.start()
	}
}

// note writes what a region does.
func (s *script) note(r *region, out voice.Ready) {
	if out.Save != nil && out.Save.Epoch != r.epochNoted {
		s.line(r, "saves that it is in %v", out.Save.Epoch)
		r.epochNoted = out.Save.Epoch
	}
	for _, e := range out.Send {
		if s.noted(e.Message) {
			s.line(r, "%s->%s %v", r.name, e.To, e.Message)
		}
	}
	if t := out.Installed; t != nil {
		s.line(r, "installs the tree of %v: %d regions, weight %d", t.Epoch, t.Regions, t.Weight)
	}
	if out.Branches != nil {
		s.line(r, "has the branches %v", out.Branches)
	}
}

// noted reports whether a message is worth a line.
func (s *script) noted(m voice.Message) bool {
	f, ok := m.(voice.Frame)
	switch {
	case !ok:
		return m.Kind() != voice.KindWord
	case f.Stale != mst.Epoch{}:
		return true
	}
	return s.frames && f.Message != nil
}

func (s *script) line(r *region, format string, args ...any) {
	fmt.Fprintf(&s.out, "%7.3f %s: %s\n", s.p.now.Seconds(), r.name, fmt.Sprintf(format, args...))
}
