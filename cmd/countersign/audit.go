package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/config"
	"countersign/internal/textfile"
)

type auditCmd struct {
	List   auditList   `cmd:"" help:"List what happened, the newest last."`
	Export auditExport `cmd:"" help:"Write all of it, for other programs."`
	Verify auditVerify `cmd:"" help:"Look for rows that were changed, removed, moved or cut off."`
}

// An auditFilter selects the rows of list and export.
type auditFilter struct {
	Subject string `help:"Only what was done to this user ID, preference or other thing."`
	Actor   string `help:"Only what this user ID, or operator, did."`
	Action  string `help:"Only this action, or with a dot at its end this family of actions: sign-in."`
	Since   string `help:"Only from this time on: 2026-11-03, or 2026-11-03T09:00:00Z." placeholder:"TIME"`
	Until   string `help:"Only before this time." placeholder:"TIME"`
}

func (f auditFilter) query() (q countersign.EventQuery, err error) {
	q = countersign.EventQuery{Subject: f.Subject, Actor: f.Actor, Action: f.Action}
	if q.Since, err = instant("--since", f.Since); err != nil {
		return q, err
	}
	q.Until, err = instant("--until", f.Until)
	return q, err
}

// instant parses a time, or a day, which begins at midnight UTC.
func instant(setting, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, &config.Error{Setting: setting, Problem: fmt.Sprintf("%q is no time like 2026-11-03 or 2026-11-03T09:00:00Z", text)}
}

type auditList struct {
	inAgency
	auditFilter
	Limit int  `default:"50" help:"How many rows at most."`
	JSON  bool `name:"json" help:"Print the rows as JSON."`
}

// Run lists the newest rows that match, with the newest last.
func (cmd auditList) Run(s *config.Settings, c *console) error {
	q, err := cmd.query()
	if err != nil {
		return err
	}
	if q.Limit = cmd.Limit; q.Limit < 1 {
		return &config.Error{Setting: "--limit", Problem: "it must be 1 or more"}
	}
	return withApp(s, cmd.Agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		events, err := h.admin.Events(ctx, v, operator, q)
		if err != nil {
			return err
		}
		slices.Reverse(events)
		views, rows := []eventJSON{}, [][]string{{"ROW", "TIME (UTC)", "ACTION", "ACTOR", "SUBJECT", "METHOD", "RESULT", "REASON", "FROM"}}
		for _, e := range events {
			views = append(views, eventView(v.Agency, e))
			rows = append(rows, []string{strconv.FormatInt(e.Seq, 10), e.At.Format(time.DateTime), e.Action, e.Actor, e.Subject, e.Method, e.Result, e.Reason, from(e)})
		}
		if cmd.JSON {
			return c.json(views)
		}
		return c.table(rows)
	})
}

// from returns the origin of an event on one line.
func from(e countersign.Event) string {
	if !e.Client.IP.IsValid() {
		return ""
	}
	return e.Client.Address() + " " + e.Client.Describe()
}

// An eventJSON is a row of the audit log for other programs.
type eventJSON struct {
	Row     int64             `json:"row"`
	Time    string            `json:"time"`
	Agency  string            `json:"agency"`
	Action  string            `json:"action"`
	Actor   string            `json:"actor"`
	Subject string            `json:"subject"`
	Method  string            `json:"method"`
	Result  string            `json:"result"`
	Reason  string            `json:"reason"`
	IP      string            `json:"ip"`
	Browser string            `json:"browser"`
	OS      string            `json:"os"`
	Request string            `json:"request"`
	Detail  map[string]string `json:"detail"`
}

func eventView(a countersign.Agency, e countersign.Event) eventJSON {
	j := eventJSON{Row: e.Seq, Time: e.At.Format("2006-01-02T15:04:05.000Z"), Agency: a.Code, Action: e.Action, Actor: e.Actor, Subject: e.Subject,
		Method: e.Method, Result: e.Result, Reason: e.Reason, Browser: e.Client.Browser, OS: e.Client.OS, Request: e.Request, Detail: e.Detail}
	if e.Client.IP.IsValid() {
		j.IP = e.Client.Address()
	}
	return j
}

type auditExport struct {
	inAgency
	auditFilter
	Format string `default:"jsonl" enum:"jsonl,csv" help:"jsonl or csv."`
}

// Run writes the rows, oldest first. The export is itself audited.
func (cmd auditExport) Run(s *config.Settings, c *console) error {
	q, err := cmd.query()
	if err != nil {
		return err
	}
	return withApp(s, cmd.Agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		if cmd.Format == "jsonl" {
			return h.admin.ExportEvents(ctx, v, operator, q, func(e countersign.Event) error { return c.json(eventView(v.Agency, e)) })
		}
		out := csv.NewWriter(c.out)
		err := out.Write([]string{"row", "time", "agency", "action", "actor", "subject", "method", "result", "reason", "ip", "browser", "os", "request", "detail"})
		if err != nil {
			return err
		}
		err = h.admin.ExportEvents(ctx, v, operator, q, func(e countersign.Event) error { return out.Write(csvCells(eventView(v.Agency, e))) })
		out.Flush()
		return errors.Join(err, out.Error())
	})
}

// csvCells returns an event as a row of a table that a spreadsheet may open.
func csvCells(e eventJSON) []string {
	var detail []string
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		detail = append(detail, name+": "+e.Detail[name])
	}
	row := []string{strconv.FormatInt(e.Row, 10), e.Time, e.Agency, e.Action, e.Actor, e.Subject, e.Method, e.Result, e.Reason, e.IP, e.Browser, e.OS, e.Request, strings.Join(detail, "; ")}
	for i, cell := range row {
		row[i] = escapeFormula(cell)
	}
	return row
}

// escapeFormula keeps a spreadsheet from reading a cell as a formula (WB-05).
func escapeFormula(cell string) string {
	cell = escaped(cell)
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

type auditVerify struct {
	inAgency
	Checkpoint string `help:"File with checkpoints that were kept elsewhere, one on each line; - for standard input." placeholder:"FILE"`
	JSON       bool   `name:"json" help:"Print what was found as JSON."`
}

// errFound is the error of a check that found something: exit code 1.
var errFound = errors.New("the audit log is not as it was written; see above")

// Run verifies the log of one agency, or of all.
func (cmd auditVerify) Run(s *config.Settings, c *console) error {
	kept, err := readCheckpoints(cmd.Checkpoint, c.in)
	if err != nil {
		return err
	}
	ctx, cancel := commandContext()
	defer cancel()
	h, err := open(ctx, s)
	if err != nil {
		return err
	}
	return errors.Join(cmd.verify(ctx, h, c, kept), h.close())
}

func (cmd auditVerify) verify(ctx context.Context, h *app, c *console, kept []countersign.Checkpoint) error {
	all, err := h.db.Agencies(ctx)
	if cmd.Agency != "" && err == nil {
		var one countersign.Agency
		one, err = h.agency(ctx, cmd.Agency)
		all = []countersign.Agency{one}
	}
	if err != nil {
		return err
	}
	var found error
	views := []verdictJSON{}
	for _, a := range all {
		verdict, err := h.admin.VerifyEvents(ctx, countersign.Visit{Agency: a, Now: now()}, kept)
		if err != nil {
			return err
		}
		if len(verdict.Faults) > 0 {
			found = errFound
		}
		views = append(views, verdictView(a, verdict))
		if !cmd.JSON {
			printVerdict(c.out, a, verdict)
		}
	}
	if cmd.JSON {
		return errors.Join(c.json(views), found)
	}
	return found
}

func printVerdict(out io.Writer, a countersign.Agency, v admin.Verdict) {
	for _, f := range v.Faults {
		fmt.Fprintf(out, "%s: %s\n", a.Code, f.What)
	}
	if len(v.Faults) > 0 {
		return
	}
	fmt.Fprintf(out, "%s: %s, unchanged and in order; checkpoints that agree: %d\n", a.Code, countersign.Count(int(v.Rows), "row"), v.Checkpoints)
	if v.Newest.Seq > 0 {
		fmt.Fprintln(out, v.Newest)
	}
}

type verdictJSON struct {
	Agency      string      `json:"agency"`
	Rows        int64       `json:"rows"`
	Checkpoints int         `json:"checkpoints"`
	Faults      []faultJSON `json:"faults"`
	Checkpoint  string      `json:"checkpoint,omitempty"`
}

type faultJSON struct {
	Row  int64  `json:"row"`
	What string `json:"what"`
}

func verdictView(a countersign.Agency, v admin.Verdict) verdictJSON {
	j := verdictJSON{Agency: a.Code, Rows: v.Rows, Checkpoints: v.Checkpoints, Faults: []faultJSON{}}
	for _, f := range v.Faults {
		j.Faults = append(j.Faults, faultJSON{f.Seq, f.What})
	}
	if v.Newest.Seq > 0 {
		j.Checkpoint = v.Newest.String()
	}
	return j
}

// readCheckpoints reads the lines that are checkpoints. It skips others, such as the sentences that
// verify prints before them.
func readCheckpoints(path string, in io.Reader) ([]countersign.Checkpoint, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readAll(path, in)
	if err != nil {
		return nil, &config.Error{Setting: "--checkpoint", Problem: fmt.Sprintf("%s cannot be read: %v", path, err)}
	}
	var all []countersign.Checkpoint
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "countersign-checkpoint") {
			continue
		}
		one, err := countersign.ParseCheckpoint(line)
		if err != nil {
			return nil, &config.Error{Setting: "--checkpoint", Problem: err.Error()}
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return nil, &config.Error{Setting: "--checkpoint", Problem: path + " holds no checkpoint; audit verify prints them"}
	}
	return all, nil
}

func readAll(path string, in io.Reader) (string, error) {
	if path != "-" {
		return textfile.Read(path)
	}
	data, err := io.ReadAll(in)
	if err != nil {
		return "", err
	}
	return textfile.Decode(data)
}
