package gazetteer

import "encoding/binary"

// besideMark begins the id of an element that stands beside a location. No UTF-8 text
// holds this byte, so no publisher can name such an element, and in a record they all
// come behind the locations.
const besideMark = 0xff

// Aspect is what an element beside a location is about.
type Aspect byte

const (
	// Leased elements say whether a publisher still renews a location's lease.
	Leased Aspect = 'l'
	// Checked elements say what a region's own checks of a location found.
	Checked Aspect = 'c'
)

// Beside names an element that stands beside a location: what the service knows of it,
// which must not overwrite what its publisher says. It has one writer, the region in its
// name. It counts neither for the existence of its resource nor for its version.
type Beside struct {
	Aspect   Aspect
	Location uint64 // see [LocationID.Hash]
	Region   RegionID
}

// Hash stands for a location in the names of what is beside it: these must not become
// longer than an id may be. Two locations of one resource with one hash share their
// health, which does no more harm than a health that is wrong.
func (id LocationID) Hash() uint64 { return Hash(string(id)) }

const besideBytes = 1 + 1 + 8 // mark, aspect, location

// Element returns the name as the location of an element: mark, aspect, the location's
// hash as big-endian bytes, region. So all that is known of one aspect of a location is
// in one piece.
func (b Beside) Element() LocationID {
	var room [besideBytes + 63]byte
	dst := append(room[:0], besideMark, byte(b.Aspect))
	dst = binary.BigEndian.AppendUint64(dst, b.Location)
	return LocationID(append(dst, b.Region...))
}

// IsBeside reports whether an element's location is the name of one beside it. What a
// newer version keeps there is among them, whether this one understands it or not.
func (id LocationID) IsBeside() bool { return len(id) > 0 && id[0] == besideMark }

// Beside returns what an element's location names; false if that is no element beside a
// location, or none that this version knows. The region shares the id's memory.
func (id LocationID) Beside() (Beside, bool) {
	if !id.IsBeside() || len(id) < besideBytes {
		return Beside{}, false
	}
	b := Beside{Aspect: Aspect(id[1]), Region: RegionID(id[besideBytes:])}
	for i := range 8 {
		b.Location = b.Location<<8 | uint64(id[2+i])
	}
	return b, b.Aspect == Leased || b.Aspect == Checked
}
