// Package fleet is everything around the replicas of a planet, in virtual time: test
// clients with their routers, the load balancers of a region, of its clusters and of its
// rings, regional servers and cluster servers with their cores, the scaling groups that
// change their number, and the collector that measures them. What the replicas do, and
// how long a message is under way, is another's: see [Planet].
//
// It models what a plan of January 2012 wanted to try the architecture with, by the facts
// of that time about Elastic Load Balancing, Auto Scaling and CloudWatch. DESIGN.md names
// each fact and its source.
package fleet
