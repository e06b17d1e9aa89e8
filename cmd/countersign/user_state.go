package main

import (
	"context"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/config"
)

type userDisable struct {
	inAgency
	ID     string `name:"id" required:"" help:"User ID."`
	Reason string `required:"" help:"Why; it is kept in the audit log and told to the user."`
}

// Run disables the user: sessions end and devices are forgotten.
func (cmd userDisable) Run(s *config.Settings, c *console) error {
	return setState(s, c, cmd.Agency, cmd.ID, cmd.Reason, true)
}

type userEnable struct {
	inAgency
	ID     string `name:"id" required:"" help:"User ID."`
	Reason string `required:"" help:"Why; it is kept in the audit log."`
}

// Run lets the user sign in again.
func (cmd userEnable) Run(s *config.Settings, c *console) error {
	return setState(s, c, cmd.Agency, cmd.ID, cmd.Reason, false)
}

func setState(s *config.Settings, c *console, agency, id, reason string, disabled bool) error {
	return withApp(s, agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		u, err := h.admin.EditUser(ctx, v, operator, id, admin.Change{Version: admin.AnyVersion, Disabled: &disabled, Reason: reason})
		if err != nil {
			return err
		}
		did := map[bool]string{true: "Disabled", false: "Enabled"}[disabled]
		return c.table([][]string{{did, u.Login, u.Name}})
	})
}

type userRemove struct {
	inAgency
	ID     string `name:"id" required:"" help:"User ID."`
	Reason string `required:"" help:"Why; it is kept in the audit log."`
}

// Run erases the user. The audit log keeps its rows.
func (cmd userRemove) Run(s *config.Settings, c *console) error {
	return withApp(s, cmd.Agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		u, err := h.admin.RemoveUser(ctx, v, operator, cmd.ID, cmd.Reason)
		if err != nil {
			return err
		}
		return c.table([][]string{{"Removed", u.Login, u.Name}})
	})
}
