package rest

import (
	"gazetteer/api/rest/jsontext"
)

// member is one member of an object; raw is the compact text of its value.
type member struct{ key, raw string }

// merge applies a merge patch to a value (RFC 7396, section 2). Both are compact, valid
// JSON, target may be empty. Values that the patch does not name keep their text and
// their order.
func merge(target, patch string) string {
	if patch[0] != '{' {
		return patch
	}
	all := members(target)
	place := make(map[string]int, len(all))
	for i := range all {
		place[all[i].key] = i
	}
	for _, p := range members(patch) {
		i, known := place[p.key]
		switch {
		case p.raw == "null" && known:
			all[i].raw = ""
		case p.raw == "null":
		case known:
			all[i].raw = merge(all[i].raw, p.raw)
		default:
			all = append(all, member{p.key, merge("", p.raw)})
		}
	}
	return object(all)
}

// members returns the members of an object in their order, none of any other value.
func members(text string) []member {
	var r jsontext.Reader
	r.Reset(text)
	if text == "" || text[0] != '{' {
		return nil
	}
	var all []member
	for ok := r.Object(); ok; {
		var key string
		if key, ok = r.Key(); ok {
			all = append(all, member{key, r.Raw()})
		}
	}
	return all
}

// object writes members again, without those whose text is empty.
func object(all []member) string {
	b := []byte{'{'}
	for _, m := range all {
		if m.raw == "" {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(jsontext.AppendString(b, m.key), ':'), m.raw...)
	}
	return string(append(b, '}'))
}
