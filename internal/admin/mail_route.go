package admin

import (
	"context"
	"time"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// A MailRoute says what is known about how mail goes out.
type MailRoute int

// The mail routes.
const (
	MailUnknown MailRoute = iota // a command that was given no --smtp-url: the node may have one
	MailNone                     // a node without --smtp-url
	MailServer                   // a mail server, which has to prove itself
	MailInbox                    // the demo's inbox, which takes everything
)

// mailProof is how long an accepted mail proves that mail goes out. Receipts are
// kept as long.
const mailProof = 30 * policy.Day

// checkMail refuses to turn 2FA On where no emailed token could arrive: everyone
// would be locked out. An accepted mail of the agency is the proof; a test mail counts.
func (s *Service) checkMail(ctx context.Context, tx *store.Tx, now time.Time) error {
	switch s.Mail {
	case MailInbox:
		return nil
	case MailNone:
		return countersign.Problem(countersign.KindInvalid, "preference.no_mail_route", "value", nil)
	}
	proved, err := tx.MailAccepted(ctx, now.Add(-mailProof))
	if err == nil && !proved {
		return countersign.Problem(countersign.KindInvalid, "preference.mail_unproved", "value", nil)
	}
	return err
}

// NoteAccepted keeps the receipt of a test that the operator sent past the outbox.
func (s *Service) NoteAccepted(ctx context.Context, v countersign.Visit, m countersign.Message, server string) error {
	m.State, m.Created, m.Due, m.Done, m.Server, m.Data = countersign.StateSent, v.Now, v.Now, v.Now, server, nil
	return s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error { return tx.AddMessage(ctx, m) })
}
