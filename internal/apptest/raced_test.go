//go:build race

package apptest

// raced reports that the race detector is on, which makes everything many times slower.
const raced = true

// stride is the distance between two calls of the store that fail.
const stride = 4
