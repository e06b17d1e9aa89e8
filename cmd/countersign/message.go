package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"countersign"
	"countersign/internal/config"
	"countersign/internal/factor"
	"countersign/internal/notify"
	"countersign/internal/outbox"
	"countersign/internal/store"
	"countersign/internal/wording"
)

type messageCmd struct {
	Test messageTest `cmd:"" help:"Send a test mail or text message, and tell what the server said."`
	DKIM messageDKIM `cmd:"" name:"dkim" help:"Keys that sign an agency's mail, and the records that publish them."`
}

type messageTest struct {
	inAgency
	To string `required:"" help:"Email address, or mobile number."`
}

// Run sends the message at once, not by the outbox, and prints the answer.
func (cmd messageTest) Run(s *config.Settings, c *console) error {
	return withApp(s, cmd.Agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		var p countersign.Preferences
		err := h.db.Read(ctx, v.Agency.ID, func(tx *store.Tx) (err error) {
			p, err = tx.Preferences(ctx)
			return err
		})
		if err != nil {
			return err
		}
		m, sender, err := h.testMessage(v, p, cmd.To)
		if err != nil {
			return err
		}
		l, err := outbox.Render(v.Agency, p, m, h.from(v.Agency), wording.Texts{})
		if err != nil {
			return err
		}
		if l.DKIM, err = h.signingKey(ctx, v); err != nil {
			return err
		}
		if err := h.admin.NoteTest(ctx, v, operator, m); err != nil {
			return err
		}
		receipt, err := sender.Send(ctx, l)
		var refusal *outbox.Refusal
		if errors.As(err, &refusal) {
			return undelivered(refusal)
		}
		if err != nil {
			return err
		}
		if err := h.admin.NoteAccepted(ctx, v, m, receipt.Server); err != nil {
			return err
		}
		return c.table([][]string{{"Accepted by " + receipt.Server, outbox.Explained(receipt.Answer)}})
	})
}

// undelivered says what became of a test that was not accepted.
func undelivered(r *outbox.Refusal) error {
	switch {
	case r.Permanent:
		return fmt.Errorf("%s refused it: %s", r.Server, outbox.Explained(r.Answer))
	case r.MaybeTaken:
		return fmt.Errorf("%s may have it: %s", r.Server, outbox.Explained(r.Answer))
	default:
		return fmt.Errorf("it was not sent; %s: %s", r.Server, outbox.Explained(r.Answer))
	}
}

// testMessage returns the message to an address or number, and its route.
func (a *app) testMessage(v countersign.Visit, p countersign.Preferences, to string) (countersign.Message, outbox.Sender, error) {
	m := countersign.Message{ID: countersign.MessageID("test-" + v.Request), Kind: countersign.MessageTest, Channel: countersign.ChannelEmail, Data: notify.Facts(v, countersign.User{})}
	wrong := func(err error) error { return &config.Error{Setting: "--to", Problem: strconv.Quote(to), Err: err} }
	if !strings.Contains(to, "@") && !factor.LikePhone(to) {
		return m, nil, wrong(&countersign.Error{Kind: countersign.KindInvalid, Code: "message.to"})
	}
	var err error
	if strings.Contains(to, "@") {
		if m.To, err = factor.ParseEmail(to); err != nil {
			return m, nil, wrong(err)
		}
		if a.outbox.Mail == nil {
			err = &config.Error{Setting: "--smtp-url", Problem: "no mail server is set; give one, for example --smtp-url smtp://user:password@mail.acme.example:587"}
		}
		return m, a.outbox.Mail, err
	}
	m.Channel = countersign.ChannelSMS
	if m.To, err = factor.ParsePhone(to, "", p.Countries); err != nil {
		return m, nil, wrong(err)
	}
	if a.outbox.Text == nil {
		err = &config.Error{Setting: "--sms-url", Problem: "no text gateway is set; give one, for example --sms-url 'webhook+https://gateway.example/send?secret=…'"}
	}
	return m, a.outbox.Text, err
}

// signingKey returns the key that signs the agency's mail, or an empty one.
func (a *app) signingKey(ctx context.Context, v countersign.Visit) (countersign.DKIMKey, error) {
	keys, err := a.admin.DKIMKeys(ctx, v, operator, outbox.Domain(a.from(v.Agency)))
	for _, k := range keys {
		if k.Signs {
			return k, err
		}
	}
	return countersign.DKIMKey{}, err
}
