// Package sample is the catalogue that the demo serves: the measurement services of
// M-Lab. SOURCE.md says where it comes from and what was changed.
package sample

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
)

// What the catalogue holds. The resource named last is the last one in it.
const (
	Types     = 13
	Resources = 649
	Locations = 8970
	LastType  = "wehe"
	LastID    = "yyc"
)

//go:embed catalogue.ndjson.gz
var packed []byte

// Open returns the catalogue as NDJSON: one resource document a line, ordered by type,
// then id.
func Open() (io.ReadCloser, error) { return gzip.NewReader(bytes.NewReader(packed)) }
