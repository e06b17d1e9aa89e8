//go:build !race

package apptest

const raced = false

// stride is the distance between two calls of the store that fail.
const stride = 1
