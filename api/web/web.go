// Package web serves the operator's page: a map of the planet, its catalogue, and why a
// client is answered as it is. The page asks the REST face of the server it comes from, as
// any client does.
package web

import (
	"net/http"
	"strings"
)

// Path is where the page is; all of it lies below.
const Path = "/ui/"

// Page is the page as it is served: held in memory, compressed once.
type Page struct {
	files map[string]*file // by what follows Path
}

// New packs the page. What it holds is part of the program, so that an error is a fault of
// the build.
func New() (*Page, error) {
	files, err := pack()
	if err != nil {
		return nil, err
	}
	return &Page{files}, nil
}

// Before serves the page, and lets next serve all else.
func (p *Page) Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, Path) || r.URL.Path+"/" == Path {
			p.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ServeHTTP implements http.Handler. A name is looked up and never resolved: there is no
// path that leads out of the page.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	name, below := strings.CutPrefix(r.URL.Path, Path)
	f := p.files[name]
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		tell(w, http.StatusMethodNotAllowed, "The page is only read: GET or HEAD.")
	case !below:
		// Relative, so that it also holds behind a proxy that adds a path of its own.
		w.Header().Set("Location", strings.TrimPrefix(Path, "/"))
		tell(w, http.StatusMovedPermanently, "The page is at "+Path+".")
	case f == nil:
		tell(w, http.StatusNotFound, "The page has no such part; it begins at "+Path+".")
	default:
		f.serve(w, r)
	}
}

func tell(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // a client that went away needs no answer
}
