package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gazetteer"
	"gazetteer/simulation/result"
)

// Load reads the folders of runs. An error of kind Invalid or NotFound says which folder
// holds no run, or which line of it is broken.
func Load(dirs []string) ([]Loaded, error) {
	var runs []Loaded
	for _, dir := range dirs {
		r, err := load(dir)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	label(runs)
	return runs, nil
}

func load(dir string) (l Loaded, err error) {
	if _, err := os.Stat(dir); err != nil {
		return l, &gazetteer.Error{Op: "report.Load", Kind: gazetteer.NotFound, Pointer: dir, Detail: "there is no such folder; give the folder that a run wrote", Err: err}
	}
	l.Dir = dir
	if l.Run, err = result.Read(dir); err != nil {
		return l, err
	}
	l.Samples, err = result.ReadSeries(dir)
	if errors.Is(err, fs.ErrNotExist) {
		l.Notes = append(l.Notes, "The folder has no "+result.SeriesFile+", so there are no curves over time.")
		err = nil
	}
	return l, err
}

// label names each run by what sets it apart: its mode, else its scenario, else its
// folder. What is still equal is numbered.
func label(runs []Loaded) {
	for _, name := range []func(*Loaded) string{
		func(l *Loaded) string { return string(l.Run.Mode) },
		func(l *Loaded) string { return l.Run.Scenario },
		func(l *Loaded) string { return fmt.Sprintf("%s, %s", l.Run.Scenario, l.Run.Mode) },
		func(l *Loaded) string { return filepath.Base(l.Dir) },
	} {
		if labelBy(runs, name) {
			return
		}
	}
	for i := range runs {
		runs[i].Label = fmt.Sprintf("%d: %s", i+1, runs[i].Label)
	}
}

func labelBy(runs []Loaded, name func(*Loaded) string) (apart bool) {
	seen := map[string]bool{}
	for i := range runs {
		runs[i].Label = name(&runs[i])
		seen[runs[i].Label] = true
	}
	return len(seen) == len(runs) && !seen[""]
}
