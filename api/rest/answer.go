package rest

import (
	"time"

	"gazetteer/api/rest/jsontext"
	"gazetteer/region"
	"gazetteer/region/geo"
)

// appendAnswer appends an answer to a lookup as JSON.
func appendAnswer(dst []byte, a *region.Answer, explain bool) []byte {
	dst = jsontext.AppendString(append(dst, `{"type":`...), string(a.Key.Type))
	dst = jsontext.AppendString(append(dst, `,"id":`...), string(a.Key.ID))
	dst = append(appendVersion(append(dst, `,"version":"`...), a.Version), '"')
	dst = append(dst, `,"locations":[`...)
	for i := range a.Candidates {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendRanked(dst, &a.Candidates[i])
	}
	dst = appendPlace(append(dst, `],"client":`...), &a.Client)
	dst = jsontext.AppendString(append(dst, `,"served_by":{"region":`...), string(a.Region))
	dst = jsontext.AppendString(append(dst, `,"node":`...), string(a.Node))
	dst = appendSeconds(append(dst, `},"staleness_seconds":`...), a.Staleness)
	if a.Degraded {
		dst = append(dst, `,"degraded":true`...)
	}
	if explain {
		dst = appendExplanation(append(dst, `,"explain":`...), a)
	}
	return append(dst, '}')
}

// appendRanked appends a location as it stands in an answer.
func appendRanked(dst []byte, c *geo.Candidate) []byte {
	dst = appendLocation(append(dst, '{'), &c.Location)
	dst = appendDistance(dst, c)
	dst = jsontext.AppendString(append(dst, `,"state":`...), c.State.String())
	dst = append(dst, `,"score":`...)
	return append(jsontext.AppendFixed(dst, c.Score, 3), '}')
}

func appendDistance(dst []byte, c *geo.Candidate) []byte {
	if !c.HasDistance {
		return dst
	}
	return jsontext.AppendFixed(append(dst, `,"distance_km":`...), c.DistanceKM, 1)
}

func appendPlace(dst []byte, p *geo.Place) []byte {
	dst = append(dst, '{')
	if p.Located {
		dst = append(appendPoint(dst, p.Point), ',')
	}
	if p.Country != "" {
		dst = append(jsontext.AppendString(append(dst, `"country":`...), p.Country), ',')
	}
	return append(jsontext.AppendString(append(dst, `"method":`...), string(p.Method)), '}')
}

// appendExplanation appends the way of a lookup, and for every location the terms of its
// score or why it was left out.
func appendExplanation(dst []byte, a *region.Answer) []byte {
	dst = append(dst, `{"hops":[`...)
	for i := range a.Hops {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendHop(dst, &a.Hops[i])
	}
	dst = append(dst, `],"candidates":[`...)
	for i := range a.Candidates {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendTerms(dst, &a.Candidates[i])
	}
	for i := range a.Excluded {
		if i+len(a.Candidates) > 0 {
			dst = append(dst, ',')
		}
		dst = appendTerms(dst, &a.Excluded[i])
	}
	dst = append(dst, ']')
	if a.PolicyIgnored != "" {
		dst = jsontext.AppendString(append(dst, `,"policy_ignored":`...), a.PolicyIgnored)
	}
	return append(dst, '}')
}

func appendHop(dst []byte, h *region.Hop) []byte {
	dst = jsontext.AppendString(append(dst, `{"role":`...), h.Role)
	dst = jsontext.AppendString(append(dst, `,"name":`...), h.Name)
	dst = append(dst, `,"seconds":`...)
	return append(appendMicroseconds(dst, h.Took), '}')
}

// appendMicroseconds appends a duration in seconds to the microsecond.
func appendMicroseconds(dst []byte, d time.Duration) []byte {
	return jsontext.AppendFixed(dst, d.Seconds(), 6)
}

func appendTerms(dst []byte, c *geo.Candidate) []byte {
	dst = jsontext.AppendString(append(dst, `{"id":`...), string(c.Location.ID))
	dst = appendDistance(dst, c)
	if c.Excluded != "" {
		dst = jsontext.AppendString(append(dst, `,"excluded":`...), c.Excluded)
	}
	if c.Terms == (geo.Terms{}) {
		return append(dst, '}') // it never came to a score
	}
	dst = jsontext.AppendFloat(append(dst, `,"score":`...), c.Score)
	return append(appendScoreTerms(append(dst, `,"terms":`...), &c.Terms), '}')
}

// appendScoreTerms appends terms to the last digit: sorting by them gives the order of the
// answer. What no policy and no preference has touched is left out.
func appendScoreTerms(dst []byte, t *geo.Terms) []byte {
	dst = append(dst, '{')
	if t.Spilled {
		dst = append(dst, `"spilled":true,`...)
	}
	if t.Preferred {
		dst = append(dst, `"preferred":true,`...)
	}
	if t.TierRank > 0 {
		dst = jsontext.AppendString(append(dst, `"tier":`...), t.Tier)
		dst = append(appendInt(append(dst, `,"tier_rank":`...), int64(t.TierRank)), ',')
	}
	dst = jsontext.AppendFloat(append(dst, `"km":`...), t.KM)
	if t.Bias != 1 && t.Bias != 0 {
		dst = jsontext.AppendFloat(append(dst, `,"bias":`...), t.Bias)
	}
	dst = jsontext.AppendFloat(append(dst, `,"weight":`...), t.Weight)
	dst = jsontext.AppendFloat(append(dst, `,"top_weight":`...), t.TopWeight)
	dst = jsontext.AppendFloat(append(dst, `,"draw":`...), t.Draw)
	if t.Load > 0 {
		dst = jsontext.AppendFloat(append(dst, `,"load":`...), t.Load)
	}
	if t.Assumed != "" {
		dst = jsontext.AppendString(append(dst, `,"assumed":`...), t.Assumed)
	}
	return append(dst, '}')
}
