// Package dns is the DNS face of a region: an authoritative server for one zone, over UDP
// and TCP, whose names are the planet, its regions and its resources.
//
// A [Server] answers from what a [Regional] and a [Planet] say. It has no data of its own,
// asks nobody else and follows no delegation: outside its zone it refuses. DESIGN.md has
// the names, the reasons and what they cost.
package dns
