package mst

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gazetteer"
)

var update = flag.Bool("update", false, "write the transcripts in testdata anew")

// TestTranscripts runs the scripts in testdata. Lines that begin with > are told to the
// nodes, the others are what they answer.
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

// script is a small network: messages wait in the order in which they were sent.
type script struct {
	t     *testing.T
	out   strings.Builder
	edges map[gazetteer.RegionID][]Edge
	nodes map[gazetteer.RegionID]*Node
	under []sent
}

type sent struct {
	from, to gazetteer.RegionID
	message  Message
}

func (m sent) String() string { return fmt.Sprintf("%s->%s %v", m.from, m.to, m.message) }

func runScript(t *testing.T, text string) string {
	s := &script{t: t, edges: map[gazetteer.RegionID][]Edge{}, nodes: map[gazetteer.RegionID]*Node{}}
	for line := range strings.Lines(text) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "#") || line == "":
			fmt.Fprintln(&s.out, line)
		case strings.HasPrefix(line, ">"):
			fmt.Fprintln(&s.out, line)
			s.command(strings.Fields(line[1:]))
		}
	}
	return s.out.String()
}

func (s *script) command(words []string) {
	switch words[0] {
	case "edges":
		s.join(words[1:])
	case "wake":
		n := gazetteer.RegionID(words[1])
		s.nodes[n].Wake()
		s.perform(n)
	case "settle":
		for len(s.under) > 0 {
			s.deliver(0)
		}
	case "hold": // lets the messages on one edge wait for the others
		s.hold(words[1])
	default:
		s.t.Fatalf("unknown command %q", words)
	}
}

// join takes edges such as a-b:3.
func (s *script) join(edges []string) {
	for _, text := range edges {
		var cost uint64
		ends, number, _ := strings.Cut(text, ":")
		if _, err := fmt.Sscan(number, &cost); err != nil {
			s.t.Fatal(err)
		}
		a, b, _ := strings.Cut(ends, "-")
		s.edges[gazetteer.RegionID(a)] = append(s.edges[gazetteer.RegionID(a)], Edge{gazetteer.RegionID(b), cost})
		s.edges[gazetteer.RegionID(b)] = append(s.edges[gazetteer.RegionID(b)], Edge{gazetteer.RegionID(a), cost})
	}
	for name, es := range s.edges {
		n, err := NewNode(name, es)
		if err != nil {
			s.t.Fatal(err)
		}
		s.nodes[name] = n
	}
}

// hold delivers everything but what goes over one wire, such as a->b.
func (s *script) hold(wire string) {
	for i := 0; i < len(s.under); {
		m := s.under[i]
		if fmt.Sprintf("%s->%s", m.from, m.to) == wire {
			i++
			continue
		}
		s.deliver(i)
		i = 0
	}
}

func (s *script) deliver(i int) {
	m := s.under[i]
	s.under = append(s.under[:i:i], s.under[i+1:]...)
	n := s.nodes[m.to]
	waiting := len(n.queue)
	if err := n.Step(m.from, m.message); err != nil {
		s.t.Fatal(err)
	}
	if len(n.queue) > waiting {
		fmt.Fprintf(&s.out, "%s: puts back %v\n", m.to, m)
	}
	s.perform(m.to)
}

func (s *script) perform(name gazetteer.RegionID) {
	n := s.nodes[name]
	for _, e := range n.Ready() {
		m := sent{name, e.To, e.Message}
		fmt.Fprintf(&s.out, "%s: %v\n", name, m)
		s.under = append(s.under, m)
	}
	if n.Halted() {
		fmt.Fprintf(&s.out, "%s: has halted\n", name)
	}
}
