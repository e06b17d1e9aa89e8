package main

import (
	"reflect"
	"slices"

	"github.com/alecthomas/kong"

	"countersign/internal/config"
)

// ofNodes are the settings that a node reads, and no other command.
var ofNodes = []string{"listen", "ops-listen", "trusted-proxy", "sms-budget"}

// ofDemo are the settings that the demo takes over; all others it makes itself.
var ofDemo = []string{"config", "trusted-proxy", "breached-passwords"}

// help prints what a command takes, with the settings that it reads and no others.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	for _, flag := range ctx.Model.Flags {
		flag.Hidden = flag.Name != "help" && !reads(ctx.Selected(), flag.Name)
	}
	return kong.DefaultHelpPrinter(options, ctx)
}

// reads tells whether a command, or one below it, reads a setting; nil is the program.
func reads(command *kong.Node, setting string) bool {
	switch {
	case command == nil || command.Name == "serve":
		return true
	case command.Name == "demo":
		return slices.Contains(ofDemo, setting)
	default:
		return takesSettings(command) && !slices.Contains(ofNodes, setting)
	}
}

// takesSettings tells whether settings are handed to a command, or to one below it.
func takesSettings(command *kong.Node) bool {
	if run, ok := reflect.PointerTo(command.Target.Type()).MethodByName("Run"); ok {
		for i := range run.Type.NumIn() {
			if run.Type.In(i) == reflect.TypeFor[*config.Settings]() {
				return true
			}
		}
	}
	return slices.ContainsFunc(command.Children, takesSettings)
}
