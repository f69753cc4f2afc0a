package watch

import (
	"slices"
	"strings"
	"sync/atomic"

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
	dropped  int                  // entries that the array of entries still holds
	page     atomic.Pointer[page] // what may be read without the lock
	watchers int
	fresh    bool   // there is something that nobody was woken for
	news     bool   // something was shown since the last bookmark
	due      bool   // a bookmark is to go with what is shown next
	told     bool   // no vector has moved since the last bookmark
	beat     int    // ticks since the last bookmark or beat
	before   uint64 // where the log ended some ticks ago
}

// page is a log as it was when its watchers were woken last. Nobody changes it.
type page struct {
	entries []*Entry
	base    uint64
	wake    chan struct{} // closed when there is a newer one with more
}

func newChannel(s Scope) *channel {
	c := &channel{scope: s}
	c.page.Store(&page{wake: make(chan struct{})})
	return c
}

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
	c.entries = c.entries[1:]
	c.base++
	if c.dropped++; c.dropped > len(c.entries) { // pages may share the array, so it is left as it is
		c.entries, c.dropped = slices.Clone(c.entries), 0
	}
}

// trim drops what has been there since the last time: who is at its end has had it.
func (c *channel) trim() {
	for c.base < c.before {
		c.drop()
	}
	c.before = c.end()
	c.page.Store(&page{c.entries, c.base, c.page.Load().wake})
}

// say adds what is no news, and wakes who waits for it.
func (c *channel) say(e *Entry) {
	c.append(e)
	c.awaken()
}

func (c *channel) append(e *Entry) {
	c.add(e)
	c.beat = 0
	if e.Kind == Bookmark {
		c.news, c.due, c.told = false, false, true
	}
}

// awaken has all who wait look again.
func (c *channel) awaken() {
	before := c.page.Load()
	c.page.Store(&page{c.entries, c.base, make(chan struct{})})
	close(before.wake)
}
