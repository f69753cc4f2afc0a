// Package check judges what a planet has promised: it takes the history that clients have
// recorded (every operation with when it began and ended, what watches showed, what all
// regions held at rest) and names each promise that it contradicts, with the few operations
// that contradict each other. It does no I/O; package drive records histories.
//
// What it goes by is order in real time. A write that ended before another began is the
// older one, and what is older must not be found where the newer one has to be. Whatever
// overlaps may come in any order, and a write without an answer may be done at any time
// later. A value that lost against a concurrent one and stands in the conflict journal is
// not lost in silence: it excuses what is older than it.
package check
