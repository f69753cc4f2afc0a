package planet

import (
	"slices"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/control"
)

// describe returns what a region says of itself.
func describe(p *control.Plan, group string, place *Place) Description {
	d := Description{Group: group, Place: place, Entries: []Entry{}, Stores: []StoreID{}}
	for _, state := range []control.MemberState{control.Live, control.Joining, control.Dead} {
		for _, m := range p.Members() {
			if m.State == state && m.Addr != "" && slices.Contains(p.Roles(m.Name), region.RoleRegion) {
				d.Entries = append(d.Entries, Entry{Node: m.Name, Addr: m.Addr, HTTP: m.HTTP})
			}
		}
	}
	for _, s := range p.Stores() {
		d.Stores = append(d.Stores, StoreID(s))
	}
	return d
}

func (d *Description) equal(e *Description) bool {
	return d.Group == e.Group && slices.Equal(d.Entries, e.Entries) && slices.Equal(d.Stores, e.Stores) &&
		(d.Place == nil) == (e.Place == nil) && (d.Place == nil || *d.Place == *e.Place)
}

// shared returns a store that two regions both claim; false if there is none.
func (d *Description) shared(e *Description) (StoreID, bool) {
	for _, s := range d.Stores {
		if slices.Contains(e.Stores, s) {
			return s, true
		}
	}
	return 0, false
}

// atlas is what one plan says of all other regions.
type atlas struct {
	plan    *control.Plan
	records []Record // by name
}

// others returns the other regions by the plan in use. They are read once for each plan:
// a lookup that has to go elsewhere must not wait for a decoder.
func (p *Planet) others() []Record {
	plan := p.plan()
	if a := p.atlas.Load(); a != nil && a.plan == plan {
		return a.records
	}
	a := &atlas{plan: plan}
	for _, name := range plan.PeerNames() {
		r, err := peerOf(name, plan.Peers()[name])
		if err != nil {
			p.Logger.Error("what the plan holds of another region cannot be read", "region", string(name), "error", err)
			continue
		}
		a.records = append(a.records, r)
	}
	p.atlas.Store(a)
	return a.records
}

// find returns the record of a region; nil if there is none.
func find(all []Record, name gazetteer.RegionID) *Record {
	i := slices.IndexFunc(all, func(r Record) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return &all[i]
}
