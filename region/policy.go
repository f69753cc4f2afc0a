package region

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"gazetteer"
	"gazetteer/region/geo"
)

// policyOf makes a stored policy ready, unless the type known so far has the same one.
func policyOf(text json.RawMessage, known *TypeSpec) *geo.Policy {
	switch {
	case len(text) == 0 || string(text) == "null":
		return nil
	case known != nil && known.Policy.Text() == string(text):
		return known.Policy
	}
	return geo.ParsePolicy(string(text))
}

// readFor reads the record that a query asks for, in the region that it names or else
// that the policy does. A policy's region that cannot answer is only a wish: the data is
// here, too.
func (s *Server) readFor(ctx context.Context, dst []byte, q *Query, spec *TypeSpec) ([]byte, ReadInfo, error) {
	pinned := spec.Policy.Region()
	if q.Region != "" || pinned == "" || !s.reaches(pinned) {
		return s.readAt(ctx, dst, q.Key, q.Region)
	}
	out, info, err := s.readAt(ctx, dst, q.Key, pinned)
	if err != nil && elsewhere(err) && ctx.Err() == nil {
		return s.readAt(ctx, dst, q.Key, "")
	}
	return out, info, err
}

// reaches reports whether a region is likely to answer.
func (s *Server) reaches(r gazetteer.RegionID) bool {
	at := s.site(r)
	return at != nil && (at.Self || at.State == SiteLive)
}

// addressCountry is where the address of a client is whose place is his own word, "" if
// that does not matter. Who is let in is not decided by what he says.
func (s *Server) addressCountry(q *Query, spec *TypeSpec, placed geo.Method) string {
	switch placed {
	case geo.StatedPoint, geo.StatedCountry, geo.StatedIP:
		if spec.Policy.AsksCountry() {
			return s.locator.Locate(geo.Client{Addr: q.Client.Addr}).Country
		}
	}
	return ""
}

// typeAttributes returns what is stored of a type. Fields of the type as it is stored now
// that this server does not know are kept: a newer server wrote them.
func (s *Server) typeAttributes(ctx context.Context, spec *TypeSpec) (json.RawMessage, error) {
	d := typeDocument{spec.Mode, int64(spec.TTL / time.Second), spec.Redirect, json.RawMessage(spec.Policy.Text()), documentOf(spec.Health)}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	now, err := s.get(ctx, typeKey(spec.Name))
	if err != nil {
		if gazetteer.KindOf(err) == gazetteer.NotFound {
			return text, nil
		}
		return nil, err
	}
	return withUnknown(text, now.Attributes)
}

// withUnknown adds to a type's text the members of the stored one that no field of
// typeDocument stands for.
func withUnknown(text, stored json.RawMessage) (json.RawMessage, error) {
	var all, own map[string]json.RawMessage
	if json.Unmarshal(stored, &all) != nil || json.Unmarshal(text, &own) != nil {
		return text, nil // what cannot be read has no members to keep
	}
	fields := reflect.TypeFor[typeDocument]()
	for i := range fields.NumField() {
		name, _, _ := strings.Cut(fields.Field(i).Tag.Get("json"), ",")
		delete(all, name)
	}
	if len(all) == 0 {
		return text, nil
	}
	for name, value := range own {
		all[name] = value
	}
	return json.Marshal(all)
}
