package main

import (
	"fmt"
	"os"
	"strconv"
)

// exits CODE ARGUMENTS...: runs countersign with the arguments and succeeds if its exit code is
// CODE. Scripts alone only distinguish 0 from the rest.
func exits() {
	want, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "exits:", err)
		os.Exit(99)
	}
	if got := run(os.Args[2:], os.Stdin, os.Stdout, os.Stderr); got != want {
		fmt.Fprintf(os.Stderr, "exit code %d, want %d\n", got, want)
		os.Exit(99)
	}
}
