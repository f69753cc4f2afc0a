package control

import (
	"fmt"
	"strconv"
	"strings"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/region"
)

// decoder reads a description out of a tree. The first error stays; after it nothing is
// read that matters.
type decoder struct {
	lines map[string]int // of every pointer that was read
	err   error
}

// known is a key that a mapping may have, and what reads its value.
type known struct {
	key  string
	read func(t *tree, at string)
}

func (d *decoder) description(t *tree) (out Description) {
	d.mapping(t, "",
		known{"region", func(t *tree, at string) { out.Region = gazetteer.RegionID(d.text(t, at)) }},
		known{"epoch", func(t *tree, at string) { out.Epoch = d.number(t, at, 1<<63) }},
		known{"partitions", func(t *tree, at string) { out.Partitions = uint32(d.number(t, at, cluster.MaxPartitions)) }},
		known{"nodes", func(t *tree, at string) { out.Nodes = each(d, t, at, d.node) }},
		known{"default", func(t *tree, at string) { out.Default = d.cluster(t, at) }},
		known{"types", func(t *tree, at string) { out.Types = d.types(t, at) }},
	)
	return out
}

func (d *decoder) node(t *tree, at string) (out Node) {
	d.mapping(t, at,
		known{"name", func(t *tree, at string) { out.Name = gazetteer.NodeID(d.text(t, at)) }},
		known{"peer", func(t *tree, at string) { out.Addr = d.text(t, at) }},
		known{"http", func(t *tree, at string) { out.HTTP = d.text(t, at) }},
		known{"roles", func(t *tree, at string) { out.Roles = texts[region.Role](d, t, at) }},
	)
	return out
}

func (d *decoder) types(t *tree, at string) map[gazetteer.Type]Cluster {
	out := map[gazetteer.Type]Cluster{}
	for _, f := range d.fields(t, at) {
		out[gazetteer.Type(f.key)] = d.cluster(f.value, at+"/"+escape(f.key))
	}
	return out
}

func (d *decoder) cluster(t *tree, at string) (out Cluster) {
	d.mapping(t, at,
		known{"servers", func(t *tree, at string) { out.Servers = texts[gazetteer.NodeID](d, t, at) }},
		known{"rings", func(t *tree, at string) { out.Rings = each(d, t, at, d.ring) }},
	)
	return out
}

func (d *decoder) ring(t *tree, at string) (out Ring) {
	d.mapping(t, at,
		known{"name", func(t *tree, at string) { out.Name = d.text(t, at) }},
		known{"members", func(t *tree, at string) { out.Members = texts[gazetteer.NodeID](d, t, at) }},
		known{"partitions", func(t *tree, at string) { out.Partitions = d.partitions(t, at) }},
	)
	return out
}

// partitions reads numbers and ranges such as 0-90. The result is not nil: a ring that
// says it owns nothing has said so.
func (d *decoder) partitions(t *tree, at string) []uint32 {
	out := []uint32{}
	for i, item := range d.items(t, at) {
		at := fmt.Sprintf("%s/%d", at, i)
		from, to, ok := span(d.text(item, at))
		if !ok {
			d.fail(item.line, at, "%q is neither a partition nor a range of them, such as 7 or 0-90", item.text)
			return nil
		}
		if len(out)+int(to-from) >= cluster.MaxPartitions {
			d.fail(item.line, at, "more than %d partitions", cluster.MaxPartitions)
			return nil
		}
		for index := from; index <= to; index++ {
			out = append(out, index)
		}
	}
	return out
}

// span reads "7" as 7 to 7 and "0-90" as 0 to 90.
func span(s string) (from, to uint32, ok bool) {
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	f, err1 := strconv.ParseUint(first, 10, 32)
	l, err2 := strconv.ParseUint(last, 10, 32)
	return uint32(f), uint32(l), err1 == nil && err2 == nil && f <= l && l < cluster.MaxPartitions
}

// mapping reads the fields of t that it knows, and complains of others.
func (d *decoder) mapping(t *tree, at string, keys ...known) {
	for _, f := range d.fields(t, at) {
		if k := find(keys, f.key); k != nil {
			k.read(f.value, at+"/"+f.key)
		} else {
			d.fail(f.line, at+"/"+escape(f.key), "unknown key %q; known here: %s", f.key, names(keys))
		}
	}
}

// fields returns the fields of a mapping, each key once.
func (d *decoder) fields(t *tree, at string) []field {
	if !d.want(t, at, mapping) {
		return nil
	}
	seen := map[string]int{}
	for _, f := range t.fields {
		if line, ok := seen[f.key]; ok {
			d.fail(f.line, at+"/"+escape(f.key), "the key %q stands on line %d already", f.key, line)
		}
		seen[f.key] = f.line
		d.lines[at+"/"+escape(f.key)] = f.line
	}
	return t.fields
}

func (d *decoder) items(t *tree, at string) []*tree {
	if !d.want(t, at, list) {
		return nil
	}
	return t.items
}

func (d *decoder) text(t *tree, at string) string {
	if d.want(t, at, text) && t.text == "" {
		d.fail(t.line, at, "the text is empty")
	}
	return t.text
}

// number reads a whole number from 1 on.
func (d *decoder) number(t *tree, at string, most uint64) uint64 {
	n, err := strconv.ParseUint(d.text(t, at), 10, 64)
	if err != nil || n == 0 || n > most {
		d.fail(t.line, at, "%q is not a whole number from 1 to %d", t.text, most)
	}
	return n
}

func (d *decoder) want(t *tree, at string, k kind) bool {
	if _, ok := d.lines[at]; !ok { // the line of its key is the better one
		d.lines[at] = t.line
	}
	if t.kind != k {
		d.fail(t.line, at, "want %s, found %s", k, t.kind)
	}
	return t.kind == k
}

func (d *decoder) fail(line int, at, format string, args ...any) {
	if d.err == nil {
		d.err = unreadable(line, at, format, args...)
	}
}

func each[T any](d *decoder, t *tree, at string, read func(*tree, string) T) []T {
	var out []T
	for i, item := range d.items(t, at) {
		out = append(out, read(item, fmt.Sprintf("%s/%d", at, i)))
	}
	return out
}

func texts[S ~string](d *decoder, t *tree, at string) []S {
	return each(d, t, at, func(t *tree, at string) S { return S(d.text(t, at)) })
}

func find(keys []known, key string) *known {
	for i := range keys {
		if keys[i].key == key {
			return &keys[i]
		}
	}
	return nil
}

func names(keys []known) string {
	var out []string
	for _, k := range keys {
		out = append(out, k.key)
	}
	return strings.Join(out, ", ")
}
