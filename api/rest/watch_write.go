package rest

import (
	"encoding/binary"
	"encoding/hex"

	"gazetteer"
	"gazetteer/api/rest/jsontext"
	"gazetteer/region"
	"gazetteer/region/watch"
)

// eventName is what a kind of entry is called in streams.
func eventName(k watch.Kind) string {
	switch k {
	case watch.Put:
		return "put"
	case watch.Delete:
		return "delete"
	case watch.Snapshot:
		return "snapshot"
	case watch.Bookmark:
		return "bookmark"
	}
	return "reset"
}

// appendEntry appends an event of a stream. A beat is a comment, or an empty line.
func appendEntry(dst []byte, e *watch.Entry, f form, scope uint64) []byte {
	switch {
	case e.Kind == watch.Beat && f == asEvents:
		return append(dst, ":\n\n"...)
	case e.Kind == watch.Beat:
		return append(dst, '\n')
	case f == asEvents:
		return appendSSE(dst, e, scope)
	}
	dst = append(append(append(dst, `{"event":"`...), eventName(e.Kind)...), '"')
	if cursor := cursorOf(e, scope); cursor != "" {
		dst = append(append(append(dst, `,"cursor":"`...), cursor...), '"')
	}
	return append(appendElement(dst, e, ','), "}\n"...)
}

// appendSSE appends a server-sent event. Those without a cursor have no id, so a client
// that comes again names the last bookmark.
func appendSSE(dst []byte, e *watch.Entry, scope uint64) []byte {
	if cursor := cursorOf(e, scope); cursor != "" {
		dst = append(append(append(dst, "id: "...), cursor...), '\n')
	}
	dst = append(append(dst, "event: "...), eventName(e.Kind)...)
	dst = append(dst, "\ndata: {"...)
	return append(appendElement(dst, e, 0), "}\n\n"...)
}

func cursorOf(e *watch.Entry, scope uint64) string {
	if e.Kind != watch.Bookmark {
		return ""
	}
	return watch.Cursor(scope, e.Vectors)
}

// appendElement appends the members that say what an element is now. What cannot be read
// is left to the client to fetch.
func appendElement(dst []byte, e *watch.Entry, comma byte) []byte {
	if e.Kind == watch.Bookmark || e.Kind == watch.Reset {
		return dst
	}
	if comma != 0 {
		dst = append(dst, comma)
	}
	u := &e.Update
	dst = jsontext.AppendString(append(dst, `"id":`...), string(u.Element.ID))
	dst = appendValue(dst, u)
	if e.CatchUp {
		dst = append(dst, `,"catch_up":true`...)
	}
	dst = append(dst, `,"stamp":"`...)
	return append(appendOrder(dst, &u.Stamp), '"')
}

func appendValue(dst []byte, u *gazetteer.Update) []byte {
	switch {
	case u.Tombstone && u.Element.Location == "":
		return append(dst, `,"attributes":null`...)
	case u.Tombstone:
		return append(jsontext.AppendString(append(dst, `,"location":{"id":`...), string(u.Element.Location)), '}')
	}
	attributes, l, err := region.DecodeElement(u)
	switch {
	case err != nil:
		return jsontext.AppendString(append(dst, `,"unreadable":`...), string(u.Element.Location))
	case u.Element.Location == "":
		return append(append(dst, `,"attributes":`...), attributes...)
	}
	return append(appendLocation(append(dst, `,"location":{`...), &l), '}')
}

// appendOrder appends a stamp so that of two of one element the one that is higher as text
// is the newer.
func appendOrder(dst []byte, s *gazetteer.Stamp) []byte {
	var b [28]byte
	binary.BigEndian.PutUint32(b[:], s.Epoch)
	binary.BigEndian.PutUint64(b[4:], uint64(s.Clock))
	binary.BigEndian.PutUint64(b[12:], uint64(s.Origin.Store))
	binary.BigEndian.PutUint64(b[20:], s.Origin.Incarnation)
	return hex.AppendEncode(dst, b[:])
}
