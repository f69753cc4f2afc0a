package fleet

import (
	"gazetteer"
	"gazetteer/ring"
)

// books is what the clients together know of the truth: what was ever written to which
// key, and the newest that was acknowledged. It stands apart from the replicas.
type books struct {
	planet  Planet
	written []gazetteer.Key // the nth value is firstValue + n
	newest  map[gazetteer.Key]gazetteer.Stamp
}

// firstValue is the first that clients write.
const firstValue = 1 << 32

// value returns a new one for a write of a key. It counts as written from now on: also a
// write that fails may have been carried out.
func (b *books) value(k gazetteer.Key) uint64 {
	b.written = append(b.written, k)
	return firstValue + uint64(len(b.written)-1)
}

// holds reports whether a value was ever given to a key.
func (b *books) holds(k gazetteer.Key, value uint64) bool {
	if n := value - firstValue; n < uint64(len(b.written)) && b.written[n] == k {
		return true
	}
	first, ok := b.planet.Initial(k)
	return ok && value == first
}

// acknowledged notes a write that was carried out.
func (b *books) acknowledged(k gazetteer.Key, s gazetteer.Stamp) {
	if b.newest[k].Compare(s) < 0 {
		b.newest[k] = s
	}
}

// user is one client, who may keep a session: what it was shown of each key, and what it
// sends along so that it is never shown less.
type user struct {
	session bool
	token   ring.Token
	seen    map[gazetteer.Key]gazetteer.Stamp
}

// saw takes what an answer shows.
func (u *user) saw(k gazetteer.Key, a *Answer) {
	if !u.session {
		return
	}
	u.token = u.token.Merge(a.Session)
	if u.seen[k].Compare(a.Stamp) < 0 {
		u.seen[k] = a.Stamp
	}
}

// expectation is what must be true of the answer to a request that begins now.
type expectation struct {
	own    gazetteer.Stamp // of its session: less is wrong
	newest gazetteer.Stamp // of all: less is stale
}

func (b *books) expect(u *user, k gazetteer.Key) expectation {
	return expectation{own: u.seen[k], newest: b.newest[k]}
}

// wrong says what is not true of an answer to a read; empty if nothing is.
func (b *books) wrong(k gazetteer.Key, e expectation, a *Answer) string {
	_, initial := b.planet.Initial(k)
	switch {
	case !a.Found && (initial || e.own != gazetteer.Stamp{}):
		return "it is not there, and was never deleted"
	case a.Found && !b.holds(k, a.Value):
		return "nobody wrote that value"
	case a.Stamp.Compare(e.own) < 0:
		return "its session has seen a newer value"
	}
	return ""
}
