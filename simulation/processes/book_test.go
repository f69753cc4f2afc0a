package processes

import "testing"

// TestJudgement: what a client is shown is judged by what it knew when it asked.
func TestJudgement(t *testing.T) {
	b := newBook(2)
	own, other := b.pages[0], b.pages[1]
	const resource = 7
	judge := func(what string, floor int, v *value, want verdict) {
		t.Helper()
		if got := b.judge(0, resource, floor, v); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	judge("nothing was written", 0, nil, right)
	judge("a write that nobody has begun", 0, &value{0, 0}, wrong)
	judge("a fleet that there is not", 0, &value{2, 0}, wrong)

	first := own.begin(resource)
	judge("one under way", own.floor(resource), &value{0, first}, right)
	own.acknowledge(0, first)
	judge("an acknowledged one is missing", own.floor(resource), nil, stale)
	judge("the same of another resource", 0, &value{1, 0}, wrong)

	far := other.begin(resource)
	judge("another's", own.floor(resource), &value{1, far}, right)
	second := own.begin(resource)
	before := own.floor(resource)
	own.acknowledge(0, second)
	judge("what a read that began earlier may see", before, &value{0, first}, right)
	judge("an own one that was acknowledged before", own.floor(resource), &value{0, first}, stale)
	judge("another's that was shown before", own.floor(resource), &value{1, far}, stale)
	unseen := other.begin(resource)
	judge("another's that was not", own.floor(resource), &value{1, unseen}, right)
	judge("the latest", own.floor(resource), &value{0, second}, right)
}

// TestWritesUnderWayTogetherMayEndInAnyOrder: and one that was sent twice may come last.
func TestWritesUnderWayTogetherMayEndInAnyOrder(t *testing.T) {
	b := newBook(1)
	p := b.pages[0]
	x, y := p.begin(1), p.begin(1)
	p.acknowledge(0, y)
	p.acknowledge(0, x)
	for _, n := range []int{x, y} {
		if got := b.judge(0, 1, p.floor(1), &value{0, n}); got != right {
			t.Errorf("write %d: %d", n, got)
		}
	}
	p.repeat(x)
	z := p.begin(1)
	p.acknowledge(0, z)
	if got := b.judge(0, 1, p.floor(1), &value{0, x}); got != right {
		t.Errorf("one sent again: %d", got)
	}
	if got := b.judge(0, 1, p.floor(1), &value{0, y}); got != stale {
		t.Errorf("one sent once: %d", got)
	}
}
