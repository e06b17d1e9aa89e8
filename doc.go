// Package countersign defines the domain types that all other packages share: users,
// factors, attempts, sessions, messages, preferences, events and errors. It validates
// them and does no I/O.
//
// A handler reads the facts of a request into a [Visit] and calls one service method.
// The service opens one transaction of one agency, loads the facts, asks a pure policy
// function, and does what it says. The handler renders the result.
//
// ARCHITECTURE.md shows the layers; layers_test.go checks them.
package countersign
