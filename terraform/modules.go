// Package terraform holds the modules that make regions on AWS, for programs that bring
// them along.
package terraform

import "embed"

// Modules are the files of modules/, tests included.
//
//go:embed modules
var Modules embed.FS
