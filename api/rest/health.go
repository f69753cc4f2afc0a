package rest

import (
	"time"

	"gazetteer"
	"gazetteer/api/rest/jsontext"
	"gazetteer/region"
	checked "gazetteer/region/health"
)

// appendHealth appends what each region knows of the locations, behind a document whose
// last brace it takes away and gives back.
func appendHealth(dst []byte, facts []gazetteer.Health) []byte {
	dst = append(dst[:len(dst)-1], `,"health":[`...)
	for i := range facts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendFact(dst, &facts[i])
	}
	return append(dst, "]}"...)
}

func appendFact(dst []byte, f *gazetteer.Health) []byte {
	dst = jsontext.AppendString(append(dst, `{"location":`...), string(f.Location))
	dst = jsontext.AppendString(append(dst, `,"by":`...), byName(f.Aspect))
	dst = jsontext.AppendString(append(dst, `,"region":`...), string(f.Region))
	state := "up"
	if f.Down {
		state = "down"
	}
	dst = jsontext.AppendString(append(dst, `,"state":`...), state)
	if f.Since > 0 {
		since := time.UnixMilli(f.Since).UTC().Format("2006-01-02T15:04:05.000Z")
		dst = jsontext.AppendString(append(dst, `,"since":`...), since)
	}
	if f.Term > 0 {
		dst = appendSeconds(append(dst, `,"ttl_seconds":`...), f.Term)
	}
	return append(dst, '}')
}

func byName(a gazetteer.Aspect) string {
	if a == gazetteer.Leased {
		return "lease"
	}
	return "check"
}

// healthOf are the facts about one location.
func healthOf(facts []gazetteer.Health, id gazetteer.LocationID) (out []gazetteer.Health) {
	for _, f := range facts {
		if f.Location == id {
			out = append(out, f)
		}
	}
	return out
}

// appendChecks appends how a type's locations are checked, if they are.
func appendChecks(dst []byte, s *region.TypeSpec) []byte {
	h := &s.Health
	if !h.Checks() {
		return dst
	}
	dst = jsontext.AppendString(append(dst, `,"health":{"kind":`...), string(h.Kind))
	dst = appendSeconds(append(dst, `,"interval_seconds":`...), h.Interval)
	dst = appendSeconds(append(dst, `,"timeout_seconds":`...), h.Timeout)
	if h.Path != "" {
		dst = jsontext.AppendString(append(dst, `,"path":`...), h.Path)
	}
	if h.Port != 0 {
		dst = appendInt(append(dst, `,"port":`...), int64(h.Port))
	}
	dst = appendInt(append(dst, `,"rise":`...), int64(h.Rise))
	return append(appendInt(append(dst, `,"fall":`...), int64(h.Fall)), '}')
}

// checks reads how a type's locations are to be checked.
func (r *reader) checks() (s checked.Spec) {
	for ok := r.Object(); ok; {
		var key string
		if key, ok = r.Key(); ok {
			r.check(key, &s)
		}
	}
	if r.Err() == nil && !s.Checks() {
		r.Fail("lacks a kind")
	}
	return s
}

func (r *reader) check(key string, s *checked.Spec) {
	switch key {
	case "kind":
		s.Kind = checked.Kind(r.String())
	case "interval_seconds":
		s.Interval = r.seconds()
	case "timeout_seconds":
		s.Timeout = r.seconds()
	case "path":
		s.Path = r.String()
	case "port":
		s.Port = uint16(r.whole(1, 65535))
	case "rise":
		s.Rise = int(r.whole(1, 100))
	case "fall":
		s.Fall = int(r.whole(1, 100))
	default:
		r.Unknown()
	}
}

// seconds reads a time of whole milliseconds that no check goes beyond.
func (r *reader) seconds() time.Duration {
	v := r.Number()
	if r.Err() == nil && !(v >= 0.001 && v <= 86400) {
		r.Fail("%v is not a number of seconds from 0.001 to 86400", v)
	}
	return time.Duration(v*1000) * time.Millisecond
}
