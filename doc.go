// Package countersign holds the words of the house: the types that every other
// package speaks in, and nothing that does anything.
//
// The house has five floors, and what stands on one is told about the lower ones only:
//
//	words    what there is          package countersign, secret, config
//	rules    what must be           policy, factor
//	memory   what is kept           store
//	deeds    what changes it        signin, admin, outbox
//	doors    where people come in   web, ops
//
// A request enters at a door, where its facts are gathered once into a Visit.
// The door calls one deed. The deed opens one transaction of one agency, lays
// the facts before a rule, and does what the rule says. The door shows the
// result. ARCHITECTURE.md draws the plan; layers_test.go holds the walls.
package countersign
