// Package drive asks a running planet for what package check judges: it writes, reads,
// lists and watches through the addresses it is given, as clients with sessions and
// without, and records all of it. What it has made it removes again.
//
// Every client writes elements of its own, one write after the other, so that order in
// real time says which value must be found; a few elements are written by all at once, for
// the sake of the conflict journal. A client that gets no answer leaves the element alone
// from then on: what it has asked for may still be done.
package drive
