package scenario

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"gazetteer"
)

// Whatever is read, it is a scenario that holds together, or mistakes that each have a
// line of the file.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, example) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, seed := range []string{"", "regions: 2", "regions: [{name: a, lat: 1, lon: 1}]\nfaults: [{random: {every: 1s}}]", "regions: {random: 3}\ntree: star\nclients: [{rate: 5, crowds: [{at: 0s, for: 1s, times: 2}]}]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("fuzz.yaml", data)
		if err != nil {
			var all Mistakes
			if !errors.As(err, &all) || len(all) == 0 || gazetteer.KindOf(err) != gazetteer.Invalid {
				t.Fatalf("%v (%v)", err, gazetteer.KindOf(err))
			}
			last := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + 1
			for _, m := range all {
				if m.Line < 1 || m.Line > last || m.Detail == "" {
					t.Fatalf("%+v; the file has %d lines", m, last)
				}
			}
			return
		}
		if wrong := sound(s); len(wrong) > 0 {
			t.Fatalf("%q", wrong)
		}
		if len(s.Regions) < 50 {
			checkDrawn(t, s, 1)
		}
	})
}
