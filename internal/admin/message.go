package admin

import (
	"context"
	"errors"
	"strings"
	"time"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// A MessageQuery, -Row, -Page, -Day and -Count are what the list of messages is made of.
type (
	MessageQuery = store.MessageQuery
	MessageRow   = store.MessageRow
	MessageDay   = store.MessageDay
	MessageCount = store.MessageCount
)

// The states by which messages are looked for.
const (
	MessageWaiting   = store.MessageWaiting
	MessageAccepted  = store.MessageAccepted
	MessageDelivered = store.MessageDelivered
	MessageRefused   = store.MessageRefused
	MessageHeld      = store.MessageHeld
	MessageDropped   = store.MessageDropped
)

// A MessageView is the page of messages: the list, and how delivery goes.
type MessageView struct {
	store.MessagePage
	Today  MessageCount // within 24 hours
	Days   []MessageDay // of the last 30 days
	Texts  int          // sent on this day of UTC
	Budget int
	Alarms []store.TextAlarm // about text messages, within 24 hours
	Any    bool              // anything was ever sent
}

// daysShown is how many days the chart has.
const daysShown = 30

// Messages are those of the agency that match. Nothing of what they said is in it.
func (s *Service) Messages(ctx context.Context, v countersign.Visit, actor countersign.Actor, q MessageQuery) (m MessageView, err error) {
	if q.Limit <= 0 || q.Limit > 1000 {
		q.Limit = 10
	}
	err = s.read(ctx, v, actor, func(tx *store.Tx, _ countersign.Actor) (err error) {
		if m.MessagePage, err = tx.MessageList(ctx, q); err != nil {
			return err
		}
		if m.Today, err = tx.CountMessages(ctx, v.Now.Add(-policy.Day)); err != nil {
			return err
		}
		if m.Days, err = tx.MessageDays(ctx, v.Now.Add(-daysShown*policy.Day)); err != nil {
			return err
		}
		if m.Texts, err = tx.TextsOn(ctx, v.Now.Unix()/int64(policy.Day/time.Second)); err != nil {
			return err
		}
		if m.Alarms, err = tx.TextAlarms(ctx, v.Now.Add(-policy.Day)); err != nil {
			return err
		}
		p, err := tx.Preferences(ctx)
		m.Budget = p.Texts
		if err != nil {
			return err
		}
		all, err := tx.MessageList(ctx, MessageQuery{Limit: 1})
		m.Any = all.Total > 0
		return err
	}, countersign.RightMessages)
	return m, err
}

// Message is one message, and whose it is. Its content stays sealed.
func (s *Service) Message(ctx context.Context, v countersign.Visit, actor countersign.Actor, id countersign.MessageID) (row MessageRow, err error) {
	err = s.read(ctx, v, actor, func(tx *store.Tx, _ countersign.Actor) error {
		m, err := tx.Message(ctx, id)
		if err != nil {
			return err
		}
		row.Message = m
		if u, err := tx.User(ctx, m.User); err == nil {
			row.Login, row.Chosen = u.Login, u.Password != ""
		}
		row.Resend, err = resendable(ctx, tx, m, v.Now)
		return err
	}, countersign.RightMessages)
	row.Data = nil
	return row, err
}

// resendable tells whether a letter can be sent again: it was refused, so what it
// says is still kept, and the link that it was written for works.
func resendable(ctx context.Context, tx *store.Tx, m countersign.Message, now time.Time) (bool, error) {
	if m.State != countersign.StateRefused || !m.Expires.IsZero() || len(m.Data) == 0 {
		return false, nil
	}
	if m.Kind != countersign.MessageActivation && m.Kind != countersign.MessagePasswordLink {
		return true, nil
	}
	_, handle, _ := strings.Cut(m.Data["Link"], "=")
	l, err := tx.Link(ctx, secret.Digest(countersign.Handle(handle)))
	if countersign.KindOf(err) == countersign.KindNotFound {
		return false, nil // a newer one took its place
	}
	return err == nil && l.Used.IsZero() && now.Before(l.Expires), err
}

// ResendMessage sends a letter again that was refused. A token is never sent
// again: its user asks for a new one.
func (s *Service) ResendMessage(ctx context.Context, v countersign.Visit, actor countersign.Actor, id countersign.MessageID) error {
	return s.change(ctx, v, actor, countersign.RightMessages, func(tx *store.Tx, actor countersign.Actor) error {
		m, err := tx.Message(ctx, id)
		if err != nil {
			return err
		}
		done, err := resendable(ctx, tx, m, v.Now)
		if err == nil && done {
			done, err = tx.ResendMessage(ctx, id, v.Now)
		}
		if err != nil {
			return err
		}
		if !done {
			return countersign.Problem(countersign.KindInvalid, "message.not_again", "", nil)
		}
		e := newEvent(v, actor, "message.resent", "")
		e.Detail = map[string]string{"kind": string(m.Kind), "message": string(id)}
		tx.Record(e)
		return nil
	})
}

// testsPerHour is how many tests an agency may send in an hour, so that they can't flood a mailbox.
const testsPerHour = 10

// SendTest writes a test mail or text message to an address or number.
func (s *Service) SendTest(ctx context.Context, v countersign.Visit, actor countersign.Actor, to string) (countersign.MessageID, error) {
	m := countersign.Message{ID: countersign.MessageID(secret.NewID()), Kind: countersign.MessageTest, Channel: countersign.ChannelEmail, Urgent: true,
		Created: v.Now, Due: v.Now, Expires: v.Now.Add(10 * time.Minute), Data: notify.Facts(v, actor.User), User: actor.User.ID, Network: v.Client.Network()}
	err := s.change(ctx, v, actor, countersign.RightMessages, func(tx *store.Tx, actor countersign.Actor) error {
		if err := s.testTo(ctx, tx, v, &m, to); err != nil {
			return err
		}
		oldest, err := tx.NthOfKind(ctx, countersign.MessageTest, v.Now.Add(-time.Hour), testsPerHour)
		if err != nil {
			return err
		}
		if !oldest.IsZero() {
			return countersign.Problem(countersign.KindTooMany, "message.tests", "", countersign.Args{"Until": oldest.Add(time.Hour)})
		}
		recordTest(tx, v, actor, m)
		return tx.AddMessage(ctx, m)
	})
	return m.ID, err
}

// NoteTest writes down that the operator is about to send a test past the
// outbox. A text message comes out of the day's budget, which does not stop it.
func (s *Service) NoteTest(ctx context.Context, v countersign.Visit, actor countersign.Actor, m countersign.Message) error {
	return s.change(ctx, v, actor, countersign.RightMessages, func(tx *store.Tx, actor countersign.Actor) error {
		recordTest(tx, v, actor, m)
		if m.Channel != countersign.ChannelSMS {
			return nil
		}
		day := v.Now.Unix() / int64(policy.Day/time.Second)
		if _, _, err := tx.LockTexts(ctx, day); err != nil {
			return err
		}
		return tx.CountText(ctx, day)
	})
}

func recordTest(tx *store.Tx, v countersign.Visit, actor countersign.Actor, m countersign.Message) {
	e := newEvent(v, actor, "message.test", "")
	e.Detail = map[string]string{"channel": string(m.Channel), "message": string(m.ID)}
	tx.Record(e)
}

// testTo reads where a test goes; a text message comes out of the day's budget.
func (s *Service) testTo(ctx context.Context, tx *store.Tx, v countersign.Visit, m *countersign.Message, to string) (err error) {
	to = countersign.CleanID(to)
	if !strings.Contains(to, "@") && !factor.LikePhone(to) {
		return countersign.Problem(countersign.KindInvalid, "message.to", "to", nil)
	}
	if strings.Contains(to, "@") {
		if m.To, err = factor.ParseEmail(to); err != nil {
			return besideTo(err)
		}
		return nil
	}
	p, err := tx.Preferences(ctx)
	if err != nil {
		return err
	}
	m.Channel = countersign.ChannelSMS
	if s.Methods.Of(countersign.MethodSMS) == nil {
		return countersign.Problem(countersign.KindInvalid, "message.no_texts", "to", nil)
	}
	fa, err := s.Methods.Of(countersign.MethodSMS).Enroll(factor.Input{Address: to, Countries: p.Countries})
	if err != nil {
		return besideTo(err)
	}
	m.To = fa.Address
	day := v.Now.Unix() / int64(policy.Day/time.Second)
	sent, _, err := tx.LockTexts(ctx, day)
	if err != nil {
		return err
	}
	if sent >= p.Texts {
		return countersign.Problem(countersign.KindTooMany, "send.limit_texts", "", countersign.Args{"Until": v.Now.Truncate(policy.Day).Add(policy.Day)})
	}
	return tx.CountText(ctx, day)
}

// besideTo attaches an error to the one field of a test.
func besideTo(err error) error {
	var refused *countersign.Error
	if !errors.As(err, &refused) {
		return err
	}
	return countersign.Problem(refused.Kind, refused.Code, "to", refused.Args)
}
