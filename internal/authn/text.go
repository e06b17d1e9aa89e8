package authn

import (
	"context"
	"errors"
	"strconv"
	"time"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// textHeld is the error for a text message that a budget forbids (SM-01). The work that
// asked for it is rolled back, but the request is recorded: administrators see it.
type textHeld struct {
	err   *countersign.Error // what the user is told
	user  countersign.User
	to    string
	alarm string
}

func (h *textHeld) Error() string { return h.err.Error() }

func (h *textHeld) Unwrap() error { return h.err }

// InTx is Store.In for work that may send a text message.
func (s *Service) InTx(ctx context.Context, v countersign.Visit, f func(*store.Tx) error) error {
	err := s.Store.In(ctx, v.Agency.ID, f)
	var h *textHeld
	if !errors.As(err, &h) {
		return err
	}
	if err := s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error { return s.recordHeld(ctx, tx, v, h) }); err != nil {
		return err
	}
	return h.err
}

// recordHeld records that a text message was not sent, and why.
func (s *Service) recordHeld(ctx context.Context, tx *store.Tx, v countersign.Visit, h *textHeld) error {
	err := tx.HoldText(ctx, countersign.Message{ID: countersign.MessageID(secret.NewID()), User: h.user.ID, Kind: countersign.MessageToken,
		Channel: countersign.ChannelSMS, To: h.to, Created: v.Now, Done: v.Now, State: countersign.StateHeld, Answer: h.err.Code, Network: v.Client.Network()})
	if err != nil {
		return err
	}
	e := v.Event("text.held", h.user)
	e.Result, e.Reason = "refused", h.err.Code
	tx.Record(e)
	return s.alarm(ctx, tx, v, h.alarm)
}

// alarm notifies every administrator, at most once a day for each alarm.
func (s *Service) alarm(ctx context.Context, tx *store.Tx, v countersign.Visit, what string) error {
	if what == "" {
		return nil
	}
	raised, err := tx.RaiseAlarm(ctx, what, v.Now, v.Now.Add(-policy.Day))
	if err != nil || !raised {
		return err
	}
	sent, err := tx.TextsOn(ctx, dayOf(v.Now))
	if err != nil {
		return err
	}
	tx.Record(countersign.Event{At: v.Now, Action: "text.alarm", Actor: "system", Client: v.Client, Request: v.Request, Detail: map[string]string{"what": what}})
	return notify.Administrators(ctx, tx, v, countersign.MessageTextAlarm, map[string]string{"What": what, "Sent": strconv.Itoa(sent)})
}

// dayOf returns the number of the UTC day since 1970.
func dayOf(t time.Time) int64 { return t.Unix() / int64(policy.Day/time.Second) }

// mayText checks a text message against the budgets, under a lock that excludes all
// other nodes, and counts it if it may be sent.
func (s *Service) mayText(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, number string) error {
	refuse := func(verdict policy.TextVerdict) error {
		e := &countersign.Error{Kind: countersign.KindTooMany, Code: verdict.Code, Args: countersign.Args{"Until": verdict.Until}}
		return &textHeld{err: e, user: f.User, to: number, alarm: verdict.Alarm}
	}
	if !factor.InCountries(number, f.Agency.Countries) {
		return refuse(policy.TextVerdict{Code: "send.country"})
	}
	day := dayOf(v.Now)
	sent, all, err := tx.LockTexts(ctx, day)
	if err != nil {
		return err
	}
	c, err := tx.CountTexts(ctx, number, v.Client.Network(), v.Now)
	if err != nil {
		return err
	}
	verdict := policy.MayText(policy.TextFacts{Now: v.Now, NumberHour: c.NumberHour, NumberDay: c.NumberDay, Network: c.Network, Adjacent: c.Adjacent,
		Unlimited: c.Over, Used: c.Used, Sent: sent, Budget: f.Agency.Texts, SentByAll: all, BudgetAll: s.Texts})
	if verdict.Within > 0 {
		if verdict.Until, err = freesAt(ctx, tx, v, number, verdict); err != nil {
			return err
		}
	}
	if verdict.Code != "" {
		return refuse(verdict)
	}
	if err := s.alarm(ctx, tx, v, verdict.Alarm); err != nil {
		return err
	}
	return tx.CountText(ctx, day)
}

// freesAt is when a limit ends that counts back from now.
func freesAt(ctx context.Context, tx *store.Tx, v countersign.Visit, number string, verdict policy.TextVerdict) (time.Time, error) {
	since, nth := v.Now.Add(-verdict.Within), tx.NthTokenTo
	if verdict.Code == "send.limit_network" {
		number, nth = v.Client.Network(), tx.NthTokenFrom
	}
	oldest, err := nth(ctx, number, since, verdict.Most)
	return oldest.Add(verdict.Within), err
}
