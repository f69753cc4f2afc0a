package drive

import (
	"fmt"
	"time"

	"gazetteer"
	"gazetteer/simulation/check"
)

// Config says what a run asks, and how much of it.
type Config struct {
	// Doors are the URLs of regional servers, one for each region that is to be asked.
	Doors []string
	// Type holds what the run writes. Empty: a type of its own, which is removed at the end.
	Type gazetteer.Type
	// Mastered: a type of the run's own is of mode mastered, and clients also compare and set.
	Mastered bool
	Duration time.Duration
	// Until ends the asking early when it is closed; nil for never.
	Until <-chan struct{}
	// Rate is how many operations a second are begun, over all clients; 0 for 300.
	Rate int
	// Clients is how many there are; 0 for 32. Each does one thing at a time.
	Clients int
	// Patience is how long one operation may take; 0 for 5 s.
	Patience time.Duration
	// Settle is how long the regions may take at the end to become equal, and watches to
	// show it; 0 for a minute.
	Settle time.Duration
	// Seed draws what is asked; equal seeds ask the same, as far as answers allow.
	Seed uint64
	// Say is told what happens; nil for nobody.
	Say func(string)
	// From is the lowest level whose acknowledgements must be found at rest.
	From check.Level
}

func (c *Config) fill() error {
	if len(c.Doors) == 0 {
		return c.bad("no address to ask")
	}
	if c.Duration <= 0 {
		return c.bad("duration %v; it must be above 0", c.Duration)
	}
	if c.Rate < 0 || c.Clients < 0 || c.Patience < 0 || c.Settle < 0 {
		return c.bad("rate, clients, patience and settle must not be below 0")
	}
	if c.Mastered && c.Type != "" {
		return c.bad("whether a type is mastered is the type's own; leave the type out to have one made")
	}
	c.Rate, c.Clients = or(c.Rate, 300), or(c.Clients, 32)
	c.Patience, c.Settle = or(c.Patience, 5*time.Second), or(c.Settle, time.Minute)
	if c.Say == nil {
		c.Say = func(string) {}
	}
	return nil
}

func (c *Config) bad(format string, args ...any) error {
	return &gazetteer.Error{Op: "check.Run", Kind: gazetteer.Invalid, Detail: fmt.Sprintf(format, args...)}
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
