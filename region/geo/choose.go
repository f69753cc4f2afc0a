package geo

// choose puts the first n entries of the ranking into order, sorted. It looks at every
// entry once and keeps the n best in a heap with the worst of them on top, so that few
// of many cost little more than a comparison for each.
func (k *ranking) choose(n int) {
	k.order = k.order[:0]
	if n == 0 {
		return
	}
	for i := range int32(len(k.entries)) {
		if len(k.order) < n {
			k.order = append(k.order, i)
			k.siftUp(len(k.order) - 1)
		} else if k.before(i, k.order[0]) {
			k.order[0] = i
			k.siftDown(n)
		}
	}
	k.sortHeap()
}

// sortHeap moves the worst of what is left behind it, until nothing is left.
func (k *ranking) sortHeap() {
	for n := len(k.order) - 1; n > 0; n-- {
		k.order[0], k.order[n] = k.order[n], k.order[0]
		k.siftDown(n)
	}
}

func (k *ranking) siftUp(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !k.before(k.order[parent], k.order[i]) {
			return
		}
		k.order[parent], k.order[i] = k.order[i], k.order[parent]
		i = parent
	}
}

// siftDown restores the heap in order[:n] after its top changed.
func (k *ranking) siftDown(n int) {
	for i := 0; ; {
		worst := i
		for child := 2*i + 1; child <= 2*i+2 && child < n; child++ {
			if k.before(k.order[worst], k.order[child]) {
				worst = child
			}
		}
		if worst == i {
			return
		}
		k.order[i], k.order[worst] = k.order[worst], k.order[i]
		i = worst
	}
}
