package main

import (
	"errors"
	"fmt"
	"os"

	"countersign/internal/config"
	"countersign/internal/secret"
)

type passwordFilterCmd struct {
	Build passwordFilterBuild `cmd:"" help:"Make the file for --breached-passwords out of a list of SHA-1 digests."`
}

type passwordFilterBuild struct {
	From    string `required:"" help:"Text file with a SHA-1 in hexadecimal on each line, and after a colon how often it was seen, as Have I Been Pwned gives it out; - for standard input." placeholder:"FILE"`
	To      string `required:"" help:"File to write; it must not exist." placeholder:"FILE"`
	AtLeast int    `name:"at-least" default:"1" help:"Leave out what was seen less often."`
}

// Run creates the file. It needs no database.
func (cmd passwordFilterBuild) Run(c *console) error {
	in := c.in
	if cmd.From != "-" {
		f, err := os.Open(cmd.From)
		if err != nil {
			return &config.Error{Setting: "--from", Problem: err.Error()}
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	filter, err := secret.BuildBreached(in, cmd.AtLeast)
	if err != nil {
		return &config.Error{Setting: "--from", Problem: err.Error()}
	}
	to, err := os.OpenFile(cmd.To, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) // #nosec G302 -- a list of stolen passwords is no secret
	if err != nil {
		return &config.Error{Setting: "--to", Problem: err.Error()}
	}
	if err := errors.Join(filter.Write(to), to.Sync(), to.Close()); err != nil {
		return fmt.Errorf("--to: %w", errors.Join(err, os.Remove(cmd.To)))
	}
	return c.table([][]string{{"Written", cmd.To, fmt.Sprint(filter.Count(), " passwords")}})
}
