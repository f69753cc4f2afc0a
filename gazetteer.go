// Package gazetteer is the vocabulary of the service that tells any client on
// earth where the nearest good copy of a resource is.
//
// A resource (type, id) has attributes and locations. Each of these is an
// [Element], the unit of change and of conflict. One new value of an element is an
// [Update]; it carries a [Stamp] (order between values), a [Position] (who wrote it,
// as which write) and a context (what its writer had seen of the element). A
// [Vector] says how much of every origin a replica holds. All other packages speak
// in these words; this one imports none of them.
package gazetteer

import (
	"cmp"
	"encoding/json"
	"time"
)

// Type names a kind of resource; all resources of one type in one region are served
// by one cluster. It is a DNS label, see [Type.Validate].
type Type string

// Internal types travel by the feed like every other. Users cannot write them.
const (
	TypesType   Type = "_types"   // one resource for each type
	RegionsType Type = "_regions" // one resource for each region
)

// ID names a resource within its type: 1 to 255 bytes of UTF-8, opaque.
type ID string

// LocationID names one location within its resource: 1 to 255 bytes of UTF-8.
type LocationID string

// Key names a resource.
type Key struct {
	Type Type
	ID   ID
}

func (k Key) String() string { return string(k.Type) + "/" + string(k.ID) }

// Partition is one slice of the ids of one type. Rings own partitions; partitions
// never split. See [PartitionOf].
type Partition struct {
	Type  Type
	Index uint32
}

// Compare orders partitions by type, then index.
func (p Partition) Compare(q Partition) int {
	return cmp.Or(cmp.Compare(p.Type, q.Type), cmp.Compare(p.Index, q.Index))
}

// NodeID names a process as the plan does.
type NodeID string

// RegionID names a region; it is a DNS label.
type RegionID string

// StoreID names the store of one node for good: it survives restarts and the loss of
// its disk. See [NodeID.Store].
type StoreID uint64

// Origin is one incarnation of a store that accepts writes. Every start takes a new
// incarnation of 64 random bits, so a position is never used for two contents, also
// when an old copy of a data directory is put back.
type Origin struct {
	Store       StoreID
	Incarnation uint64
}

// Compare orders origins as their big-endian bytes.
func (o Origin) Compare(p Origin) int {
	return cmp.Or(cmp.Compare(o.Store, p.Store), cmp.Compare(o.Incarnation, p.Incarnation))
}

// Position says as which write of which origin an update entered its partition. The
// first write of an origin into a partition has Seq 1.
type Position struct {
	Origin Origin
	Seq    uint64
}

// Compare orders positions by origin, then sequence number.
func (p Position) Compare(q Position) int {
	return cmp.Or(p.Origin.Compare(q.Origin), cmp.Compare(p.Seq, q.Seq))
}

// Clock is a hybrid logical clock: 48 bits of milliseconds since 1970, then a 16-bit
// counter; a full counter carries into the milliseconds (Kulkarni et al. 2014).
type Clock uint64

// ClockAt returns the first clock value of a millisecond.
func ClockAt(unixMilli int64) Clock { return Clock(unixMilli) << 16 }

// UnixMilli returns the millisecond part.
func (c Clock) UnixMilli() int64 { return int64(c >> 16) }

// Stamp orders the values of one element: the higher stamp wins on every replica,
// whatever the order of arrival.
type Stamp struct {
	Epoch  uint32 // 0 in mode multi; the mastership's epoch in mode mastered
	Clock  Clock
	Origin Origin
}

// Compare orders stamps by epoch, clock, then origin. It is 0 only for one and the
// same update.
func (s Stamp) Compare(t Stamp) int {
	return cmp.Or(cmp.Compare(s.Epoch, t.Epoch), cmp.Compare(s.Clock, t.Clock), s.Origin.Compare(t.Origin))
}

// Element names the unit of change within a partition: a resource's attributes
// (empty Location) or one location of it.
type Element struct {
	ID       ID
	Location LocationID
}

// Compare orders elements by id, then location: attributes come first.
func (e Element) Compare(f Element) int {
	return cmp.Or(cmp.Compare(e.ID, f.ID), cmp.Compare(e.Location, f.Location))
}

// Update is one new value, or a tombstone, of one element.
type Update struct {
	Element  Element
	Stamp    Stamp
	Position Position
	// Context holds, for each origin, the highest position of this element that the
	// writer had seen; positions below the stable stamp are left out. A loser that
	// the winner's context does not cover was written concurrently.
	Context   Vector
	Tombstone bool
	// Body is opaque to rings, links and stores: they forward it unopened, so an
	// older server keeps what it does not understand. Nil for a tombstone.
	Body []byte
}

// Size returns about how many bytes u takes on the wire.
func (u *Update) Size() int {
	return 64 + len(u.Element.ID) + len(u.Element.Location) + 24*len(u.Context) + len(u.Body)
}

// Point is a place on earth in decimal degrees.
type Point struct{ Lat, Lon float64 }

// Label is one key and value that a filter can name.
type Label struct{ Key, Value string }

// Location is one place where a resource can be had.
type Location struct {
	ID  LocationID
	URL string
	// Point is meaningful only if Located: unknown is unknown, never 0,0.
	Point   Point
	Located bool
	Country string  // ISO 3166-1 alpha-2, upper case, or empty
	Weight  float64 // relative share of requests; 1 unless the publisher says otherwise, 0 takes it out
	Labels  []Label // sorted by key
}

// Record is what is stored of a resource.
type Record struct {
	Key        Key
	Attributes json.RawMessage // a compact JSON object; nil when the resource has locations only
	Locations  []Location      // sorted by id
	Version    Version
	// Health is what regions know of the locations, in their order; it is no part of what
	// a publisher says, and not covered by the version.
	Health []Health
}

// Health is what one region knows of one location.
type Health struct {
	Location LocationID
	Aspect   Aspect
	Region   RegionID
	Down     bool
	Term     time.Duration // of a lease: how long one renewal lasts
	Since    int64         // Unix milliseconds
}

// Version is a digest over the (element, stamp) of a record's live elements: equal
// content has an equal version on every mirror. 0 stands for a record that does not
// exist.
type Version uint64

// Limits, refused at the edge before anything is allocated for them.
const (
	MaxIDBytes      = 255
	MaxElementBytes = 64 << 10
	MaxRecordBytes  = 1 << 20
	MaxLocations    = 10_000
)

// DefaultPartitions is the planet's partition count unless its first region was
// founded with another. It is checked at every join and never changes.
const DefaultPartitions = 271
