// Package router is the entry of a planet over HTTP: it sends each request to a regional
// server of the best region for its client, once more to the next region if that one does
// not answer, or tells the client where to go (307) if it asks for that.
//
// [Router] is a process of its own that belongs to no region. [Signpost] stands in front
// of a regional server, where everything is answered but the question where to go.
package router
