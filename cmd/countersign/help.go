package main

import (
	"reflect"
	"slices"

	"github.com/alecthomas/kong"

	"countersign/internal/config"
)

// nodeSettings are the settings that only a node reads.
var nodeSettings = []string{"listen", "ops-listen", "trusted-proxy", "sms-budget"}

// demoSettings are the settings that the demo accepts. It chooses all others itself.
var demoSettings = []string{"config", "trusted-proxy", "breached-passwords"}

// help prints what a command takes, with only the settings that it reads.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	for _, flag := range ctx.Model.Flags {
		flag.Hidden = flag.Name != "help" && !reads(ctx.Selected(), flag.Name)
	}
	return kong.DefaultHelpPrinter(options, ctx)
}

// reads reports whether a command, or one below it, reads a setting; nil is the program.
func reads(command *kong.Node, setting string) bool {
	switch {
	case command == nil || command.Name == "serve":
		return true
	case command.Name == "demo":
		return slices.Contains(demoSettings, setting)
	default:
		return takesSettings(command) && !slices.Contains(nodeSettings, setting)
	}
}

// takesSettings reports whether a command, or one below it, receives settings.
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
