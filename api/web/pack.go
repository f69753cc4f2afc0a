package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"path"

	"gazetteer"
	"gazetteer/region/geo/outline"
)

//go:embed page
var source embed.FS

// landName is what the outline of the land is called in the page.
const landName = "land.txt"

// medias are the sorts of files that the page has.
var medias = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
}

func pack() (map[string]*file, error) {
	names, err := fs.Glob(source, "page/*")
	if err != nil {
		return nil, broken("page", err)
	}
	files := map[string]*file{}
	for _, name := range names {
		text, err := source.ReadFile(name)
		if err != nil {
			return nil, broken(name, err)
		}
		if files[path.Base(name)], err = newFile(name, text); err != nil {
			return nil, err
		}
	}
	if files[landName], err = newFile(landName, []byte(outline.Land())); err != nil {
		return nil, err
	}
	files[""] = files["index.html"]
	return files, nil
}

func newFile(name string, text []byte) (*file, error) {
	media := medias[path.Ext(name)]
	if media == "" {
		return nil, &gazetteer.Error{Op: "web.New", Kind: gazetteer.Internal, Detail: name + " is of a sort that the page does not serve; name its media type in medias"}
	}
	var zip bytes.Buffer
	z, err := gzip.NewWriterLevel(&zip, gzip.BestCompression)
	if err != nil {
		return nil, broken(name, err)
	}
	if _, err := z.Write(text); err != nil {
		return nil, broken(name, err)
	}
	if err := z.Close(); err != nil {
		return nil, broken(name, err)
	}
	return &file{media, newBody(text), newBody(zip.Bytes())}, nil
}

func newBody(b []byte) body {
	sum := sha256.Sum256(b)
	return body{b, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

func broken(name string, err error) error {
	return &gazetteer.Error{Op: "web.New", Kind: gazetteer.Internal, Detail: "cannot pack " + name, Err: err}
}
