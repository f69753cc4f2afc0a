package dns

import (
	"slices"
	"strings"

	"gazetteer"
)

// name is what the labels before the zone mean.
type name struct {
	explain bool   // _explain. in front
	service string // of _service._tcp. or _service._udp. in front: a URL's scheme
	second  bool   // second. in front: without the best
	// What it is about: the planet if all below is empty, else a region, a regional server
	// of it, a type (which has no records), a resource, or one location of it.
	region   gazetteer.RegionID
	node     string // as labels
	typ      gazetteer.Type
	id       gazetteer.ID
	location gazetteer.LocationID
}

// read reads the labels of a name below the zone, in lower case. Region and type names are
// one name space; isRegion says which a label is. It returns false for what no name can be.
func (n *name) read(ls []string, isRegion func(gazetteer.RegionID) bool) bool {
	ls = n.prefixes(ls)
	if len(ls) == 0 || len(ls) == 1 && ls[0] == "any" {
		return true
	}
	last := len(ls) - 1
	if r := gazetteer.RegionID(ls[last]); isRegion(r) {
		n.region = r
		ls = ls[:last]
		if len(ls) == 0 {
			return !n.second
		}
		if len(ls) == 1 || strings.HasPrefix(ls[len(ls)-1], lastPart) {
			return n.readNode(ls)
		}
	}
	n.typ = gazetteer.Type(ls[len(ls)-1])
	return n.typ.Validate() == nil && n.resource(ls[:len(ls)-1])
}

// prefixes takes the marks off the front.
func (n *name) prefixes(ls []string) []string {
	if len(ls) > 0 && ls[0] == "_explain" {
		n.explain, ls = true, ls[1:]
	}
	if len(ls) > 1 && ls[0] != "" && ls[0][0] == '_' && (ls[1] == "_tcp" || ls[1] == "_udp") {
		n.service, ls = ls[0][1:], ls[2:]
	}
	if len(ls) > 0 && ls[0] == "second" {
		n.second, ls = true, ls[1:]
	}
	return ls
}

// readNode reads a regional server of a region. A label there may name a type as well.
func (n *name) readNode(ls []string) bool {
	node, rest, ok := takeID(ls)
	if !ok || len(rest) > 0 {
		return false
	}
	n.node = node
	return !n.second
}

// resource reads {id}, or {location}.{id}.
func (n *name) resource(ls []string) bool {
	if len(ls) == 0 {
		return true
	}
	id, ls, ok := takeID(ls)
	n.id = gazetteer.ID(id)
	if !ok || len(ls) == 0 {
		return ok
	}
	location, ls, ok := takeID(ls)
	n.location = gazetteer.LocationID(location)
	return ok && len(ls) == 0 && !n.second
}

// NameOf returns the name below the zone at which a resource is asked for, pinned to a
// region unless that is empty; false if it has none because it would be longer than 255
// bytes.
func NameOf(k gazetteer.Key, r gazetteer.RegionID, zone string) (string, bool) {
	return join(labels(string(k.ID)), string(k.Type), string(r), zone)
}

// join puts labels together, leaving out the empty ones.
func join(parts ...string) (string, bool) {
	parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
	full := strings.TrimSuffix(strings.Join(parts, "."), ".") + "."
	return full, len(full) <= 254
}
