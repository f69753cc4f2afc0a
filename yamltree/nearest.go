package yamltree

// Nearest returns the one of some words that a misspelt word most probably was meant to
// be: at most a third of its letters are wrong, missing, added, or swapped with their
// neighbour. Of equals the first is returned; "" if none is near.
func Nearest(word string, words []string) (near string) {
	if len(word) > maxWord {
		return ""
	}
	best := max(1, len(word)/3) + 1
	for _, w := range words {
		if d := distance(word, w); d < best {
			near, best = w, d
		}
	}
	return near
}

// maxWord bounds the work for a word that a stranger wrote: no key or name is
// longer.
const maxWord = 64

// distance counts the edits from a to b: letters changed, added, taken away, and
// neighbours swapped (optimal string alignment).
func distance(a, b string) int {
	var two, one []int // the rows before
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		two, one, row = one, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(one[j]+1, row[j-1]+1, one[j-1]+differ(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], two[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

func differ(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}
