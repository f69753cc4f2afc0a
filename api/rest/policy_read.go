package rest

import (
	"errors"

	"gazetteer"
	"gazetteer/region/geo"
)

// policyOf makes a policy of its document as it stands in a type's; nil of one that says
// nothing. What a policy may say is judged by geo, for every face alike.
func policyOf(d *geo.PolicyDocument) (*geo.Policy, error) {
	p, err := geo.NewPolicy(d)
	return p, under("/policy", err)
}

// under makes an error's pointer one of the whole document.
func under(at string, err error) error {
	var e *gazetteer.Error
	if !errors.As(err, &e) {
		return err
	}
	whole := *e
	whole.Pointer = at + e.Pointer
	return &whole
}

// fields reads an object, each member by what field does.
func (r *reader) fields(field func(key string)) {
	for ok := r.Object(); ok; {
		var key string
		if key, ok = r.Key(); ok {
			field(key)
		}
	}
}

// listOf reads an array of objects, each member of one by what field does.
func listOf[T any](r *reader, field func(key string, v *T)) []T {
	var all []T
	for ok := r.Array(); ok && r.Next(); {
		var v T
		r.fields(func(key string) { field(key, &v) })
		all = append(all, v)
	}
	return all
}

func (r *reader) strings() []string {
	var all []string
	for ok := r.Array(); ok && r.Next(); {
		all = append(all, r.String())
	}
	return all
}

func (r *reader) policyField(key string, d *geo.PolicyDocument) {
	switch key {
	case "pin":
		d.Pin = r.strings()
	case "region":
		d.Region = gazetteer.RegionID(r.String())
	case "countries":
		d.Countries = listOf(r, r.countryRule)
	case "tiers":
		d.Tiers = listOf(r, r.tierRule)
	case "beyond_tiers":
		d.Beyond = r.String()
	case "weights":
		d.Weights = r.String()
	case "bias":
		d.Bias = listOf(r, r.biasRule)
	case "load":
		d.Load = new(geo.LoadRule)
		r.fields(func(key string) { r.loadRule(key, d.Load) })
	case "network":
		d.Network = &geo.NetworkRule{IPv4: 24, IPv6: 56}
		r.fields(func(key string) { r.networkRule(key, d.Network) })
	default:
		r.Unknown()
	}
}

func (r *reader) countryRule(key string, c *geo.CountryRule) {
	switch key {
	case "locations":
		c.Locations = r.String()
	case "allow":
		c.Allow = r.strings()
	case "deny":
		c.Deny = r.strings()
	default:
		r.Unknown()
	}
}

func (r *reader) tierRule(key string, t *geo.TierRule) {
	switch key {
	case "name":
		t.Name = r.String()
	case "within_km":
		if t.WithinKM = r.Number(); t.WithinKM == 0 && r.Err() == nil {
			r.Fail("is 0, which would be anywhere; leave it out, or give a distance")
		}
	case "same_country":
		t.SameCountry = r.Bool()
	case "locations":
		t.Locations = r.String()
	default:
		r.Unknown()
	}
}

func (r *reader) biasRule(key string, b *geo.BiasRule) {
	switch key {
	case "locations":
		b.Locations = r.String()
	case "percent":
		b.Percent = r.Number()
	default:
		r.Unknown()
	}
}

func (r *reader) loadRule(key string, l *geo.LoadRule) {
	switch key {
	case "label":
		l.Label = r.String()
	case "from":
		l.From = r.Number()
	case "full":
		l.Full = r.Number()
	default:
		r.Unknown()
	}
}

func (r *reader) networkRule(key string, n *geo.NetworkRule) {
	switch key {
	case "ipv4":
		n.IPv4 = int(r.whole(0, 32))
	case "ipv6":
		n.IPv6 = int(r.whole(0, 128))
	default:
		r.Unknown()
	}
}
