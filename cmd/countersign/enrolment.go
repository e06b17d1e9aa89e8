package main

import (
	"context"
	"strings"
	"time"

	"countersign"
	"countersign/internal/config"
)

type userEnrollmentCode struct {
	inAgency
	ID     string `name:"id" required:"" help:"User ID."`
	Reason string `required:"" help:"Why; it is kept in the audit log and told to the user and every administrator."`
	JSON   bool   `name:"json" help:"Print the code as JSON."`
}

type codeJSON struct {
	ID       string   `json:"id"`
	Code     string   `json:"code"`
	Until    string   `json:"until"`
	Reset    bool     `json:"reset"`
	Notified []string `json:"told"`
}

// Run creates the code. It works for any user, even the last administrator (RS-07).
func (cmd userEnrollmentCode) Run(s *config.Settings, c *console) error {
	return withApp(s, cmd.Agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		n, err := h.admin.IssueEnrollmentCode(ctx, v, operator, cmd.ID, cmd.Reason)
		if err != nil {
			return err
		}
		until := n.Until.Format(time.RFC3339)
		if cmd.JSON {
			return c.json(codeJSON{ID: strings.ToUpper(cmd.ID), Code: n.Code, Until: until, Reset: n.Reset, Notified: append([]string{}, n.Notified...)})
		}
		rows := [][]string{{"Enrollment code", n.Code}, {"For", strings.ToUpper(cmd.ID) + ", together with the password"}, {"Works", "once, until " + until},
			{"Told", strings.Join(n.Notified, ", ")}}
		if n.Reset {
			rows = append(rows, []string{"Reset", "the methods of before were removed"})
		}
		return c.table(rows)
	})
}
