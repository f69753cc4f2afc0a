package agent

import (
	"time"

	"gazetteer"
)

// Lag returns an upper bound of how old what this node holds of some stores' writes may
// be; false if nothing is known of one of them, or the node has no replica.
func (n *Node) Lag(stores []gazetteer.StoreID) (lag time.Duration, known bool) {
	if n.agent == nil || len(stores) == 0 {
		return 0, false
	}
	known = true
	n.agent.tell(func(a *agent) {
		for _, s := range stores {
			at, ok := a.core.AsOf(s)
			lag, known = max(lag, a.now.Mono-at), known && ok
		}
	})
	return lag, known && !n.agent.ended()
}
