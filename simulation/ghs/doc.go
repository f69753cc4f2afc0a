// Package ghs drives the cores of package mst in virtual time: over a network that
// delays, loses, doubles and reorders, on any graph. Everything in a run follows from
// its seed.
//
// [Simulate] runs the paper's algorithm once and tells its tree, its messages and, if
// asked, its transcript: this is the command "gazetteer mst". A [Planet] runs regions
// that crash, start again, are cut off and propose new epochs.
package ghs
