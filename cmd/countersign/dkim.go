package main

import (
	"context"
	"net/mail"

	"countersign"
	"countersign/internal/config"
	"countersign/internal/outbox"
)

type messageDKIM struct {
	inAgency
	New  bool   `help:"Make a key; it signs nothing until --sign names it." xor:"act"`
	Sign string `help:"Selector of the key that signs from now on, once its record is published." placeholder:"SELECTOR" xor:"act"`
	Stop bool   `help:"Sign no more." xor:"act"`
	JSON bool   `name:"json" help:"Print the keys as JSON."`
}

type dkimJSON struct {
	Selector string `json:"selector"`
	Name     string `json:"name"`
	Record   string `json:"record"`
	Signs    bool   `json:"signs"`
}

// Run manages the keys and shows them with the records that publish them.
func (cmd messageDKIM) Run(s *config.Settings, c *console) error {
	return withApp(s, cmd.Agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		from, err := mail.ParseAddress(h.from(v.Agency))
		if err != nil {
			return &config.Error{Setting: "--mail-from", Problem: "it is missing; a key belongs to the sender's domain"}
		}
		domain := outbox.Domain(from.Address)
		if err := cmd.act(ctx, h, v, domain); err != nil {
			return err
		}
		keys, err := h.admin.DKIMKeys(ctx, v, operator, domain)
		if err != nil {
			return err
		}
		return cmd.show(c, keys)
	})
}

func (cmd messageDKIM) act(ctx context.Context, h *app, v countersign.Visit, domain string) error {
	switch {
	case cmd.New:
		_, err := h.admin.NewDKIMKey(ctx, v, operator, domain)
		return err
	case cmd.Stop || cmd.Sign != "":
		return h.admin.SignWith(ctx, v, operator, domain, cmd.Sign)
	}
	return nil
}

func (cmd messageDKIM) show(c *console, keys []countersign.DKIMKey) error {
	views, rows := []dkimJSON{}, [][]string{}
	for _, k := range keys {
		record, err := outbox.DKIMRecord(k)
		if err != nil {
			return err
		}
		views = append(views, dkimJSON{k.Selector, k.RecordName(), record, k.Signs})
		state := "waits: publish its record, then give --sign " + k.Selector
		if k.Signs {
			state = "signs"
		}
		rows = append(rows, []string{k.Selector, state}, []string{outbox.ZoneLine(k.RecordName(), record)})
	}
	if cmd.JSON {
		return c.json(views)
	}
	if len(rows) == 0 {
		rows = [][]string{{"There is no key; make one with --new."}}
	}
	return c.table(rows)
}

// from returns the sender of an agency's mail.
func (a *app) from(agency countersign.Agency) string {
	if agency.MailFrom != "" {
		return agency.MailFrom
	}
	return a.outbox.From
}
