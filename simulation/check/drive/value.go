package drive

import (
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer/api/client"
	"gazetteer/simulation/check"
)

// The element of a resource is its one location, and its value the number in the URL.
const (
	locationID = "v"
	urlStem    = "https://check.invalid/"
)

func location(v check.Value) client.Location {
	return client.Location{ID: locationID, URL: urlStem + strconv.FormatUint(uint64(v), 10)}
}

var written = regexp.MustCompile(regexp.QuoteMeta(urlStem) + `([0-9]+)`)

// valueIn finds the value in a text, 0 if there is none.
func valueIn(text []byte) check.Value {
	m := written.FindSubmatch(text)
	if m == nil {
		return 0
	}
	v, _ := strconv.ParseUint(string(m[1]), 10, 64)
	return check.Value(v)
}

// valueOf is the value of a resource as it is shown.
func valueOf(ls []client.Location) check.Value {
	for i := range ls {
		if ls[i].ID == locationID {
			return valueIn([]byte(ls[i].URL))
		}
	}
	return 0
}

// counter gives each write its own value.
type counter struct{ last atomic.Uint64 }

func (c *counter) next() check.Value { return check.Value(c.last.Add(1)) }

// board holds the elements that were written last, for everybody to read.
type board struct {
	mu   sync.Mutex // guards following
	ids  [64]string
	next int
}

func (b *board) post(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ids[b.next%len(b.ids)] = id
	b.next++
}

// pick returns one of them, "" before there is any.
func (b *board) pick(n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == 0 {
		return ""
	}
	return b.ids[n%min(b.next, len(b.ids))]
}

// pace says when each operation of a run is due.
type pace struct {
	began time.Time
	each  time.Duration
	next  atomic.Int64
}

func (p *pace) due() time.Time {
	return p.began.Add(time.Duration(p.next.Add(1)) * p.each)
}
