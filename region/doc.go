// Package region is a regional server: it places the client, routes a request to the
// cluster of its type and ranks what the replica holds.
package region
