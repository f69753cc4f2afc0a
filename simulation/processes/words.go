package processes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// A write puts one location into a resource, whose URL says which write it was.
const (
	writtenID  = "w"
	writtenURL = "https://w.example.net/"
)

// appendRead appends the request that asks where a resource is.
func appendRead(dst []byte, s *stock, resource int) []byte {
	dst = append(dst, "GET /v1/resolve/"...)
	dst = append(append(dst, s.typ...), '/')
	dst = append(dst, s.paths[resource]...)
	dst = strconv.AppendInt(append(dst, "?limit="...), int64(s.limit), 10)
	return append(dst, " HTTP/1.1\r\nHost: sim\r\n\r\n"...)
}

// appendWrite appends the request that leaves a value in a resource.
func appendWrite(dst []byte, typ, path string, v value) []byte {
	body := fmt.Appendf(nil, `{"url":"%s%d/%d"}`, writtenURL, v.fleet, v.n)
	dst = fmt.Appendf(dst, "PUT /v1/types/%s/resources/%s/locations/%s HTTP/1.1\r\nHost: sim\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", typ, path, writtenID, len(body))
	return append(dst, body...)
}

// shown is what an answer says.
type shown struct {
	value *value // nil: none stands in it
	whole bool   // it has all locations, so a value that is not in it is not in the resource
}

// readAnswer takes an answer apart, false if it is not about the resource.
func readAnswer(body []byte, s *stock, resource int) (a shown, ok bool) {
	if !isAbout(body, s.ids[resource]) {
		return a, false
	}
	a.value, ok = valueIn(body)
	locations := bytes.Count(body, []byte(`"url":`))
	a.whole = locations < s.limit
	return a, ok && locations > 0
}

// isAbout reports whether the first id in an answer is that of a resource: its locations
// follow.
func isAbout(body []byte, id string) bool {
	const key = `"id":`
	_, rest, found := bytes.Cut(body, []byte(key))
	if !found {
		return false
	}
	if got, ok := plain(rest); ok {
		return string(got) == id
	}
	var text string
	return json.NewDecoder(bytes.NewReader(rest)).Decode(&text) == nil && text == id
}

// plain returns the text of a JSON string that needs no decoding.
func plain(text []byte) (inner []byte, ok bool) {
	if len(text) == 0 || text[0] != '"' {
		return nil, false
	}
	inner, _, ok = bytes.Cut(text[1:], []byte(`"`))
	return inner, ok && bytes.IndexByte(inner, '\\') < 0
}

// valueIn finds the value in an answer, nil if there is none; false if it is no value.
func valueIn(body []byte) (v *value, ok bool) {
	_, rest, found := bytes.Cut(body, []byte(writtenURL))
	if !found {
		return nil, true
	}
	text, _, _ := bytes.Cut(rest, []byte(`"`))
	fleet, n, _ := bytes.Cut(text, []byte(`/`))
	v = &value{}
	var err, also error
	v.fleet, err = strconv.Atoi(string(fleet))
	v.n, also = strconv.Atoi(string(n))
	return v, err == nil && also == nil
}
