package region

import (
	"context"

	"gazetteer"
	"gazetteer/ring"
)

// The directory of regions is a type like others, but clients cannot write it: what
// keeps it is not the regional server but whoever knows of other regions.

// RegionChange is what is written of one region's record; what is nil stays as it is.
type RegionChange struct {
	Attributes []byte // a compact JSON object: the region's own word
	Location   *gazetteer.Location
}

// Regions returns the records of all regions that this one knows of, the own one
// included.
func (s *Server) Regions(ctx context.Context) ([]gazetteer.Record, error) {
	var out []gazetteer.Record
	for page, err := range s.pages(ctx, gazetteer.RegionsType, "", Cursor{}, MaxLimit) {
		if err != nil {
			return nil, err
		}
		out = append(out, page.Records...)
	}
	return out, nil
}

// WriteRegion writes elements of a region's record. It fails with Unavailable when too
// few replicas took them; the change then travels when they return.
func (s *Server) WriteRegion(ctx context.Context, r gazetteer.RegionID, what RegionChange) error {
	c := Change{Key: gazetteer.Key{Type: gazetteer.RegionsType, ID: gazetteer.ID(r)}, Attributes: what.Attributes}
	values, err := what.values(&c)
	if err != nil {
		return err
	}
	w := ring.Write{
		Partition: gazetteer.PartitionOf(c.Key, s.partitions), ID: c.Key.ID,
		Put: values, Ack: ring.AckRing, Deadline: deadlineDefault,
	}
	o := s.groups.of(c.Key.Type).write(ctx, c.Key.Type, []ring.Write{w}, 0)[0]
	if o.Err == nil && o.Reached < w.Ack {
		o.Err = refuse(&c, gazetteer.Unavailable, "", "written on one replica only: too few of its ring are alive; the change travels when they return")
	}
	return atEdge(o.Err)
}

func (w *RegionChange) values(c *Change) (out []ring.Value, err error) {
	if w.Attributes != nil {
		v, err := c.attributes()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if w.Location != nil {
		v, err := c.value(w.Location)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
