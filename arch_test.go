package gazetteer_test

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestArchitecture holds the rules of the house against every Go file of it.
func TestArchitecture(t *testing.T) {
	h, err := openHouse(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, complaint := range r.check(h) {
				t.Error(complaint)
			}
		})
	}
}

// A house is the parsed Go files of the module.
type house []source

// A source is one Go file: its folder and name are slash-separated and start at the
// root, whose folder is "".
type source struct {
	folder, name string
	syntax       *ast.File
}

func (s source) path() string { return path.Join(s.folder, s.name) }

func (s source) isTest() bool { return strings.HasSuffix(s.name, "_test.go") }

func (s source) imports() []string {
	var out []string
	for _, i := range s.syntax.Imports {
		if p, err := strconv.Unquote(i.Path.Value); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// product returns the files that are built into the product.
func (h house) product() house {
	var out house
	for _, s := range h {
		if !s.isTest() {
			out = append(out, s)
		}
	}
	return out
}

// openHouse parses what the go command would build of the tree below root.
func openHouse(root string) (house, error) {
	var h house
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != root && (ignored(d.Name()) || isModule(name)):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		s, built, err := parse(root, name)
		if built {
			h = append(h, s)
		}
		return err
	})
	return h, err
}

func ignored(folder string) bool {
	return folder == "testdata" || strings.HasPrefix(folder, ".") || strings.HasPrefix(folder, "_")
}

// isModule reports whether a folder is a module of its own: what it needs, it alone needs.
func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

func parse(root, name string) (s source, built bool, err error) {
	built, err = build.Default.MatchFile(filepath.Split(name))
	if err != nil || !built {
		return s, false, err
	}
	rel, err := filepath.Rel(root, name)
	if err != nil {
		return s, false, err
	}
	return parseSource(filepath.ToSlash(rel), nil)
}

// parseSource parses one file, from text if it is not nil.
func parseSource(rel string, text any) (s source, built bool, err error) {
	syntax, err := parser.ParseFile(token.NewFileSet(), filepath.FromSlash(rel), text, parser.ParseComments)
	if err != nil {
		return s, false, fmt.Errorf("parse %s: %w", rel, err)
	}
	folder := path.Dir(rel)
	if folder == "." {
		folder = ""
	}
	return source{folder, path.Base(rel), syntax}, true, nil
}
