// Package mastery decides who may change a record of a type whose mode is mastered, and
// in which order: a core without I/O.
//
// [Ledger] is what the regional servers of one region agree on by their raft log: for each
// record that has its home there, or had, which write was decided last. [Home] is what the
// leader of the region decides with it, and for how long it may: [Lease]. DESIGN.md beside
// this file has the invariants, the protocol and what breaks when a part of it is left out.
package mastery
