// Package rest is the HTTP face of a regional server: resolve, types, resources,
// locations, bulk streams, health and metrics, as /openapi.json describes them.
//
// [New] makes the handler, [Server] an http.Server with the time-outs and limits it
// needs. What a request may cost is declared with its route and enforced before
// anything is allocated for it. DESIGN.md gives the reasons, PROBLEMS.md lists the
// errors a client can meet.
package rest
