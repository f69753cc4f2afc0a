// Package virtual runs a scenario in virtual time: the planet of simulation/world with the
// fleet of simulation/fleet around it, on one agenda and from one seed. One run is one
// goroutine's; runs of different seeds go side by side.
package virtual
