package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestPrintableStopsWhatSteersATerminal(t *testing.T) {
	for in, want := range map[string]string{
		"plain":         "plain",
		"Zürich 東京 🎲":   "Zürich 東京 🎲",
		"\x1b[2Jgone":   `\x1b[2Jgone`,
		"a\tb\nc\rd":    `a\x09b\x0ac\x0dd`,
		"\x7f\u009b31m": `\x7f\u009b31m`,
		"\u202eexe.txt": `\u202eexe.txt`,
		"\xff\xfe":      `\xff\xfe`,
		"�":             "�",
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestPrintableJSONKeepsTheValue also feeds what JSON allows raw in strings.
func TestPrintableJSONKeepsTheValue(t *testing.T) {
	const value = "a\u009bb\u202ec\U000e0001d 東\x7f"
	text := []byte("{\n\t\"k\": \"" + value + "\"\n}\n")
	got := printableJSON(text)
	if strings.ContainsAny(got, "\u009b\u202e\U000e0001\x7f") {
		t.Errorf("%q holds a character that steers a terminal", got)
	}
	var back map[string]string
	if err := json.Unmarshal([]byte(got), &back); err != nil || back["k"] != value {
		t.Errorf("%q reads as %q, %v; want %q", got, back["k"], err, value)
	}
}

func TestGridAligns(t *testing.T) {
	var b strings.Builder
	err := grid(&b, []string{"ID", "URL"}, [][]string{{"a", "https://a/"}, {"long-\tid", "https://b/"}})
	want := "ID           URL\na            https://a/\nlong-\\x09id  https://b/\n"
	if err != nil || b.String() != want {
		t.Errorf("%v\ngot:\n%s\nwant:\n%s", err, b.String(), want)
	}
}
