// Package mutant plants mistakes in the sources of a build, so that tests can show that
// their checkers find them.
package mutant

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Mutant is one mistake: what rule it breaks, by which changes of text, and what must
// find it.
type Mutant struct {
	Name, Rule, Dies string
	Changes          []Change
}

// Change is one change of text. File is relative to the folder that the mutant is of.
type Change struct{ File, Old, New string }

// Read reads a mutant's description. Its lines are "rule:", "dies:", and for each change
// "file:", "old:" and "new:", the last two followed by lines of text behind "| ". The
// mutant is called as the file is.
func Read(file string) (*Mutant, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	m := &Mutant{Name: strings.TrimSuffix(filepath.Base(file), ".txt")}
	into := new(string)
	for line := range strings.Lines(string(b)) {
		if text, ok := strings.CutPrefix(line, "| "); ok {
			*into += text
			continue
		}
		if into, err = m.key(line, into); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	if m.Rule == "" || m.Dies == "" || m.Changes == nil {
		return nil, fmt.Errorf("%s: rule, dies or change is missing", file)
	}
	return m, nil
}

// key takes a line that is no text, and returns where the text after it belongs.
func (m *Mutant) key(line string, into *string) (*string, error) {
	key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
	value = strings.TrimSpace(value)
	last := len(m.Changes) - 1
	switch {
	case key == "":
	case key == "rule":
		m.Rule = value
	case key == "dies":
		m.Dies = value
	case key == "file":
		m.Changes = append(m.Changes, Change{File: value})
	case key == "old" && last >= 0:
		return &m.Changes[last].Old, nil
	case key == "new" && last >= 0:
		return &m.Changes[last].New, nil
	default:
		return nil, fmt.Errorf("unknown line %q", line)
	}
	return into, nil
}

// Plant writes the changed files into dir, and an overlay that puts them in place of the
// true ones, which lie in the folder from. It fails if a text to change is not there
// exactly once.
func (m *Mutant) Plant(from, dir string) (overlay string, err error) {
	changed := map[string]string{}
	for _, c := range m.Changes {
		text, ok := changed[c.File]
		if !ok {
			b, err := os.ReadFile(filepath.Join(from, c.File))
			if err != nil {
				return "", err
			}
			text = string(b)
		}
		if k := strings.Count(text, c.Old); k != 1 {
			return "", fmt.Errorf("%s holds the text to change %d times, want once:\n%s", c.File, k, c.Old)
		}
		changed[c.File] = strings.Replace(text, c.Old, c.New, 1)
	}
	return write(changed, from, dir)
}

// write writes the overlay of changed files.
func write(changed map[string]string, from, dir string) (overlay string, err error) {
	replace := map[string]string{}
	for file, text := range changed {
		original, err := filepath.Abs(filepath.Join(from, file))
		if err != nil {
			return "", err
		}
		replace[original] = filepath.Join(dir, strings.ReplaceAll(filepath.ToSlash(file), "/", "-"))
		if err := os.WriteFile(replace[original], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, b, 0o600)
}

// Build compiles the tests of a package with an overlay.
func Build(overlay, binary, pkg string) error {
	if out, err := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", binary, pkg).CombinedOutput(); err != nil {
		return fmt.Errorf("the mutant does not compile: %w\n%s", err, out)
	}
	return nil
}

// Part reads which of many things "K/N" asks for: the Kth of N parts.
func Part(text string) (mine func(i int) bool, err error) {
	var k, n int
	if _, err := fmt.Sscanf(text, "%d/%d", &k, &n); err != nil || k < 1 || k > n {
		return nil, fmt.Errorf("part %q: want K/N with K from 1 to N", text)
	}
	return func(i int) bool { return i%n == k-1 }, nil
}
