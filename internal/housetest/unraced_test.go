//go:build !race

package housetest

const raced = false
