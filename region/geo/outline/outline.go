// Package outline holds the outline of the earth's land, for whoever draws a map. SOURCE.md
// says where it comes from.
package outline

import _ "embed"

//go:embed land.txt
var land string

// Land returns one ring a line: "longitude,latitude" in degrees, separated by blanks, not
// closed. A ring that crosses the 180th meridian goes on at its other side.
func Land() string { return land }
