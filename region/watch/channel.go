package watch

import (
	"strings"

	"gazetteer"
)

// Scope is what of a type a watch shows.
type Scope struct {
	Prefix gazetteer.ID // of the ids
	Exact  bool         // Prefix is the one id
	Beside bool         // also what is known of the health of locations
}

func (s *Scope) passes(e *gazetteer.Element) bool {
	if s.Exact && e.ID != s.Prefix || !strings.HasPrefix(string(e.ID), string(s.Prefix)) {
		return false
	}
	return s.Beside || !e.Location.IsBeside()
}

// A log keeps this much for watchers that are not at its end. Who is behind that has to
// catch up.
const (
	logEntriesMax = 1024
	logBytesMax   = 1 << 20
)

// channel is what the watchers of one scope are given: a log, from whose end the oldest
// entries are dropped. Its feed's lock guards it.
type channel struct {
	scope    Scope
	entries  []*Entry
	base     uint64 // the number of the first entry
	bytes    int
	wake     chan struct{} // closed when there is more
	watchers int
	fresh    bool   // there is something that nobody was woken for
	news     bool   // something was shown since the last bookmark
	told     bool   // no vector has moved since the last bookmark
	beat     int    // ticks since the last bookmark or beat
	before   uint64 // where the log ended some ticks ago
}

func newChannel(s Scope) *channel { return &channel{scope: s, wake: make(chan struct{})} }

func (c *channel) end() uint64 { return c.base + uint64(len(c.entries)) }

func (c *channel) add(e *Entry) {
	c.entries = append(c.entries, e)
	c.bytes += e.size()
	for len(c.entries) > logEntriesMax || c.bytes > logBytesMax && len(c.entries) > 1 {
		c.drop()
	}
}

func (c *channel) drop() {
	c.bytes -= c.entries[0].size()
	c.entries[0] = nil
	c.entries = c.entries[1:]
	c.base++
}

// trim drops what has been there since the last time: who is at its end has had it.
func (c *channel) trim() {
	for c.base < c.before {
		c.drop()
	}
	c.before = c.end()
}

// say adds what is no news, and wakes who waits for it.
func (c *channel) say(e *Entry) {
	c.add(e)
	c.beat = 0
	c.news = c.news && e.Kind != Bookmark
	c.awaken()
}

// awaken has all who wait look again.
func (c *channel) awaken() {
	close(c.wake)
	c.wake = make(chan struct{})
}
