package resttest

import (
	"net/netip"
	"slices"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/geo"
)

// Order appends Choices, whoever asks; the client is where he says.
func (r *Regional) Order(dst []region.Choice, c *geo.Client) (geo.Place, []region.Choice) {
	return new(geo.Locator).Locate(*c), append(dst, r.Choices...)
}

// Measure takes what concerns the regions in Choices, and remembers it.
func (r *Regional) Measure(client netip.Addr, all []geo.Measurement) (region.Reported, error) {
	out := region.Reported{Network: geo.SourceOf(client), Taken: len(all)}
	if !out.Network.IsValid() {
		return out, &gazetteer.Error{Op: "resttest.Measure", Kind: gazetteer.Unprocessable, Detail: "no address of a client"}
	}
	for _, m := range all {
		if !slices.ContainsFunc(r.Choices, func(c region.Choice) bool { return c.Site.Name == m.Region }) {
			return out, &gazetteer.Error{Op: "resttest.Measure", Kind: gazetteer.Unprocessable, Pointer: "/measurements/0/region", Detail: "no such region"}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.measured = append(r.measured, all...)
	return out, nil
}

// Measured returns all that was taken.
func (r *Regional) Measured() []geo.Measurement {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.measured)
}
