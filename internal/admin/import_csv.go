package admin

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign"
)

// mostLines is how many users a file may have: all are added in one transaction.
const mostLines = 10_000

// The columns of a file of users. The first two are needed.
var userFileColumns = []string{"user_id", "name", "email", "mobile", "groups", "rights", "password_hash"}

// A userLine is one user of the file, as it was typed.
type userLine struct {
	line int
	user countersign.User
}

// readUsers reads a file of users: CSV with comma or semicolon, in UTF-8, with
// or without a byte order mark. A cell is text and nothing else: one that begins
// with "=" is a name that begins with "=".
func readUsers(text []byte) (lines []*userLine, problems []Problem) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(text) {
		return nil, []Problem{{Line: 1 + bytes.Count(text[:firstInvalid(text)], []byte("\n")), Err: fail(countersign.Invalid, "import.text", "", nil)}}
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	if head, _, _ := bytes.Cut(text, []byte("\n")); bytes.ContainsRune(head, ';') && !bytes.ContainsRune(head, ',') {
		r.Comma = ';'
	}
	head, err := r.Read()
	if err != nil {
		return nil, problemsOf(1, noCSV(err))
	}
	columns, err := columnsOf(head)
	if err != nil {
		return nil, problemsOf(1, err)
	}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			var where *csv.ParseError
			errors.As(err, &where)
			return lines, append(problems, problemsOf(where.StartLine, noCSV(err))...)
		}
		at, _ := r.FieldPos(0)
		if len(cells) != len(columns) {
			problems = append(problems, problemsOf(at, fail(countersign.Invalid, "import.cells", "", countersign.Args{"Cells": len(cells), "Columns": len(columns)}))...)
			continue
		}
		lines = append(lines, &userLine{at, userOf(columns, cells)})
	}
	switch {
	case len(lines) > mostLines:
		return nil, problemsOf(1, fail(countersign.Invalid, "import.many", "", countersign.Args{"Lines": len(lines), "Most": mostLines}))
	case len(lines) == 0 && len(problems) == 0:
		return nil, problemsOf(1, fail(countersign.Invalid, "import.empty", "", nil))
	}
	return lines, problems
}

func firstInvalid(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(text)
}

func noCSV(err error) error {
	if errors.Is(err, io.EOF) {
		return fail(countersign.Invalid, "import.empty", "", nil)
	}
	why := err
	var at *csv.ParseError
	if errors.As(err, &at) {
		why = at.Err
	}
	return fail(countersign.Invalid, "import.form", "", countersign.Args{"Problem": why})
}

// columnsOf are the columns that the first line names, each known and once.
func columnsOf(head []string) ([]string, error) {
	var columns []string
	for _, name := range head {
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case !slices.Contains(userFileColumns, name):
			return nil, fail(countersign.Invalid, "import.column_unknown", "", countersign.Args{"Column": name, "Columns": strings.Join(userFileColumns, ", ")})
		case slices.Contains(columns, name):
			return nil, fail(countersign.Invalid, "import.column_twice", "", countersign.Args{"Column": name})
		}
		columns = append(columns, name)
	}
	for _, needed := range userFileColumns[:2] {
		if !slices.Contains(columns, needed) {
			return nil, fail(countersign.Invalid, "import.column_missing", "", countersign.Args{"Column": needed})
		}
	}
	return columns, nil
}

// userOf is the user of one line. Groups and rights have semicolons or bars
// between them.
func userOf(columns, cells []string) (u countersign.User) {
	split := func(cell string) []string {
		return tidy(strings.FieldsFunc(cell, func(r rune) bool { return r == ';' || r == '|' }))
	}
	for i, column := range columns {
		cell := strings.TrimSpace(cells[i])
		switch column {
		case "user_id":
			u.Login = cell
		case "name":
			u.Name = cell
		case "email":
			u.Email = cell
		case "mobile":
			u.Mobile = cell
		case "groups":
			u.Groups = split(cell)
		case "rights":
			for _, name := range split(cell) {
				u.Rights = append(u.Rights, countersign.Right(name))
			}
		case "password_hash":
			u.Password = cell
		}
	}
	return u
}

// fileColumn is the column of a form's field, where they are called differently.
var fileColumn = map[string]string{"phone": "mobile", "group": "groups", "right": "rights"}

// problemsOf are the errors for people inside of err, each with its line.
func problemsOf(line int, err error) (problems []Problem) {
	switch e := err.(type) {
	case nil:
	case *countersign.Error:
		column := e.Field
		if name, ok := fileColumn[column]; ok {
			column = name
		}
		problems = append(problems, Problem{line, column, e})
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			problems = append(problems, problemsOf(line, one)...)
		}
	default:
		problems = append(problems, Problem{Line: line, Err: err})
	}
	return problems
}

func sorted(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return problems
}
