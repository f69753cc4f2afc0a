package region

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/region/health"
	"gazetteer/ring"
)

// probePatience bounds what a check of readiness may wait for.
const probePatience = time.Second

// Ready says, part by part, whether this server can do its work. All of them must hold.
func (s *Server) Ready() []Check {
	checks := []Check{s.planCheck(), s.geoipCheck(), s.typesCheck()}
	if s.mirrors != nil {
		checks = append(checks, s.mirrors.Checks()...)
	}
	return checks
}

func (s *Server) planCheck() Check {
	return Check{Name: "plan", OK: true, Detail: fmt.Sprintf("plan %d of region %s, %d partitions", s.groups.plan().Epoch(), s.region, s.partitions)}
}

// geoipCheck holds also without a database: clients are then placed by what they state.
func (s *Server) geoipCheck() Check {
	st := s.locator.Status()
	c := Check{Name: "geoip", OK: true, Detail: "no database: clients are placed by what they state"}
	if st.Type != "" {
		c.Detail = fmt.Sprintf("%s of %s, %d places", st.Type, st.Built.UTC().Format(time.DateOnly), st.Places)
	}
	if st.Err != nil {
		c.Detail += "; the file is not in use: " + st.Err.Error()
	}
	return c
}

// typesCheck goes the whole way down to a replica of the cluster of the types, without
// which no request can be judged.
func (s *Server) typesCheck() Check {
	ctx, cancel := context.WithTimeout(context.Background(), probePatience)
	defer cancel()
	start := time.Now()
	_, info, err := s.groups.of(gazetteer.TypesType).read(ctx, nil, typeKey("any"))
	if err != nil {
		return Check{Name: "types", Detail: err.Error()}
	}
	return Check{Name: "types", OK: true, Detail: fmt.Sprintf("read at replica %s of ring %s in %v", info.Node, info.Ring, time.Since(start).Round(time.Microsecond))}
}

// Status is what an operator wants to know of one server.
type Status struct {
	Region     gazetteer.RegionID
	Node       gazetteer.NodeID
	Roles      []Role
	Plan       uint64 // epoch of the plan in use
	Partitions uint32 // of the planet
	Types      []gazetteer.Type
	Requests   Requests
	Demand     []Demand  // by type
	Mirrored   *Mirrored // nil if the process holds no replica
	Degraded   []string  // what does not work, in words; empty when all is well
}

// Mirrored says what a process's replicas hold and did.
type Mirrored struct {
	Partitions int // that they are members for, of all types
	Serving    int // of these, that answer reads
	Alone      int // of these, that have heard no live ring mate
	Writable   bool
	Counters   ring.Counters
	Leases     Leases
	Checks     health.Counters
}

// Leases says what a process that decides leases holds and did.
type Leases struct {
	Held                     int // that have not ended
	Down                     int // that have, and did not return
	Renewed, Ended, Returned uint64
}

// Reporter tells of the replicas of this process. The agent implements it.
type Reporter interface {
	Checks() []Check
	Mirrored() Mirrored
}

// Requests count what came to one server since it started.
type Requests struct {
	Lookups, Gets, Lists, Writes uint64
	Missing                      uint64 // answered with NotFound
	Failures                     uint64 // answered with any other error
	Retries                      uint64 // asked a second cluster server within a request
}

// Status returns what is known of this server now.
func (s *Server) Status() Status {
	plan := s.groups.plan()
	st := Status{
		Region: s.region, Node: s.node, Roles: plan.Roles(s.node),
		Plan: plan.Epoch(), Partitions: s.partitions, Requests: s.requests(), Demand: s.demand.list(),
	}
	for t := range *s.types.known.Load() {
		st.Types = append(st.Types, t)
	}
	slices.Sort(st.Types)
	if s.mirrors != nil {
		m := s.mirrors.Mirrored()
		st.Mirrored = &m
	}
	for _, c := range s.Ready() {
		if !c.OK {
			st.Degraded = append(st.Degraded, c.Name+": "+c.Detail)
		}
	}
	return st
}

func (s *Server) requests() Requests {
	c := &s.count
	return Requests{
		Lookups: c.lookups.Load(), Gets: c.gets.Load(), Lists: c.lists.Load(), Writes: c.writes.Load(),
		Missing: c.missing.Load(), Failures: c.failures.Load(), Retries: s.clusters.retries.Load(),
	}
}
