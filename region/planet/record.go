package planet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"gazetteer"
)

// Record is what one region tells all others about itself, and what operators say of
// it: the resource ([gazetteer.RegionsType], name). What the region says are the
// attributes, what operators say are locations, so that neither overwrites the other.
type Record struct {
	Name gazetteer.RegionID
	Description
	Standing Standing
	Bias     time.Duration // in the order of regions, by the operators; see [region.Site]
}

// Description is a region's own word about itself.
type Description struct {
	// Group names the region's raft group: a region that was founded anew under an old
	// name has another one.
	Group string `json:"group"`
	Place *Place `json:"place,omitempty"` // nil if nobody said where it is
	// Entries are its regional servers, those that live first.
	Entries []Entry `json:"entries"`
	// Stores are those of all its replicas: the planet collects no tombstone that one
	// of them may lack.
	Stores []StoreID `json:"stores"`
}

// Place is where a region is, in decimal degrees.
type Place struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

// Entry is a regional server and where it is reached.
type Entry struct {
	Node gazetteer.NodeID `json:"node"`
	Addr string           `json:"peer"`           // host:port of its peer port
	HTTP string           `json:"http,omitempty"` // host:port of its REST face
}

// StoreID is written in hexadecimal: JSON's numbers do not hold 64 bits everywhere.
type StoreID gazetteer.StoreID

// MarshalText returns 16 hexadecimal digits.
func (s StoreID) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%016x", uint64(s)), nil }

// UnmarshalText reads what MarshalText writes.
func (s *StoreID) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	if err != nil || len(text) != 16 {
		return fmt.Errorf("%.40q is no store: 16 hexadecimal digits", text)
	}
	*s = StoreID(n)
	return nil
}

// State says how a region stands to the planet.
type State string

// The states of a region.
const (
	Expected State = "expected" // it may join, with its token
	Live     State = "live"
	Draining State = "draining" // it takes part in everything, but clients are sent elsewhere
	Removed  State = "removed"  // for good: its stores count no more
)

// Standing is what operators say of a region.
type Standing struct {
	State State
	// Token is the hash of what an expected region has to show before Until.
	Token string
	Until time.Time
}

// joined reports whether a region takes part in the planet.
func (s Standing) joined() bool { return s.State == Live || s.State == Draining }

// standingID names the location that holds a region's standing, standingURL stands where
// a location has its URL.
const (
	standingID  = "standing"
	standingURL = "gazetteer:standing"
)

// location returns the standing as it is stored.
func (s Standing) location() gazetteer.Location {
	l := gazetteer.Location{ID: standingID, URL: standingURL, Weight: 1, Labels: []gazetteer.Label{{Key: "state", Value: string(s.State)}}}
	if s.Token != "" {
		l.Labels = append(l.Labels,
			gazetteer.Label{Key: "token", Value: s.Token},
			gazetteer.Label{Key: "until", Value: s.Until.UTC().Format(time.RFC3339)})
	}
	return l
}

func standingOf(l *gazetteer.Location) (s Standing, err error) {
	for _, label := range l.Labels {
		switch label.Key {
		case "state":
			s.State = State(label.Value)
		case "token":
			s.Token = label.Value
		case "until":
			s.Until, err = time.Parse(time.RFC3339, label.Value)
		}
	}
	if !slices.Contains([]State{Expected, Live, Draining, Removed}, s.State) {
		return s, fmt.Errorf("%.40q is no state of a region", s.State)
	}
	return s, err
}

// recordOf reads a record of the directory. What operators have said nothing of is live:
// the first region of a planet founds it without asking.
func recordOf(r *gazetteer.Record) (Record, error) {
	out := Record{Name: gazetteer.RegionID(r.Key.ID), Standing: Standing{State: Live}}
	var err error
	if len(r.Attributes) > 0 && string(r.Attributes) != "{}" {
		err = decodeStrict(r.Attributes, &out.Description)
	}
	for i := range r.Locations {
		if l := &r.Locations[i]; err == nil {
			err = out.hear(l)
		}
	}
	if err != nil {
		return Record{}, &gazetteer.Error{Op: "planet.Directory", Kind: gazetteer.Internal, Key: r.Key, Err: err,
			Detail: "what the directory holds of the region cannot be read"}
	}
	return out, nil
}

// hear takes what operators say in a location; one that this server knows nothing of says
// nothing to it.
func (r *Record) hear(l *gazetteer.Location) (err error) {
	switch l.ID {
	case standingID:
		r.Standing, err = standingOf(l)
	case biasID:
		r.Bias, err = biasOf(l)
	}
	return err
}

// peerValue is a record as the region's plan keeps it.
type peerValue struct {
	Description
	State State `json:"state"`
}

func (r *Record) peer() ([]byte, error) {
	return json.Marshal(peerValue{r.Description, r.Standing.State})
}

func peerOf(name gazetteer.RegionID, value []byte) (Record, error) {
	var v peerValue
	if err := decodeStrict(value, &v); err != nil {
		return Record{}, &gazetteer.Error{Op: "planet.Peer", Kind: gazetteer.Internal, Err: err,
			Detail: fmt.Sprintf("what the plan holds of region %s cannot be read", name)}
	}
	return Record{Name: name, Description: v.Description, Standing: Standing{State: v.State}}, nil
}

// decodeStrict reads one JSON value with known keys only.
func decodeStrict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return fmt.Errorf("something follows the value")
	}
	return nil
}
