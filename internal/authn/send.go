package authn

import (
	"context"
	"errors"
	"maps"
	"time"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// Send makes a new token for the method that which names, or says why not; the
// earlier token still works if none is sent.
func (s *Service) Send(ctx context.Context, v countersign.Visit, id countersign.AttemptID,
	which func(policy.Facts) (countersign.Factor, error)) (Outcome, error) {
	return s.SendWith(ctx, v, id, RememberChoice{}, which)
}

// SendWith is Send for a page that also said whether to remember this device.
func (s *Service) SendWith(ctx context.Context, v countersign.Visit, id countersign.AttemptID, w RememberChoice,
	which func(policy.Facts) (countersign.Factor, error)) (Outcome, error) {
	var out Outcome
	err := s.InTx(ctx, v, func(tx *store.Tx) error {
		u, a, err := s.Lock(ctx, tx, id)
		if err != nil {
			return err
		}
		f, err := s.Facts(ctx, tx, v, u, a)
		if err != nil {
			return err
		}
		fa, err := which(f)
		if err != nil {
			return err
		}
		if !policy.Sends(fa.Method) {
			return countersign.Problem(countersign.KindInvalid, "token.nothing_to_send", "", nil)
		}
		if err := s.Issue(ctx, tx, v, &f, fa); err != nil {
			return err
		}
		out.Notice, out.Message = "token.resent", f.Attempt.Challenge.Message
		w.Apply(&f.Attempt)
		return tx.SaveAttempt(ctx, f.Attempt)
	})
	s.Wake()
	return out, err
}

// IssueOrExplain sends a token unless a quota forbids it; then the attempt continues
// and its page says why nothing was sent and what else works.
func (s *Service) IssueOrExplain(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, fa countersign.Factor) error {
	err := s.Issue(ctx, tx, v, f, fa)
	var wait *countersign.Error
	if errors.As(err, &wait) && wait.Kind == countersign.KindTooMany {
		f.Attempt.SendProblem = wait.Code
		f.Attempt.SendBlockedUntil, _ = wait.Args["Until"].(time.Time)
		var h *textHeld
		if errors.As(err, &h) {
			return s.recordHeld(ctx, tx, v, h)
		}
		return nil
	}
	return err
}

// Issue makes a token, puts its message into the outbox and its digest into the
// attempt; the earlier token no longer works.
func (s *Service) Issue(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, fa countersign.Factor) error {
	a := &f.Attempt
	if p := f.LimitedMethods(fa); p.Code != "" && fa.ID != "" {
		return RefusedTry(p) // don't send a token that would not be accepted
	}
	if err := s.checkSendLimits(ctx, tx, v, *a, fa); err != nil {
		return err
	}
	m := s.Methods.Of(fa.Method)
	if m == nil {
		return countersign.Problem(countersign.KindInvalid, "method.unknown", "method", nil)
	}
	if fa.Method == countersign.MethodSMS {
		if err := s.mayText(ctx, tx, v, *f, fa.Address); err != nil {
			return err
		}
	}
	if earlier := a.Challenge; earlier.Message != "" {
		if err := tx.DropToken(ctx, earlier.Message, v.Now); err != nil {
			return err
		}
		a.ReplaceToken()
	}
	c, dispatch := m.Ask(fa, s.binding(v, *a), v.Now, f.Agency.TokenLife)
	for len(a.Superseded) > 0 && c.Reference == a.Superseded[len(a.Superseded)-1].Reference {
		c.Reference = secret.Reference() // two messages in a row must differ
	}
	if dispatch != nil {
		var data map[string]string
		if a.Enrollment.Confirm {
			data = map[string]string{"New": factor.Readable(a.Enrollment.Email)}
		}
		var err error
		if c.Message, err = notify.Token(ctx, tx, v, f.User, c, dispatch.Channel, dispatch.Token, data); err != nil {
			return err
		}
		a.Sends++
		sentNow(a, fa.Method, v.Now)
	}
	a.Challenge, a.SendProblem, a.SendBlockedUntil = c, "", time.Time{}
	e := v.Event("token.sent", f.User)
	e.Method = string(fa.Method)
	e.Detail = map[string]string{"reference": c.Reference}
	tx.Record(e)
	return nil
}

// sentNow notes when a channel was used. The map is a new one: another copy of
// the attempt may share the old one.
func sentNow(a *countersign.Attempt, m countersign.Method, now time.Time) {
	sent := maps.Clone(a.Sent)
	if sent == nil {
		sent = map[countersign.Method]time.Time{}
	}
	sent[m] = now
	a.Sent = sent
}

// answered ends the wait of a channel: a user who proved a token of it may ask for
// another one at once, such as one to the address that they want instead.
func answered(a *countersign.Attempt, m countersign.Method) {
	a.Sent = maps.Clone(a.Sent)
	delete(a.Sent, m)
}

// waitCode says what becomes of the token before: it works on, or it was
// replaced when the user turned to another way.
func waitCode(a countersign.Attempt, m countersign.Method, now time.Time) string {
	if a.Challenge.Method == m && a.Challenge.Live(now) {
		return "send.wait"
	}
	return "send.wait_channel"
}

// checkSendLimits applies the limits of sending, in the order in which people reach them.
func (s *Service) checkSendLimits(ctx context.Context, tx *store.Tx, v countersign.Visit, a countersign.Attempt, fa countersign.Factor) error {
	wait := func(code string, until time.Time) error {
		return countersign.Problem(countersign.KindTooMany, code, "", countersign.Args{
			"Until": until, "Reference": a.Challenge.Reference, "Expires": a.Challenge.Expires,
			"Seconds": int(v.Now.Sub(a.Sent[fa.Method]) / time.Second)})
	}
	if until := policy.SendAllowedAt(a, fa.Method); v.Now.Before(until) {
		return wait(waitCode(a, fa.Method, v.Now), until)
	}
	if a.Sends >= policy.MaxSends {
		return wait("send.limit_sign_in", time.Time{})
	}
	oldest, err := tx.NthToken(ctx, a.User, v.Now.Add(-policy.SendHour), policy.MaxHourly)
	if err != nil {
		return err
	}
	if !oldest.IsZero() {
		return wait("send.limit_hour", oldest.Add(policy.SendHour))
	}
	if fa.Method != countersign.MethodSMS {
		return nil
	}
	oldest, err = tx.NthTokenTo(ctx, fa.Address, v.Now.Add(-policy.NumberGap), policy.MaxPerNumber)
	if err == nil && !oldest.IsZero() {
		err = wait("send.limit_number", oldest.Add(policy.NumberGap))
	}
	return err
}
