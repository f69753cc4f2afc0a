package yamltree

import (
	"strings"
	"testing"
)

var rules = Rules{What: "letter", MaxBytes: 1 << 12, Blocks: true}

// Faults come all at once, in the order of the file, each with its line and its place.
func TestReaderCollectsFaults(t *testing.T) {
	tree, fault := Parse([]byte(`name: a
nmae: b
count: 12
list:
  - 1
  - [x]
  - 9
text: >
  two
  lines
name: a
`), rules)
	if fault != nil {
		t.Fatal(fault)
	}
	r := NewReader()
	var name, body string
	var list []uint64
	r.Mapping(tree, "",
		Known("name", func(t *Tree, at string) { name = r.Text(t, at) }),
		Known("count", func(t *Tree, at string) { r.Number(t, at, 1, 10) }),
		Known("list", func(t *Tree, at string) {
			list = Each(r, t, at, func(t *Tree, at string) uint64 { return r.Number(t, at, 1, 9) })
		}),
		Known("text", func(t *Tree, at string) { body = r.Text(t, at) }),
	)
	if name != "a" || body != "two lines\n" || len(list) != 3 || list[0] != 1 || list[2] != 9 {
		t.Errorf("read %q, %q, %v", name, body, list)
	}
	var got []string
	for _, f := range r.Faults {
		got = append(got, f.Error())
	}
	want := []string{
		`/name: line 11: the key "name" stands on line 1 already`,
		`/nmae: line 2: unknown key "nmae"; known here: name, count, list, text; did you mean name?`,
		`/count: line 3: "12" is not a whole number from 1 to 10`,
		`/list/1: line 6: want a text, found a list`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for at, line := range map[string]int{"/list/2": 7, "/list/2/x/y": 7, "/text": 8, "/nothing": 1, "": 1} {
		if got := r.Line(at); got != line {
			t.Errorf("%s stands on line %d, want %d", at, got, line)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"":                       "line 1: the file is empty",
		"a: &b 1":                "line 1: anchors",
		"a: 1\nb: *c":            "line 2: anchors",
		"a: 1\n---\nb: 2":        "line 3: a second document begins; a letter is one",
		"a: !!str 1":             "anchors, aliases and tags",
		"a:\n <<: {b: 1}":        "line 2: anchors",
		"a: [1\nb: 2":            "line ",
		strings.Repeat("[", 30):  "nested too deeply",
		strings.Repeat("#", 5e3): "more than 4096 bytes",
	} {
		if _, fault := Parse([]byte(text), rules); fault == nil || !strings.Contains(fault.Error(), says) {
			t.Errorf("%.40q: got %v, want %q", text, fault, says)
		}
	}
	if _, fault := Parse([]byte("a: |\n b\n"), Rules{What: "plan", MaxBytes: 99}); fault == nil || !strings.Contains(fault.Error(), "blocks of text have no place in a plan") {
		t.Errorf("a block where none is allowed: %v", fault)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"region", "rings", "replicas", "for", "at"}
	for word, want := range map[string]string{
		"regoin": "region", "Region": "region", "ring": "rings", "replica": "replicas", "fro": "for",
		"banana": "", "": "", "x": "", "atm": "at", strings.Repeat("r", 9000): "",
	} {
		if got := Nearest(word, words); got != want {
			t.Errorf("%.20q: got %q, want %q", word, got, want)
		}
	}
}

// Whatever is read, it is a tree of which everything has a line, or a fault that has one.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "a: b", "- - -", "a: &a [*a]", "a: |\n b\n c: d", "? a\n: b", "<<: {a: b}", "---\n---\n", "%YAML 1.2\n---\na: |\n x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, fault := Parse(data, rules)
		if fault != nil {
			if fault.Line < 1 || fault.Detail == "" {
				t.Fatalf("%+v", fault)
			}
			return
		}
		checkLines(t, tree)
	})
}

func checkLines(t *testing.T, tree *Tree) {
	if tree.Line < 1 || tree.Kind == "" {
		t.Fatalf("%+v", tree)
	}
	for _, i := range tree.Items {
		checkLines(t, i)
	}
	for _, f := range tree.Fields {
		checkLines(t, f.Value)
	}
}
