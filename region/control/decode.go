package control

import (
	"fmt"
	"strconv"
	"strings"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/region"
	"gazetteer/yamltree"
)

// decoder reads a description out of a tree.
type decoder struct{ *yamltree.Reader }

type tree = yamltree.Tree

func (d *decoder) description(t *tree) (out Description) {
	d.Mapping(t, "",
		yamltree.Known("region", func(t *tree, at string) { out.Region = gazetteer.RegionID(d.Text(t, at)) }),
		yamltree.Known("epoch", func(t *tree, at string) { out.Epoch = d.Number(t, at, 1, 1<<63) }),
		yamltree.Known("partitions", func(t *tree, at string) { out.Partitions = uint32(d.Number(t, at, 1, cluster.MaxPartitions)) }),
		yamltree.Known("nodes", func(t *tree, at string) { out.Nodes = yamltree.Each(d.Reader, t, at, d.node) }),
		yamltree.Known("default", func(t *tree, at string) { out.Default = d.cluster(t, at) }),
		yamltree.Known("types", func(t *tree, at string) { out.Types = d.types(t, at) }),
	)
	return out
}

func (d *decoder) node(t *tree, at string) (out Node) {
	d.Mapping(t, at,
		yamltree.Known("name", func(t *tree, at string) { out.Name = gazetteer.NodeID(d.Text(t, at)) }),
		yamltree.Known("peer", func(t *tree, at string) { out.Addr = d.Text(t, at) }),
		yamltree.Known("http", func(t *tree, at string) { out.HTTP = d.Text(t, at) }),
		yamltree.Known("roles", func(t *tree, at string) { out.Roles = yamltree.Texts[region.Role](d.Reader, t, at) }),
	)
	return out
}

func (d *decoder) types(t *tree, at string) map[gazetteer.Type]Cluster {
	out := map[gazetteer.Type]Cluster{}
	for _, f := range d.Fields(t, at) {
		out[gazetteer.Type(f.Key)] = d.cluster(f.Value, at+"/"+yamltree.Escape(f.Key))
	}
	return out
}

func (d *decoder) cluster(t *tree, at string) (out Cluster) {
	d.Mapping(t, at,
		yamltree.Known("servers", func(t *tree, at string) { out.Servers = yamltree.Texts[gazetteer.NodeID](d.Reader, t, at) }),
		yamltree.Known("rings", func(t *tree, at string) { out.Rings = yamltree.Each(d.Reader, t, at, d.ring) }),
	)
	return out
}

func (d *decoder) ring(t *tree, at string) (out Ring) {
	d.Mapping(t, at,
		yamltree.Known("name", func(t *tree, at string) { out.Name = d.Text(t, at) }),
		yamltree.Known("members", func(t *tree, at string) { out.Members = yamltree.Texts[gazetteer.NodeID](d.Reader, t, at) }),
		yamltree.Known("partitions", func(t *tree, at string) { out.Partitions = d.partitions(t, at) }),
	)
	return out
}

// partitions reads numbers and ranges such as 0-90. The result is not nil: a ring that
// says it owns nothing has said so.
func (d *decoder) partitions(t *tree, at string) []uint32 {
	out := []uint32{}
	for i, item := range d.Items(t, at) {
		at := fmt.Sprintf("%s/%d", at, i)
		from, to, ok := span(d.Text(item, at))
		if !ok {
			d.Fail(item.Line, at, "%q is neither a partition nor a range of them, such as 7 or 0-90", item.Text)
			return nil
		}
		if len(out)+int(to-from) >= cluster.MaxPartitions {
			d.Fail(item.Line, at, "more than %d partitions", cluster.MaxPartitions)
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
