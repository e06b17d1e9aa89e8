package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/config"
	"countersign/internal/textfile"
	"countersign/internal/web"
)

type userImport struct {
	inAgency
	File          string `arg:"" help:"CSV file with the columns user_id, name, email, mobile, groups, rights, password_hash; - for standard input."`
	Encoding      string `help:"Code page of the file, where it is not UTF-8 or UTF-16 (windows-1250, windows-1251, windows-1252, iso-8859-1, iso-8859-15, cp437, cp850, macintosh). Default: windows-1252."`
	IgnoreUnknown bool   `name:"ignore-unknown-columns" help:"Ignore columns that are not known, instead of refusing the file."`
	DryRun        bool   `name:"dry-run" help:"Say what would happen, and change nothing."`
	Invite        bool   `help:"Send a link to choose a password to everybody without a password hash."`
	JSON          bool   `name:"json" help:"Print what happened as JSON."`
}

// An importedJSON is the result of an import for scripts.
type importedJSON struct {
	Added    int           `json:"added"`
	Invited  int           `json:"invited"`
	Ignored  []string      `json:"ignored_columns,omitempty"`
	Encoding string        `json:"encoding,omitempty"`
	DryRun   bool          `json:"dry_run"`
	Problems []problemJSON `json:"problems"`
}

type problemJSON struct {
	Line    int    `json:"line"`
	Column  string `json:"column,omitempty"`
	Problem string `json:"problem"`
}

// maxFile is the size limit of a file of users, in bytes.
const maxFile = 10 << 20

// Run adds the users of the file, all or none.
func (cmd userImport) Run(s *config.Settings, c *console) error {
	if cmd.Encoding != "" && !textfile.IsCodePage(cmd.Encoding) {
		return &config.Error{Setting: "--encoding", Problem: "it must be one of " + textfile.CodePages}
	}
	text, err := readWhole(cmd.File, c.in)
	if err != nil {
		return err
	}
	if cmd.Invite {
		if _, err := s.Public(); err != nil {
			return err // the links are built from it
		}
	}
	return withApp(s, cmd.Agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		done, err := h.admin.ImportUsers(ctx, v, operator, admin.Import{Text: text, Encoding: cmd.Encoding, IgnoreUnknown: cmd.IgnoreUnknown, DryRun: cmd.DryRun, Invite: cmd.Invite})
		if err != nil {
			return err
		}
		return cmd.print(c, done)
	})
}

// readWhole reads a file, or standard input, up to the size limit.
func readWhole(file string, in io.Reader) ([]byte, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, &config.Error{Setting: "FILE", Problem: err.Error()}
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, &config.Error{Setting: "FILE", Problem: err.Error()}
	}
	if len(text) > maxFile {
		return nil, &config.Error{Setting: "FILE", Problem: "it has more than 10 MB; split it"}
	}
	return text, nil
}

// print prints the result. With a problem nothing was imported, and the command fails.
func (cmd userImport) print(c *console, done admin.Imported) error {
	out := importedJSON{Added: done.Added, Invited: done.Invited, Ignored: done.Ignored, Encoding: done.Encoding, DryRun: cmd.DryRun, Problems: []problemJSON{}}
	rows := [][]string{}
	for _, p := range done.Problems {
		text := web.Text(p.Err)
		out.Problems = append(out.Problems, problemJSON{p.Line, p.Column, text})
		rows = append(rows, []string{fmt.Sprint("line ", p.Line), p.Column, text})
	}
	if len(rows) == 0 {
		would := map[bool]string{false: "Added", true: "Would be added"}[cmd.DryRun]
		rows = [][]string{{would, countersign.Count(done.Added, "user"), countersign.Count(done.Invited, "link") + " to choose a password"}}
	}
	if len(done.Ignored) > 0 {
		rows = append(rows, []string{"Ignored", "", "columns " + strings.Join(done.Ignored, ", ")})
	}
	if done.Encoding != "" {
		rows = append(rows, []string{"Read as", "", done.Encoding + ", since the file is not UTF-8. Check names with accents; --encoding names another code page."})
	}
	var err error
	if cmd.JSON {
		err = c.json(out)
	} else {
		err = c.table(rows)
	}
	if err == nil && len(done.Problems) > 0 {
		err = &countersign.Error{Kind: countersign.KindInvalid, Code: "import.problems", Args: countersign.Args{"Problems": len(done.Problems)}}
	}
	return err
}
