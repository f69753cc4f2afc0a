package geo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"gazetteer"
)

// Limits of a policy: each rule costs a little for every location of every lookup.
const (
	maxRules     = 32
	maxTiers     = 16
	maxCountries = 26 * 26
	maxNameBytes = 63
	furthestTier = "world" // what no tier takes
	maxBias      = 99
)

// policyPart is one member of a policy's document. Parts are made ready in this order.
type policyPart struct {
	name    string
	compile func(*Policy, *PolicyDocument) error
}

func policyParts() []policyPart {
	return []policyPart{
		{"pin", (*Policy).compilePin},
		{"region", (*Policy).compileRegion},
		{"countries", (*Policy).compileCountries},
		{"tiers", (*Policy).compileTiers},
		{"beyond_tiers", (*Policy).compileBeyond},
		{"weights", (*Policy).compileWeights},
		{"bias", (*Policy).compileBias},
		{"load", (*Policy).compileLoad},
		{"network", (*Policy).compileNetwork},
	}
}

// parse makes one part of a stored document ready, or leaves it out.
func (part *policyPart) parse(p *Policy, raw json.RawMessage) error {
	text := fmt.Appendf(nil, "{%q:%s}", part.name, raw)
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var doc PolicyDocument
	if err := d.Decode(&doc); err != nil {
		return badPolicy("/"+part.name, "cannot be read: %v", err)
	}
	return part.compile(p, &doc)
}

func (p *Policy) compilePin(d *PolicyDocument) error {
	pins, err := compileRules("/pin", d.Pin, func(at string, text string) (Filter, error) {
		f, err := policyFilter(at, text)
		if err == nil && f.IsZero() {
			err = badPolicy(at, "holds for every location; name some, or leave the pin out")
		}
		return f, err
	})
	if err == nil {
		p.pins = pins
	}
	return err
}

// compileRules makes each rule of a list ready; one that is not fails all.
func compileRules[D, R any](at string, docs []D, compile func(at string, d D) (R, error)) ([]R, error) {
	if len(docs) > maxRules {
		return nil, badPolicy(at, "has %d entries, at most %d are allowed", len(docs), maxRules)
	}
	var rules []R
	for i, d := range docs {
		r, err := compile(fmt.Sprintf("%s/%d", at, i), d)
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func (p *Policy) compileRegion(d *PolicyDocument) error {
	if d.Region != "" {
		if err := d.Region.Validate(); err != nil {
			return badPolicy("/region", "%s", detailOf(err))
		}
	}
	p.region = d.Region
	return nil
}

func (p *Policy) compileCountries(d *PolicyDocument) error {
	rules, err := compileRules("/countries", d.Countries, compileCountryRule)
	if err == nil {
		p.countries = rules
	}
	return err
}

func compileCountryRule(at string, d CountryRule) (r countryRule, err error) {
	if len(d.Allow) == 0 && len(d.Deny) == 0 {
		return r, badPolicy(at, "allows and denies nobody; name countries in allow or in deny")
	}
	if r.of, err = policyFilter(at+"/locations", d.Locations); err != nil {
		return r, err
	}
	if r.allow, err = countryList(at+"/allow", d.Allow); err != nil {
		return r, err
	}
	r.deny, err = countryList(at+"/deny", d.Deny)
	return r, err
}

func countryList(at string, codes []string) ([]string, error) {
	if len(codes) > maxCountries {
		return nil, badPolicy(at, "names more countries than there are codes")
	}
	for i, c := range codes {
		if !gazetteer.IsCountry(c) {
			return nil, badPolicy(fmt.Sprintf("%s/%d", at, i), "%.80q is not an ISO 3166-1 alpha-2 code of two upper-case letters", c)
		}
	}
	return slices.Sorted(slices.Values(codes)), nil
}

func (p *Policy) compileTiers(d *PolicyDocument) error {
	if len(d.Tiers) > maxTiers {
		return badPolicy("/tiers", "has %d entries, at most %d are allowed", len(d.Tiers), maxTiers)
	}
	tiers, err := compileRules("/tiers", d.Tiers, compileTier)
	if err != nil {
		return err
	}
	if err := checkTiers(tiers); err != nil {
		return err
	}
	p.tiers = tiers
	return nil
}

func compileTier(at string, d TierRule) (t tier, err error) {
	if d.Name == "" || len(d.Name) > maxNameBytes || !utf8.ValidString(d.Name) {
		return t, badPolicy(at+"/name", "has %d bytes, want 1 to %d of UTF-8", len(d.Name), maxNameBytes)
	}
	if !(d.WithinKM >= 0) || d.WithinKM > furthestKM {
		return t, badPolicy(at+"/within_km", "%v is not between 0 and %v", d.WithinKM, math.Floor(furthestKM))
	}
	f, err := policyFilter(at+"/locations", d.Locations)
	return tier{name: d.Name, withinKM: d.WithinKM, sameCountry: d.SameCountry, of: f}, err
}

// checkTiers refuses a name that stands twice, and a tier that nothing can reach.
func checkTiers(tiers []tier) error {
	for i := range tiers {
		at := fmt.Sprintf("/tiers/%d", i)
		if slices.ContainsFunc(tiers[:i], func(t tier) bool { return t.name == tiers[i].name }) {
			return badPolicy(at+"/name", "%q is the name of an earlier tier, too", tiers[i].name)
		}
		if i > 0 && tiers[i-1].takesAll() {
			return badPolicy(at, "no location comes so far: the tier before it takes all")
		}
	}
	return nil
}

func (t *tier) takesAll() bool { return t.withinKM == 0 && !t.sameCountry && t.of.IsZero() }

func (p *Policy) compileBeyond(d *PolicyDocument) error {
	switch {
	case d.Beyond != "" && d.Beyond != "rank" && d.Beyond != "exclude":
		return badPolicy("/beyond_tiers", "%.80q is neither rank nor exclude", d.Beyond)
	case d.Beyond != "" && len(p.tiers) == 0:
		return badPolicy("/beyond_tiers", "means nothing without tiers")
	}
	p.exclusive = d.Beyond == "exclude"
	return nil
}

func (p *Policy) compileWeights(d *PolicyDocument) error {
	if d.Weights != "" && d.Weights != "pull" && d.Weights != "share" {
		return badPolicy("/weights", "%.80q is neither pull nor share", d.Weights)
	}
	p.share = d.Weights == "share"
	return nil
}

func (p *Policy) compileBias(d *PolicyDocument) error {
	rules, err := compileRules("/bias", d.Bias, compileBiasRule)
	if err == nil {
		p.biases = number(rules)
	}
	return err
}

// number gives rules of one factor one number, and 0 to those that change nothing: what
// pulls together is told apart by it.
func number(rules []bias) []bias {
	for i := range rules {
		if rules[i].factor != 1 {
			first := slices.IndexFunc(rules, func(b bias) bool { return b.factor == rules[i].factor })
			rules[i].number = uint8(first + 1)
		}
	}
	return rules
}

func compileBiasRule(at string, d BiasRule) (bias, error) {
	if !(d.Percent >= -maxBias && d.Percent <= maxBias) {
		return bias{}, badPolicy(at+"/percent", "%v is not between -%d and %d", d.Percent, maxBias, maxBias)
	}
	f, err := policyFilter(at+"/locations", d.Locations)
	return bias{of: f, factor: biasFactor(d.Percent)}, err
}

// biasFactor is what a bias makes of a way, as the geoproximity routing of Amazon
// Route 53 defines it: 50 halves it, -50 doubles it.
func biasFactor(percent float64) float64 {
	if percent < 0 {
		return 1 / (1 + percent/100)
	}
	return 1 - percent/100
}

func (p *Policy) compileLoad(d *PolicyDocument) error {
	l := d.Load
	if l == nil {
		return nil
	}
	switch {
	case l.Label == "":
		return badPolicy("/load/label", "is missing: it is the key of the label that tells the load")
	case !(l.From >= 0) || math.IsInf(l.From, 0):
		return badPolicy("/load/from", "%v is not a load: want a number from 0 on", l.From)
	case !(l.Full > 0) || !(l.Full >= l.From) || math.IsInf(l.Full, 0):
		return badPolicy("/load/full", "%v is below from, or 0: clients go elsewhere from one to the other", l.Full)
	}
	own := *l
	p.load = &own
	return nil
}

func (p *Policy) compileNetwork(d *PolicyDocument) error {
	n := d.Network
	if n == nil {
		return nil
	}
	for _, family := range []struct {
		name       string
		bits, most int
	}{{"ipv4", n.IPv4, networkDefault.IPv4}, {"ipv6", n.IPv6, networkDefault.IPv6}} {
		if family.bits < 0 || family.bits > family.most {
			return badPolicy("/network/"+family.name, "%d is not between 0 and %d bits: of a client that asks through DNS no more is known", family.bits, family.most)
		}
	}
	p.network = *n
	return nil
}

func policyFilter(at, text string) (Filter, error) {
	f, err := ParseFilter(text)
	if err != nil {
		return Filter{}, badPolicy(at, "%s", detailOf(err))
	}
	return f, nil
}

func badPolicy(pointer, format string, args ...any) error {
	return &gazetteer.Error{Op: "geo.NewPolicy", Kind: gazetteer.Unprocessable, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
}

// detailOf is what an error of this house says to a person.
func detailOf(err error) string {
	if e, ok := err.(*gazetteer.Error); ok {
		return e.Detail
	}
	return err.Error()
}
