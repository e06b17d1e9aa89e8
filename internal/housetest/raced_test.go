//go:build race

package housetest

// raced tells that the race detector watches, which makes everything many times slower.
const raced = true
