//go:build !race

package apptest

const raced = false

// stride is from one call of the store that fails to the next.
const stride = 1
