package report

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"gazetteer/simulation/result"
)

// Totals is what all regions' tiers of one kind were asked together.
type Totals struct {
	Tier string `json:"tier"`
	result.Counts
}

// totalsOf adds the regions up, the tiers in the order in which a request meets them.
func totalsOf(traffic []result.Traffic) (out []Totals) {
	byTier := map[string]*result.Counts{}
	for _, t := range traffic {
		c := byTier[t.Tier]
		if c == nil {
			c = &result.Counts{Errors: map[string]int64{}}
			byTier[t.Tier] = c
		}
		add(c, &t.Counts)
	}
	for _, tier := range tiersOf(byTier) {
		out = append(out, Totals{tier, *byTier[tier]})
	}
	return out
}

func add(sum, c *result.Counts) {
	sum.Reads += c.Reads
	sum.Writes += c.Writes
	sum.Wrong += c.Wrong
	for kind, n := range c.Errors {
		sum.Errors[kind] += n
	}
}

// tiersOf returns the tiers that there are, those of the design first.
func tiersOf[V any](has map[string]V) []string {
	known := []string{result.TierClient, result.TierRegional, result.TierCluster, result.TierReplica}
	rank := func(t string) int {
		if i := slices.Index(known, t); i >= 0 {
			return i
		}
		return len(known)
	}
	return slices.SortedFunc(maps.Keys(has), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
}

func errorsOf(c *result.Counts) (n int64) {
	for _, v := range c.Errors {
		n += v
	}
	return n
}

// totalsTable sets what the clients counted themselves beside what the client tier's rows
// add up to: where these differ, a reader is to see it.
func totalsTable(r *result.Run) table {
	t := table{Name: "totals", Title: "Totals", Head: []string{"what", "the generators counted", "the regions' rows add up to", "difference"}}
	rows := result.Counts{}
	for _, sum := range totalsOf(r.Traffic) {
		if sum.Tier == result.TierClient {
			rows = sum.Counts
		}
	}
	g := &r.Generators
	t.pair("reads", g.Reads, rows.Reads)
	t.pair("writes", g.Writes, rows.Writes)
	t.pair("requests", g.Reads+g.Writes, rows.Reads+rows.Writes)
	kinds := map[string]bool{}
	for _, m := range []map[string]int64{g.Errors, rows.Errors} {
		for k := range m {
			kinds[k] = true
		}
	}
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		t.pair("errors: "+k, g.Errors[k], rows.Errors[k])
	}
	t.pair("errors", errorsOf(g), errorsOf(&rows))
	t.pair("wrong answers", g.Wrong, rows.Wrong)
	return t
}

func (t *table) pair(what string, a, b int64) { t.row(what, whole(a), whole(b), whole(b-a)) }

// whole writes a count exactly.
func whole(n int64) string { return strconv.FormatInt(n, 10) }
