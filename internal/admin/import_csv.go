package admin

import (
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"countersign"
	"countersign/internal/textfile"
)

// maxLines is how many users a file may have: all are added in one transaction.
const maxLines = 10_000

// The columns of a file of users. The first two are needed.
var userFileColumns = []string{"user_id", "name", "email", "mobile", "groups", "rights", "password_hash"}

// A userLine is one user of the file, as it was typed.
type userLine struct {
	line int
	user countersign.User
}

// A userFile is a file of users, taken apart.
type userFile struct {
	lines    []*userLine
	ignored  []string // columns that are not known, and that the caller wants ignored
	encoding string   // the code page that the file was read in; empty: UTF-8 or UTF-16
	problems []Problem
}

// readUsers reads a file of users as spreadsheets write it: CSV with comma,
// semicolon or tab, in UTF-8, UTF-16 or a code page. It goes on after a line that
// can't be read, so that all problems are told at once.
func readUsers(i Import) (f userFile) {
	text, err := f.decode(i)
	if err != nil {
		f.problems = problemsOf(1, err)
		return f
	}
	r, skipped := csvReader(text)
	var head []string
	for empty := true; empty; empty = !slices.ContainsFunc(head, func(name string) bool { return countersign.CleanID(name) != "" }) {
		if head, err = r.Read(); err != nil {
			f.problems = problemsOf(1+skipped, noCSV(err))
			return f
		}
	}
	first, _ := r.FieldPos(0)
	columns := f.columnsOf(head, first+skipped, i.IgnoreUnknown)
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			f.problem(skipped+startOf(err), noCSV(err))
			continue
		}
		at, _ := r.FieldPos(0)
		f.add(columns, cells, skipped+at)
	}
	switch {
	case len(f.lines) > maxLines:
		f.problem(1, countersign.Problem(countersign.KindInvalid, "import.many", "", countersign.Args{"Lines": len(f.lines), "Most": maxLines}))
		f.lines = nil
	case !slices.Contains(columns, userFileColumns[0]) || !slices.Contains(columns, userFileColumns[1]):
		f.lines = nil // each would be told to lack what the file has no column for
	case len(f.lines) == 0 && len(f.problems) == 0:
		f.problem(1, countersign.Problem(countersign.KindInvalid, "import.empty", "", nil))
	}
	return f
}

func (f *userFile) problem(line int, err error) {
	f.problems = append(f.problems, problemsOf(line, err)...)
}

// decode returns the text of a file. What is neither UTF-8 nor UTF-16 is read in
// the code page that the caller names, by default that of Windows in the Americas
// and Western Europe, and the caller is told so.
func (f *userFile) decode(i Import) (string, error) {
	if i.Encoding == "" {
		if text, err := textfile.Decode(i.Text); err == nil {
			return text, nil
		}
		i.Encoding = "windows-1252"
	}
	f.encoding = i.Encoding
	text, err := textfile.DecodeAs(i.Text, i.Encoding)
	if err != nil {
		return "", countersign.Problem(countersign.KindInvalid, "import.text", "", countersign.Args{"Encodings": textfile.CodePages})
	}
	return text, nil
}

// csvReader reads the lines of text, behind skipped lines that hold no users:
// Excel's own first line, "sep=;". Lines may end as on Windows, Unix or an old
// Mac; a file of MS-DOS ends with a character of its own.
func csvReader(text string) (r *csv.Reader, skipped int) {
	text = strings.TrimRight(text, "\x1a")
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	separator := rune(0)
	first, rest, _ := strings.Cut(text, "\n")
	if mark := strings.Trim(strings.TrimSpace(first), `"`); len(mark) == 5 && strings.EqualFold(mark[:4], "sep=") {
		separator, text, skipped = rune(mark[4]), rest, 1
	} else if strings.EqualFold(mark, "sep=") { // a tab, trimmed
		separator, text, skipped = '\t', rest, 1
	}
	if separator == 0 {
		separator = separatorOf(text)
	}
	r = csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	if strings.ContainsRune(";\t|", separator) {
		r.Comma = separator
	}
	return r, skipped
}

// separatorOf is the separator that the first line with columns uses.
func separatorOf(text string) rune {
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		for _, separator := range ",;\t" {
			if strings.ContainsRune(line, separator) {
				return separator
			}
		}
		break
	}
	return ','
}

// startOf is the line on which what can't be read begins.
func startOf(err error) int {
	var at *csv.ParseError
	if errors.As(err, &at) {
		return at.StartLine
	}
	return 1
}

func noCSV(err error) error {
	if errors.Is(err, io.EOF) {
		return countersign.Problem(countersign.KindInvalid, "import.empty", "", nil)
	}
	code := "import.form"
	switch {
	case errors.Is(err, csv.ErrQuote):
		code = "import.quote"
	case errors.Is(err, csv.ErrBareQuote):
		code = "import.bare_quote"
	}
	return countersign.Problem(countersign.KindInvalid, code, "", nil)
}

// unread is a column whose cells are not read.
const unread = "-"

// columnsOf returns the columns that the first line names, in order, and keeps
// what is wrong with it. Spreadsheets leave columns without a name at the end;
// they are empty here, and unread those whose name is not known.
func (f *userFile) columnsOf(head []string, line int, ignoreUnknown bool) []string {
	columns := make([]string, len(head))
	for i, name := range head {
		name = countersign.CleanID(name)
		column := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(name))
		switch {
		case name == "":
		case !slices.Contains(userFileColumns, column):
			f.ignored = append(f.ignored, name)
			columns[i] = unread
		case slices.Contains(columns, column):
			f.problem(line, countersign.Problem(countersign.KindInvalid, "import.column_twice", "", countersign.Args{"Column": column}))
			columns[i] = unread
		default:
			columns[i] = column
		}
	}
	if !ignoreUnknown {
		for _, name := range f.ignored {
			f.problem(line, countersign.Problem(countersign.KindInvalid, "import.column_unknown", "", countersign.Args{"Column": name, "Columns": strings.Join(userFileColumns, ", ")}))
		}
		f.ignored = nil
	}
	for _, needed := range userFileColumns[:2] {
		if !slices.Contains(columns, needed) {
			f.problem(line, countersign.Problem(countersign.KindInvalid, "import.column_missing", "", countersign.Args{"Column": needed}))
		}
	}
	return columns
}

// add reads one line. An empty one is none. Spreadsheets leave empty cells out at
// the end of some lines, and add them to others; a cell with something in it that
// has no column is a line that was torn apart.
func (f *userFile) add(columns, cells []string, line int) {
	if !slices.ContainsFunc(cells, func(c string) bool { return countersign.CleanText(c) != "" }) {
		return
	}
	for i, cell := range cells {
		if (i >= len(columns) || columns[i] == "") && strings.TrimSpace(cell) != "" {
			f.problem(line, countersign.Problem(countersign.KindInvalid, "import.cells", "", countersign.Args{"Cells": len(cells), "Columns": len(columns)}))
			return
		}
	}
	l := &userLine{line: line}
	for i, column := range columns[:min(len(columns), len(cells))] {
		if column == "" || column == unread {
			continue
		}
		text, err := cellText(column, cells[i])
		if err != nil {
			f.problem(line, err)
		}
		l.user = withCell(l.user, column, text)
	}
	f.lines = append(f.lines, l)
}

// excelErrors are what a formula that fails leaves in a cell.
var excelErrors = []string{"#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"}

var (
	asText     = regexp.MustCompile(`^="(.*)"$`)                         // how Excel is made to keep a number as text
	scientific = regexp.MustCompile(`^[+-]?\d(?:[.,]\d+)?[eE]\+\d{2,}$`) // how spreadsheets shorten a long number
	thousands  = regexp.MustCompile(`^\+?\d{1,3}(?:,\d{3})+$`)           // a number with separators
	fraction   = regexp.MustCompile(`^(\+?\d{3,})[.,]0+$`)               // how other programs write a whole number
)

// cellText is what a cell says, without the marks that spreadsheets put around
// numbers. A number that was shortened can't be read.
func cellText(column, cell string) (string, error) {
	cell = strings.TrimSpace(cell)
	if found := asText.FindStringSubmatch(cell); found != nil {
		cell = strings.ReplaceAll(found[1], `""`, `"`)
	}
	if slices.Contains(excelErrors, strings.ToUpper(cell)) {
		return "", countersign.Problem(countersign.KindInvalid, "import.cell_error", column, countersign.Args{"Cell": cell})
	}
	cell = strings.TrimPrefix(cell, "'")
	if column == "mobile" || column == "user_id" {
		if scientific.MatchString(cell) {
			return "", countersign.Problem(countersign.KindInvalid, "import.cell_shortened", column, countersign.Args{"Cell": cell})
		}
	}
	switch found := fraction.FindStringSubmatch(cell); {
	case found != nil && (column == "mobile" || column == "user_id"):
		cell = found[1]
	case column == "mobile" && thousands.MatchString(cell):
		cell = strings.ReplaceAll(cell, ",", "")
	}
	return cell, nil
}

// withCell returns u with the text of one cell. Groups and rights have
// semicolons or bars between them.
func withCell(u countersign.User, column, text string) countersign.User {
	split := func() []string {
		return tidy(strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '|' }))
	}
	switch column {
	case "user_id":
		u.Login = countersign.CleanID(text)
	case "name":
		u.Name = countersign.CleanText(text)
	case "email":
		u.Email = countersign.CleanID(text)
	case "mobile":
		u.Mobile = countersign.CleanID(text)
	case "groups":
		u.Groups = split()
	case "rights":
		for _, name := range split() {
			u.Rights = append(u.Rights, countersign.Right(name))
		}
	case "password_hash":
		u.Password = text
	}
	return u
}

// fileColumn is the column of a form's field, where they are called differently.
var fileColumn = map[string]string{"phone": "mobile", "group": "groups", "right": "rights"}

// problemsOf returns the errors for people in err, each with its line. An error
// without one for people is a problem too: nothing that failed is imported.
func problemsOf(line int, err error) (problems []Problem) {
	for _, e := range countersign.Problems(err) {
		column := e.Field
		if name, ok := fileColumn[column]; ok {
			column = name
		}
		problems = append(problems, Problem{line, column, e})
	}
	if err != nil && len(problems) == 0 {
		problems = append(problems, Problem{Line: line, Err: err})
	}
	return problems
}

// firstOfEach returns the problems of found whose cell has none before: of a cell
// that can't be read nothing else is said.
func firstOfEach(found, before []Problem) []Problem {
	return slices.DeleteFunc(found, func(p Problem) bool {
		return p.Column != "" && slices.ContainsFunc(before, func(b Problem) bool { return b.Line == p.Line && b.Column == p.Column })
	})
}

func sorted(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return problems
}
