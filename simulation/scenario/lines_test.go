package scenario

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Whatever becomes of one line of the example, what is read holds together, or the mistakes
// stand on lines of the file.
func TestEveryLineMayBeWrong(t *testing.T) {
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.DeleteFunc(strings.Split(string(text), "\n"), func(l string) bool {
		return strings.TrimSpace(l) == "" || strings.HasPrefix(strings.TrimSpace(l), "#")
	})
	value := regexp.MustCompile(`: [^ ,}#]+`)
	read, refused := 0, 0
	for i, line := range lines {
		for _, other := range append([]string{"", line + "\n" + line}, replaced(value, line, i, ": -1", ": []", ": {}", ": x", ":", ": 9e99")...) {
			changed := slices.Replace(slices.Clone(lines), i, i+1, other)
			if try(t, strings.Join(changed, "\n")) {
				read++
			} else {
				refused++
			}
		}
	}
	if read < 50 || refused < 200 {
		t.Errorf("%d files were read, %d refused", read, refused)
	}
}

// replaced puts, in the place of each value of a line, one of some others in turn.
func replaced(value *regexp.Regexp, line string, turn int, by ...string) (out []string) {
	for i, at := range value.FindAllStringIndex(line, -1) {
		out = append(out, line[:at[0]]+by[(turn+i)%len(by)]+line[at[1]:])
	}
	return out
}

func try(t *testing.T, text string) (read bool) {
	t.Helper()
	s, err := Parse("changed.yaml", []byte(text))
	if err == nil {
		if wrong := sound(s); len(wrong) > 0 {
			t.Errorf("%q of\n%s", wrong, text)
		}
		return true
	}
	var all Mistakes
	if !errors.As(err, &all) || len(all) == 0 || len(all) > 60 {
		t.Errorf("%d mistakes by one: %v", len(all), err)
	}
	for _, m := range all {
		if m.Line < 1 || m.Line > strings.Count(text, "\n")+1 || m.Detail == "" {
			t.Errorf("%+v", m)
		}
	}
	return false
}
