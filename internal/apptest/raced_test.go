//go:build race

package apptest

// raced tells that the race detector watches, which makes everything many times slower.
const raced = true

// stride is from one call of the store that fails to the next.
const stride = 4
