package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set when a release is built.
var version = "development"

type versionCmd struct{}

// Run prints version, commit and Go version.
func (versionCmd) Run(c *console) error {
	commit := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value
			}
		}
	}
	_, err := fmt.Fprintf(c.out, "countersign %s, commit %s, %s\n", version, commit, runtime.Version())
	return err
}
