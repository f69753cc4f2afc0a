package fleet

import (
	"encoding/json"
	"math/bits"
	"time"
)

// subBits is how finely a histogram resolves: 2^subBits classes for each power of two, so
// that a quantile is at most 1/2^subBits, 3 %, above the true value.
const subBits = 5

// Histogram counts durations in classes that grow with them, from 1 microsecond to years
// (as HdrHistogram does, Tene 2012). The zero value is empty.
type Histogram struct {
	classes []int64 // as many as needed so far
	count   int64
	sum     time.Duration
	max     time.Duration
}

// Add counts one duration.
func (h *Histogram) Add(d time.Duration) {
	c := classOf(d)
	for len(h.classes) <= c {
		h.classes = append(h.classes, 0)
	}
	h.classes[c]++
	h.count++
	h.sum += d
	h.max = max(h.max, d)
}

// Merge adds all that another one has counted.
func (h *Histogram) Merge(o *Histogram) {
	for c, n := range o.classes {
		if c == len(h.classes) {
			h.classes = append(h.classes, 0)
		}
		h.classes[c] += n
	}
	h.count += o.count
	h.sum += o.sum
	h.max = max(h.max, o.max)
}

// histogramText is a histogram in JSON, whose classes another process may add up.
type histogramText struct {
	Classes []int64       `json:"classes"`
	Sum     time.Duration `json:"sum_ns"`
	Max     time.Duration `json:"max_ns"`
}

// MarshalJSON writes all that was counted.
func (h Histogram) MarshalJSON() ([]byte, error) {
	return json.Marshal(histogramText{h.classes, h.sum, h.max})
}

// UnmarshalJSON reads what MarshalJSON has written.
func (h *Histogram) UnmarshalJSON(text []byte) error {
	var t histogramText
	if err := json.Unmarshal(text, &t); err != nil {
		return err
	}
	*h = Histogram{classes: t.Classes, sum: t.Sum, max: t.Max}
	for _, n := range t.Classes {
		h.count += n
	}
	return nil
}

// Reset empties it.
func (h *Histogram) Reset() {
	clear(h.classes)
	*h = Histogram{classes: h.classes}
}

// Count is how many durations were counted.
func (h *Histogram) Count() int64 { return h.count }

// Max is the longest of them, exactly.
func (h *Histogram) Max() time.Duration { return h.max }

// Mean is their mean, exactly; 0 of none.
func (h *Histogram) Mean() time.Duration {
	if h.count == 0 {
		return 0
	}
	return h.sum / time.Duration(h.count)
}

// Quantile returns a duration that at least the share q of all is not above; 0 of none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := int64(q*float64(h.count) + 0.999999)
	for c, n := range h.classes {
		if rank -= n; rank <= 0 && n > 0 {
			return min(topOf(c), h.max)
		}
	}
	return h.max
}

// classOf returns the class of a duration: that of its microseconds, linear up to
// 2^subBits, then by their leading bits.
func classOf(d time.Duration) int {
	us := uint64(max(0, d+time.Microsecond-1)) / uint64(time.Microsecond)
	shift := max(0, bits.Len64(us)-1-subBits)
	return shift<<subBits + int(us>>shift)
}

// topOf returns the longest duration of a class.
func topOf(class int) time.Duration {
	shift := max(0, class>>subBits-1)
	us := class - shift<<subBits
	return time.Duration((us+1)<<shift-1) * time.Microsecond
}
