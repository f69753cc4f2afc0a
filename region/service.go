package region

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"

	"gazetteer"
	"gazetteer/region/geo"
	"gazetteer/region/health"
	"gazetteer/ring"
)

// Query asks where a resource is, best first for one client.
type Query struct {
	Key     gazetteer.Key
	Client  geo.Client
	Limit   int        // 0 for DefaultLimit
	Filter  geo.Filter // hard: what does not match is left out
	Prefer  geo.Filter // what matches comes first
	Avoid   []gazetteer.LocationID
	Explain bool
	// Region is the one that is to answer; "" for the one that the type's policy names, or
	// this one. The client is placed and the
	// locations are ranked by the server asked all the same.
	Region gazetteer.RegionID
	// MaxStale is how old the knowledge of who answers may be at most, 0 for any. Where it is
	// older, or an origin is left out (degraded), a fresher region answers; if none that is
	// reached does, the query fails with kind Unavailable and says how old it is.
	MaxStale time.Duration
	// Session is what the answer may not lack; the zero Token asks for nothing. Where it does
	// lack some of it, it waits, or another replica or region answers; if none does before
	// the context ends the query fails with kind Behind.
	Session ring.Token
	// Direct: this process's own replica is to answer or nobody, see [Direct]; Region is then
	// not looked at.
	Direct bool
}

// DefaultLimit is how many locations an answer holds unless the client says otherwise,
// MaxLimit how many it holds at most.
const (
	DefaultLimit = 5
	MaxLimit     = 1000
)

// Answer is what a query gets. It may be used again for another query: the strings and
// slices of an answer are valid until then.
type Answer struct {
	Key        gazetteer.Key
	Version    gazetteer.Version
	Client     geo.Place
	Candidates []geo.Candidate    // best first, at most Limit
	Excluded   []geo.Candidate    // only with Explain: the rest, each with its reason
	Region     gazetteer.RegionID // that answered
	Node       gazetteer.NodeID   // the replica that held the record
	TTL        time.Duration
	Staleness  time.Duration // upper bound of how old the region's knowledge may be
	Degraded   bool          // that bound leaves an origin out, or no ring mate was alive
	Hops       []Hop         // only with Explain
	// PolicyIgnored is what of the type's policy this server does not understand; only
	// with Explain.
	PolicyIgnored string

	partitions uint32
	buf        []byte               // the record the strings point into
	locations  []gazetteer.Location // all live ones
	facts      []fact               // what is known of their health
	states     []geo.State          // of the locations, in their order; empty: all unknown
	ranker     geo.Ranker
}

// Hop is one step of a lookup, for explain.
type Hop struct {
	Role string // regional server, cluster server, ring, replica
	Name string
	Took time.Duration // until its answer, with all that lies below it
}

// Op says what a change does.
type Op uint8

const (
	PutResource    Op = iota // the resource becomes exactly this document
	DeleteResource           // one transaction of tombstones for the elements it now has
	PutLocation              // adds or replaces Locations[0]
	DeleteLocation           // removes Location
	RenewLease               // renews the lease of Location
)

// Change is one write, all or nothing.
type Change struct {
	Key        gazetteer.Key
	Op         Op
	Attributes json.RawMessage      // PutResource: a compact JSON object, nil for {}
	Locations  []gazetteer.Location // PutResource: all of them; PutLocation: one
	Location   gazetteer.LocationID // DeleteLocation, RenewLease
	// Lease is how long the location is up without another renewal: NoLease gives a lease
	// up, 0 leaves it as it is. PutLocation, RenewLease.
	Lease time.Duration
	// If holds the expected versions (If-Match); 0 in it means "does not exist"
	// (If-None-Match: *); Any means "exists" (If-Match: *). Empty: unconditional.
	// In mode multi it is checked at the active replica only.
	If []gazetteer.Version
	// Ack is the level that must be reached before Deadline; 0 for AckRing. AckRegions may
	// be told that it is not reached at once, while a region of the tree does not answer.
	Ack      ring.Ack
	Deadline time.Duration // 0 for the default of 5 s
}

// AnyVersion in Change.If matches every version of a resource that exists.
const AnyVersion = ^gazetteer.Version(0)

// Receipt says what became of a change.
type Receipt struct {
	Version gazetteer.Version // of the resource after the change; 0 if it no longer exists
	Created bool              // the resource (or location) did not exist before
	Reached ring.Ack          // the level reached: below what was asked if time ran out
	Shown   ring.Token        // of the resource after the change: for the session that made it
	Err     error             // then nothing of the change was done
}

// TypeSpec is what is known of a type. It travels as the resource (_types, name).
type TypeSpec struct {
	Name     gazetteer.Type
	Mode     string        // "multi"
	TTL      time.Duration // how long an answer may be kept by the client; 30 s by default
	Redirect bool          // answers may be redirects (307)
	Policy   *geo.Policy   // how locations are ordered and which are left out; nil for none
	Health   health.Spec   // how its locations are checked; zero: not at all
}

// Page is a slice of a type's resources in the order of listing, see Cursor.
type Page struct {
	Records   []gazetteer.Record
	Next      Cursor        // zero when nothing follows
	Staleness time.Duration // upper bound of how old the knowledge of any of its replicas may be
	Degraded  bool          // that bound leaves an origin out, of one of them
	Shown     ring.Token    // of all records, for the session that asked
}

// Want asks for one record. Its fields are those of a [Query].
type Want struct {
	Key      gazetteer.Key
	Region   gazetteer.RegionID
	MaxStale time.Duration
	Session  ring.Token
	Direct   bool
}

// Found is a record, and how it was read. Shown is true of a record that does not exist,
// too: a session that was told so is not shown the value before.
type Found struct {
	Record    gazetteer.Record
	Region    gazetteer.RegionID // that answered
	Node      gazetteer.NodeID   // the replica that held it
	Staleness time.Duration
	Degraded  bool
	Shown     ring.Token // the want's session, with this record
}

// Cursor is where a listing goes on: partition by partition, ids in byte order within.
type Cursor struct {
	Partition uint32
	After     gazetteer.ID
	More      bool
}

// Check is one line of /readyz?verbose.
type Check struct {
	Name   string
	OK     bool
	Detail string
}

// Regional is what the faces (REST, DNS, web) need of a regional server. [Server]
// implements it.
type Regional interface {
	Direct
	// Resolve fills a. Unknown type or id: NotFound. All locations excluded: no error,
	// no candidates. Unknown region: NotFound, of the key (RegionsType, its name).
	Resolve(ctx context.Context, q *Query, a *Answer) error
	Get(ctx context.Context, k gazetteer.Key) (gazetteer.Record, error)
	// Fetch returns a record as it is wanted. Errors as of Resolve, and of GetDirect.
	Fetch(ctx context.Context, w Want) (Found, error)
	// GetFrom returns a record as a region holds it, "" for this one, and the region that
	// answered.
	GetFrom(ctx context.Context, k gazetteer.Key, r gazetteer.RegionID) (gazetteer.Record, gazetteer.RegionID, error)
	// Write performs changes that may be of several types; each stands alone and gets
	// its own receipt, in order. Many changes in one call share transactions. Ids are
	// kept: their memory does not change any more.
	Write(ctx context.Context, cs []Change) []Receipt
	// List returns up to limit resources whose ids start with prefix, from cursor on. It may
	// carry a session, see [WithSession].
	List(ctx context.Context, t gazetteer.Type, prefix string, from Cursor, limit int) (Page, error)
	Types(ctx context.Context) ([]TypeSpec, error)
	Type(ctx context.Context, t gazetteer.Type) (TypeSpec, error)
	// PutType creates or changes a type, DeleteType removes one that is empty.
	PutType(ctx context.Context, s TypeSpec) (created bool, err error)
	DeleteType(ctx context.Context, t gazetteer.Type) error
	// Conflicts returns the united conflict journal of all replicas of all regions that
	// answered.
	Conflicts(ctx context.Context) ([]ring.Conflict, error)
	// Order appends the planet's regions to dst, best first for a client, and says where
	// the client is.
	Order(dst []Choice, c *geo.Client) (geo.Place, []Choice)
	// Measure takes round trips that a client has measured. Unprocessable: its address
	// says nothing, or there is no such region.
	Measure(client netip.Addr, all []geo.Measurement) (Reported, error)
	Ready() []Check
	Name() (gazetteer.RegionID, gazetteer.NodeID)
}
