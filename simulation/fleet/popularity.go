package fleet

import (
	"math"
	"math/rand/v2"
	"sort"
)

// Popularity draws numbers from 0 on, the nth with a probability that falls as 1/(n+1)^s
// (Zipf's law).
type Popularity struct {
	upTo []float64 // probability of this number and all before it
}

// NewPopularity returns one of n numbers; s 0 makes all alike.
func NewPopularity(n int, s float64) *Popularity {
	p := &Popularity{make([]float64, n)}
	sum := 0.0
	for i := range p.upTo {
		sum += math.Pow(float64(i+1), -s)
		p.upTo[i] = sum
	}
	for i := range p.upTo {
		p.upTo[i] /= sum
	}
	return p
}

// Draw returns one number.
func (p *Popularity) Draw(r *rand.Rand) int {
	return min(sort.SearchFloat64s(p.upTo, r.Float64()), len(p.upTo)-1)
}
