package router

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer"
)

// planetOf reads regions written as "a:live:a1,a2".
func planetOf(text string) (out []Region) {
	for _, f := range strings.Fields(text) {
		p := strings.SplitN(f, ":", 3)
		r := Region{Name: gazetteer.RegionID(p[0]), State: p[1]}
		if p[2] != "" {
			r.Servers = strings.Split(p[2], ",")
		}
		out = append(out, r)
	}
	return out
}

func (c *chart) way(pinned string, most int) string {
	order := make([]int, len(c.regions))
	for i := range order {
		order[i] = i
	}
	var out []string
	for _, t := range c.choose(order, gazetteer.RegionID(pinned), most) {
		out = append(out, string(t.region)+"/"+t.url)
	}
	return strings.Join(out, " ")
}

// TestChoices tells stories of a planet: what happens, and where a request goes then.
func TestChoices(t *testing.T) {
	for _, s := range []struct{ name, story string }{
		{"in turn, then the next region", `
			learn a:live:a1,a2 b:live:b1
			go = a/a2 b/b1
			go = a/a1 b/b1
			go = a/a2 b/b1`},
		{"a server that is down has no requests, and its share goes round", `
			learn a:live:a1,a2,a3 b:live:b1
			down a2
			go = a/a3 b/b1
			go = a/a1 b/b1
			go = a/a3 b/b1
			go = a/a1 b/b1
			up a2
			go = a/a2 b/b1`},
		{"a region without a server that is ready comes last", `
			learn a:live:a1 b:live:b1 c:live:c1
			refused a1
			go = b/b1 c/c1
			refused b1
			go = c/c1 a/a1
			up a1
			go = a/a1 c/c1`},
		{"a draining region has no clients while another is left", `
			learn a:draining:a1 b:live:b1
			go = b/b1 a/a1
			down b1
			go = a/a1 b/b1`},
		{"with all down the order stays: something is tried", `
			learn a:live:a1 b:live:b1
			down a1
			down b1
			go = a/a1 b/b1`},
		{"what the directory no longer names is gone, what is known of the others stays", `
			learn a:live:a1 b:live:b1 c:live:c1
			down b1
			learn b:live:b1,b2 c:live:c1
			go = b/b2 c/c1
			go = b/b2 c/c1`},
		{"an empty directory is none", `
			learn a:live:a1
			learn
			go = a/a1
			learn b:expected:
			go = a/a1`},
		{"a pinned region comes first, also while it drains, not while it is silent", `
			learn a:live:a1 b:draining:b1 c:live:c1
			pinned b = b/b1 a/a1 c/c1
			down b1
			pinned b = a/a1 c/c1
			pinned x = a/a1 c/c1`},
		{"the word of the directory about reach is not believed: a cut lies where it lies", `
			learn a:unreachable:a1 b:live:b1
			go = a/a1 b/b1`},
	} {
		t.Run(s.name, func(t *testing.T) { tell(t, s.story) })
	}
}

func tell(t *testing.T, story string) {
	c := &chart{}
	for line := range strings.Lines(strings.TrimSpace(story)) {
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch verb {
		case "learn":
			c.learn(planetOf(rest))
		case "down", "up":
			c.checked(rest, verb == "up", time.Millisecond)
		case "refused":
			c.refused(rest)
		case "go":
			if got, want := c.way("", 2), strings.TrimPrefix(rest, "= "); got != want {
				t.Fatalf("%s\nwent %q, want %q", strings.TrimSpace(line), got, want)
			}
		case "pinned":
			pinned, want, _ := strings.Cut(rest, " = ")
			if got := c.way(pinned, 2); got != want {
				t.Fatalf("%s\nwent %q, want %q", strings.TrimSpace(line), got, want)
			}
		default:
			t.Fatalf("no such verb: %s", verb)
		}
	}
}

// TestChoicesAreShared: whatever servers are down, the others of the region have the same
// number of requests within one.
func TestChoicesAreShared(t *testing.T) {
	const servers, requests = 5, 300
	for mask := range 1<<servers - 1 {
		c := &chart{}
		c.learn(planetOf("a:live:0,1,2,3,4"))
		for i := range servers {
			if mask&(1<<i) != 0 {
				c.refused(fmt.Sprint(i))
			}
		}
		had := map[string]int{}
		for range requests {
			had[c.choose([]int{0}, "", 1)[0].url]++
		}
		var counts []int
		for i := range servers {
			if n := had[fmt.Sprint(i)]; mask&(1<<i) == 0 {
				counts = append(counts, n)
			} else if n > 0 {
				t.Errorf("down: %05b: %d requests to server %d", mask, n, i)
			}
		}
		if slices.Max(counts)-slices.Min(counts) > 1 {
			t.Errorf("down: %05b: shares %v", mask, counts)
		}
	}
}

func TestTheBudgetIsATenthAndAFloor(t *testing.T) {
	spend := func(b *budget) (n int) {
		for b.spend() {
			n++
		}
		return n
	}
	b := newBudget(0)
	if n := spend(&b); n != budgetMost {
		t.Errorf("%d retries at the start, want %d", n, budgetMost)
	}
	b = newBudget(0)
	retries := 0
	const seconds, rate = 60, 1000
	for i := range seconds * rate { // everything fails
		b.earn(time.Duration(i+1) * time.Second / rate)
		if b.spend() {
			retries++
		}
	}
	most := budgetMost + seconds*(budgetFloor+rate*budgetShare)
	if float64(retries) > most+1 || float64(retries) < most-1 {
		t.Errorf("%d retries in a minute of failures at %d requests a second, want %.0f", retries, rate, most)
	}
	b.earn(time.Hour)
	if n := spend(&b); n != budgetMost {
		t.Errorf("%d retries after an hour, want %d", n, budgetMost)
	}
}
