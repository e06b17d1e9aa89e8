// Command countersign adds a second factor to the sign-in of an agency's applications.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	_ "time/tzdata" // time zones, for machines without them

	"github.com/alecthomas/kong"

	"countersign"
	"countersign/internal/config"
	"countersign/internal/web"
)

// A cli is the command line: the settings, and one command.
type cli struct {
	config.Settings

	Serve      serveCmd          `cmd:"" help:"Run a node."`
	Demo       demoCmd           `cmd:"" help:"Run the whole product with sample users and an inbox, on nothing but this program."`
	Agency     agencyCmd         `cmd:"" help:"Agencies: add, edit, list."`
	User       userCmd           `cmd:"" help:"Users: add, list, show, edit, import, disable, enable, remove, reset-two-factor, enrollment-code."`
	Preference preferenceCmd     `cmd:"" help:"Preferences: list, set, unset."`
	Message    messageCmd        `cmd:"" help:"Messages: test, dkim."`
	Audit      auditCmd          `cmd:"" help:"Audit log: list, export, verify."`
	Key        keyCmd            `cmd:"" help:"Master key: status, rotate."`
	Filter     passwordFilterCmd `cmd:"" name:"password-filter" help:"List of stolen passwords: build."`
	Doctor     doctorCmd         `cmd:"" help:"Look whether mail and text messages can go out, and what the DNS of the sender lacks."`
	Version    versionCmd        `cmd:"" help:"Version, commit and Go version."`
}

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is the program. Exit code 0: done, 1: it failed, 2: the command line, environment or file is
// invalid.
func run(args []string, in io.Reader, out, problems io.Writer) int {
	var c cli
	exit := -1
	parser, err := kong.New(&c, kong.Name("countersign"), kong.Description("A second factor in front of the applications that an agency already runs."),
		kong.Writers(out, problems), kong.DefaultEnvars("COUNTERSIGN"), kong.Exit(func(code int) { exit = code }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Help(help),
		kong.Vars{"nothing": ""})
	if err != nil {
		fmt.Fprintln(problems, "countersign:", err)
		return 2
	}
	ctx, err := c.parse(parser, args)
	if exit >= 0 {
		return exit // help was printed
	}
	if err == nil {
		err = ctx.Run(&c.Settings, &console{in: in, out: out, problems: problems})
	}
	if err == nil {
		return 0
	}
	fmt.Fprintln(problems, "countersign:", lines(errorText(err)))
	return status(err, ctx)
}

// errorText returns the text of an error for the operator, in one line.
func errorText(err error) string {
	var setting *config.Error
	if errors.As(err, &setting) && setting.Err != nil {
		return setting.Error() + ": " + web.Text(setting.Err)
	}
	var e *countersign.Error
	if errors.As(err, &e) && e.Kind == countersign.KindUnavailable && e.Err != nil {
		return "the database: " + e.Err.Error()
	}
	return web.Text(err)
}

// status returns the exit code of an error: 2 for invalid input, else 1.
func status(err error, ctx *kong.Context) int {
	var setting *config.Error
	var usage *kong.ParseError
	if errors.As(err, &setting) || errors.As(err, &usage) || ctx == nil {
		return 2
	}
	if countersign.Includes(err, countersign.KindInvalid) && !countersign.Includes(err, countersign.KindDenied) {
		return 2
	}
	return 1
}
