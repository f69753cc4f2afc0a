package rest

import (
	"gazetteer"
	"gazetteer/api/rest/jsontext"
)

// appendDocument appends a record as its resource document.
func appendDocument(dst []byte, r *gazetteer.Record) []byte {
	dst = jsontext.AppendString(append(dst, `{"type":`...), string(r.Key.Type))
	dst = jsontext.AppendString(append(dst, `,"id":`...), string(r.Key.ID))
	dst = append(dst, `,"attributes":`...)
	if len(r.Attributes) == 0 {
		dst = append(dst, "{}"...)
	}
	dst = append(dst, r.Attributes...)
	dst = append(dst, `,"locations":[`...)
	for i := range r.Locations {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendLocation(append(dst, '{'), &r.Locations[i]), '}')
	}
	dst = append(dst, `],"version":"`...)
	return append(appendVersion(dst, r.Version), `"}`...)
}

// appendLocation appends the members of a location, without the braces: an answer adds
// its own. What is unknown is left out.
func appendLocation(dst []byte, l *gazetteer.Location) []byte {
	dst = jsontext.AppendString(append(dst, `"id":`...), string(l.ID))
	dst = jsontext.AppendString(append(dst, `,"url":`...), l.URL)
	if l.Located {
		dst = appendPoint(append(dst, ','), l.Point)
	}
	if l.Country != "" {
		dst = jsontext.AppendString(append(dst, `,"country":`...), l.Country)
	}
	dst = jsontext.AppendFloat(append(dst, `,"weight":`...), l.Weight)
	if len(l.Labels) > 0 {
		dst = appendLabels(dst, l.Labels)
	}
	return dst
}

func appendPoint(dst []byte, p gazetteer.Point) []byte {
	dst = jsontext.AppendFloat(append(dst, `"lat":`...), p.Lat)
	return jsontext.AppendFloat(append(dst, `,"lon":`...), p.Lon)
}

func appendLabels(dst []byte, ls []gazetteer.Label) []byte {
	dst = append(dst, `,"labels":{`...)
	for i := range ls {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsontext.AppendString(dst, ls[i].Key), ':')
		dst = jsontext.AppendString(dst, ls[i].Value)
	}
	return append(dst, '}')
}

// appendVersion appends the 16 hexadecimal digits of a version.
func appendVersion(dst []byte, v gazetteer.Version) []byte {
	const hex = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, hex[v>>shift&15])
	}
	return dst
}
