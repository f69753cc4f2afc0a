// Package scenarios is the library of scenarios: experiments of which each says in its
// about what it shows. They are files in this folder, and part of the binary.
package scenarios

import (
	"embed"
	"errors"
	"io/fs"
	"os"
	"strings"

	"gazetteer"
	"gazetteer/simulation/scenario"
)

//go:embed *.yaml
var files embed.FS

const ending = ".yaml"

// Names returns the names of the library's scenarios in ascending order.
func Names() (names []string) {
	all, err := fs.Glob(files, "*"+ending)
	if err != nil {
		return nil // only of a pattern that cannot be read
	}
	for _, f := range all {
		names = append(names, strings.TrimSuffix(f, ending))
	}
	return names
}

// Source returns the text of a scenario of the library; its kind of error is NotFound.
func Source(name string) ([]byte, error) {
	data, err := files.ReadFile(name + ending)
	if err != nil {
		return nil, &gazetteer.Error{Op: "scenarios.Source", Kind: gazetteer.NotFound, Detail: "no scenario " + name + "; there are " + strings.Join(Names(), ", ")}
	}
	return data, nil
}

// Open reads a scenario file, or, if there is no file of that name, the scenario of the
// library that is called so. Errors are those of [scenario.Load].
func Open(pathOrName string) (*scenario.Scenario, error) {
	if _, err := os.Stat(pathOrName); !errors.Is(err, fs.ErrNotExist) {
		return scenario.Load(pathOrName)
	}
	data, err := Source(pathOrName)
	if err != nil {
		return nil, &gazetteer.Error{Op: "scenarios.Open", Kind: gazetteer.NotFound,
			Detail: "there is no file " + pathOrName + ", and no scenario of the library is called so; there are " + strings.Join(Names(), ", ")}
	}
	return scenario.Parse(pathOrName+ending, data)
}
