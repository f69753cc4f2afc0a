// Package sample holds a small GeoIP City database with made-up records, for the demo
// and for tests.
package sample

import _ "embed"

//go:embed GeoIP2-City-Test.mmdb
var city string

// City returns the bytes of MaxMind's GeoIP2-City-Test.mmdb; see SOURCE.md.
func City() []byte { return []byte(city) }
