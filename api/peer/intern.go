package peer

import "strings"

// internMax bounds the strings that one connection keeps, internBytes the length of one.
const (
	internMax   = 256
	internBytes = 255
)

// interner makes strings out of views of a buffer without allocating for those it has
// seen: names of nodes, rings and types come again and again. One goroutine owns it.
type interner struct {
	last  string
	known map[string]string
}

func (n *interner) of(view string) string {
	if view == n.last {
		return n.last
	}
	if s, ok := n.known[view]; ok {
		n.last = s
		return s
	}
	s := strings.Clone(view)
	if len(s) > internBytes {
		return s
	}
	if n.known == nil || len(n.known) >= internMax {
		n.known = map[string]string{}
	}
	n.known[s] = s
	n.last = s
	return s
}
