package authn

import (
	"context"
	"errors"
	"slices"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// A Check reports whether an answer is right, or returns what is wrong with it.
type Check func(ctx context.Context, tx *store.Tx, f policy.Facts, answer string) (right bool, err error)

// VerifyTyped is Verify for what was typed. Anything but six digits costs no try.
func (s *Service) VerifyTyped(ctx context.Context, v countersign.Visit, id countersign.AttemptID, typed Typed, compare Check) error {
	token, ok := factor.ParseToken(typed.Token)
	if !ok {
		return s.RejectInput(ctx, v, id, countersign.Problem(countersign.KindInvalid, "token.not_six", "token", nil))
	}
	return s.Verify(ctx, v, id, sentBy(typed.Asked), func(ctx context.Context, tx *store.Tx, f policy.Facts) (bool, error) {
		return compare(ctx, tx, f, token)
	})
}

// Verify checks every token, recovery code and passkey. It counts the try in a
// transaction of its own before it runs compare, so that a crash or a race cannot
// yield a free try. compare reports whether the answer was right, or returns an error
// for people that says what was wrong; both are committed. Any other error rolls back
// what compare did, but the try stays counted. by is the method of the answer; empty:
// the token that the attempt asks for. The answer is compared only while it is still
// for the method that the try was counted for.
func (s *Service) Verify(ctx context.Context, v countersign.Visit, id countersign.AttemptID, by countersign.Method,
	compare func(context.Context, *store.Tx, policy.Facts) (right bool, err error)) error {
	client := ctx
	ctx, cancel, err := UntilSettled(client)
	if err != nil {
		return err
	}
	defer cancel()
	paid, err := s.spend(ctx, client, v, id, by)
	if err != nil {
		return err
	}
	defer paid.end()
	var verdict error
	err = s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) (err error) {
		verdict, err = s.settle(ctx, tx, v, id, paid.try, func(f *policy.Facts) (bool, error) {
			*f = s.answering(*f, by)
			if by != countersign.MethodRecovery && by != countersign.MethodPasskey && s.triedFactor(*f).Method != paid.method {
				return false, errMovedOn(*f)
			}
			return compare(ctx, tx, *f)
		})
		if err == nil && verdict == nil && client.Err() != nil {
			return ErrHungUp
		}
		return err
	})
	switch {
	case errors.Is(err, ErrHungUp):
		return s.Refund(ctx, v, id, paid.try, client.Err())
	case NotJudged(err):
		return s.Refund(ctx, v, id, paid.try, err)
	case err != nil:
		return err
	}
	s.Wake()
	return verdict
}

// A spent is a try that was counted.
type spent struct {
	try    countersign.CountedTry
	method countersign.Method // that it was counted for
	end    func()             // to be called when it is settled
}

// NotJudged reports whether an error for people is about something other than the
// answer: the attempt was over, a step-up is needed first, or what the answer was
// for can't be done. All of it was rolled back, so no try is counted.
func NotJudged(err error) bool {
	switch countersign.KindOf(err) {
	case countersign.KindInternal, countersign.KindUnavailable:
		return false
	default:
		return true
	}
}

// isWrong returns err if it says what is wrong with an answer; nil if it is about something else.
func isWrong(err error) *countersign.Error {
	var wrong *countersign.Error
	if !errors.As(err, &wrong) || wrong.Kind != countersign.KindInvalid {
		return nil
	}
	switch wrong.Field {
	case "token", "recovery_code", "credential":
		return wrong
	default:
		return nil
	}
}

// Refund gives a guess back that was not judged, in a transaction of its own; why is
// what the person learns.
func (s *Service) Refund(ctx context.Context, v countersign.Visit, id countersign.AttemptID, g countersign.CountedTry, why error) error {
	err := s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error { return s.refundIn(ctx, tx, id, g) })
	if err != nil {
		return err
	}
	return why
}

// settle compares a counted try and settles it. If its attempt has ended or moved on
// since, the try is not compared, and is removed.
func (s *Service) settle(ctx context.Context, tx *store.Tx, v countersign.Visit, id countersign.AttemptID, g countersign.CountedTry,
	compare func(*policy.Facts) (right bool, err error)) (verdict, err error) {
	u, a, err := s.Lock(ctx, tx, id)
	if countersign.KindOf(err) == countersign.KindGone {
		return err, s.refundIn(ctx, tx, id, g)
	}
	if err != nil {
		return nil, err
	}
	a.Failures-- // this guess is not a failure yet
	f, err := s.Facts(ctx, tx, v, u, a)
	if err != nil {
		return nil, err
	}
	right, err := compare(&f)
	wrong := isWrong(err)
	switch {
	case right:
		return err, s.AcceptTry(ctx, tx, g)
	case errors.Is(err, ErrWrongStage) || costsNothing[countersign.CodeOf(err)]:
		return err, s.refundIn(ctx, tx, id, g)
	case wrong == nil:
		return nil, err
	default:
		return s.Failed(ctx, tx, v, f, g, wrong)
	}
}

// otherMethod is the code for a token of a method that is no longer asked for.
const otherMethod = "token.other_way"

// costsNothing are the codes of answers that are no failed attempts: nothing was
// compared, or nothing can be guessed by them.
var costsNothing = map[string]bool{otherMethod: true, olderToken: true, lateToken: true,
	"passkey.over": true, "passkey.taken": true, "passkey.not_made": true}

// sentBy is the method of the page that a token came from, if it is one that tokens
// are typed for.
func sentBy(asked countersign.Method) countersign.Method {
	if asked == countersign.MethodApp || policy.Sends(asked) {
		return asked
	}
	return ""
}

// answering is the facts for an answer from a page of method by. The sign-in or
// step-up may have been turned to another method since that page was opened, in
// another window or before Back was pressed: a token is compared with what its page
// asked for. Only one method is compared, so that one try never covers two.
func (s *Service) answering(f policy.Facts, by countersign.Method) policy.Facts {
	a := &f.Attempt
	if a.Enrollment.Open || a.Purpose != countersign.PurposeSignIn && a.Purpose != countersign.PurposeStepUp || by == countersign.MethodRecovery {
		return f
	}
	sent := len(a.Challenge.Digest) > 0
	may := func(m countersign.Method) bool {
		return slices.ContainsFunc(OtherMethods(f), func(fa countersign.Factor) bool { return fa.Method == m && m != "" })
	}
	switch {
	case may(by) && (!policy.Sends(by) || sent && a.Challenge.Method == by):
		a.Method = by
	case a.Method != countersign.MethodRecovery:
	case sent && may(a.Challenge.Method):
		a.Method = a.Challenge.Method
	case may(countersign.MethodApp):
		a.Method = countersign.MethodApp
	}
	return f
}

// errMovedOn is the error for a token that was counted for one method while the
// attempt now asks for another: their limits are separate.
func errMovedOn(f policy.Facts) error {
	if f.Attempt.Enrollment.Open {
		return ErrWrongStage
	}
	return countersign.Problem(countersign.KindInvalid, otherMethod, "token", nil)
}

// spend takes one of the three tries, or says that none is left, and pays for the
// guess beyond this sign-in as well. Where all tries are taken by guesses that this
// node is judging just now, such as the first of two clicks, it waits for them.
func (s *Service) spend(ctx, client context.Context, v countersign.Visit, id countersign.AttemptID, by countersign.Method) (spent, error) {
	const waits = 3 // more than two clicks
	for n := 0; ; n++ {
		p, err := s.spendNow(ctx, v, id, by)
		kind := countersign.KindOf(err)
		if kind == countersign.KindUnavailable && n < waits && s.pending.wait(client, id) {
			continue
		}
		if kind == countersign.KindTooMany || kind == countersign.KindUnavailable {
			s.Refuse(countersign.CodeOf(err))
		}
		return p, err
	}
}

func (s *Service) spendNow(ctx context.Context, v countersign.Visit, id countersign.AttemptID, by countersign.Method) (p spent, err error) {
	end := s.pending.begin(id)
	err = s.afterLost(ctx, v, func() error {
		return s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
			u, a, err := s.Lock(ctx, tx, id)
			if err != nil {
				return err
			}
			if !v.Now.Before(a.Expires) || u.Disabled {
				return ErrAttemptGone()
			}
			if p.try, p.method, err = s.spendTokenTry(ctx, tx, v, u, a, by); err != nil {
				return err
			}
			return ReserveTry(ctx, tx, v, a)
		})
	})
	if err != nil {
		end()
	}
	p.end = end
	return p, err
}

// refundIn removes a counted try that was not compared: since it was counted, the
// wizard has moved on, or the sign-in was switched to another method or has ended, as
// by the first of two clicks.
func (s *Service) refundIn(ctx context.Context, tx *store.Tx, id countersign.AttemptID, g countersign.CountedTry) error {
	if g.ID != "" {
		if err := tx.RemoveTry(ctx, g); err != nil {
			return err
		}
	}
	return tx.ReturnTry(ctx, id)
}

// ReserveTry takes one of the three tries of an attempt.
func ReserveTry(ctx context.Context, tx *store.Tx, v countersign.Visit, a countersign.Attempt) error {
	paid, err := tx.ReserveTry(ctx, a.ID, policy.MaxFailures, v.Now)
	switch {
	case err != nil || paid:
		return err
	case policy.OutOfTries(a, v.Now):
		return countersign.Problem(countersign.KindGone, policy.RefusedFailures, "", nil)
	default:
		return countersign.Problem(countersign.KindUnavailable, "busy", "", nil) // the last one is being judged
	}
}

// RejectInput handles what can't be a token or code. It costs no try, but the number
// of such inputs is limited. It returns the sentence beside the field.
func (s *Service) RejectInput(ctx context.Context, v countersign.Visit, id countersign.AttemptID, why error) error {
	counted := false
	err := s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		a, err := tx.Attempt(ctx, id)
		if err != nil {
			return OrGone(err)
		}
		if !v.Now.Before(a.Expires) {
			return ErrAttemptGone()
		}
		if counted, err = tx.CountHint(ctx, id, policy.MaxHints); err != nil || counted {
			return err
		}
		return s.endUnusable(ctx, tx, v, id)
	})
	switch {
	case err != nil:
		return err
	case !counted:
		return countersign.Problem(countersign.KindGone, policy.RefusedHints, "", nil)
	default:
		return why
	}
}

// endUnusable ends an attempt that got too many inputs which can't be a token; a token
// that is still being sent no longer works.
func (s *Service) endUnusable(ctx context.Context, tx *store.Tx, v countersign.Visit, id countersign.AttemptID) error {
	u, a, err := s.Lock(ctx, tx, id)
	if err != nil {
		return err
	}
	if a.Challenge.Message != "" {
		if err := tx.DropToken(ctx, a.Challenge.Message, v.Now); err != nil {
			return err
		}
	}
	tx.Record(v.RefusedEvent("sign-in.no_tokens", u, policy.RefusedHints))
	return s.EndWithWarning(ctx, tx, v, u, a)
}

// Failed records a wrong token. The third one ends the attempt, its token and, for a
// step-up, the session it was opened from (M30).
func (s *Service) Failed(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, g countersign.CountedTry, wrong *countersign.Error) (error, error) {
	if err := s.FailTry(ctx, tx, v, f.User, g); err != nil {
		return nil, err
	}
	a := f.Attempt
	a.Wrong, a.WrongAt = a.Wrong+1, v.Now
	left := policy.MaxFailures - a.Wrong
	e := v.RefusedEvent("token.wrong", f.User, wrong.Code)
	e.Method = string(g.Limit.Method())
	if wrong.Field == "credential" {
		e.Method = string(countersign.MethodPasskey) // which is no guess beyond its sign-in
	}
	tx.Record(e)
	if left > 0 {
		wrong.Args["Left"] = left
		if left == 1 && wrong.Code == "token.wrong" {
			wrong.Code = lastTry(a.Purpose)
		}
		return wrong, tx.SaveAttempt(ctx, a)
	}
	if a.Challenge.Message != "" {
		if err := tx.DropToken(ctx, a.Challenge.Message, v.Now); err != nil {
			return nil, err
		}
	}
	if _, err := tx.EndAttempt(ctx, a.ID); err != nil {
		return nil, err
	}
	if a.Purpose == countersign.PurposeStepUp {
		if _, err := tx.EndSession(ctx, a.User, a.Session, "failures", v.Now); err != nil {
			return nil, err
		}
	}
	tx.Record(v.RefusedEvent("sign-in.third_failure", f.User, policy.RefusedFailures))
	if a.Purpose == countersign.PurposeSignIn {
		if err := s.warnAbout(ctx, tx, v, f.User, a, a.Warns(countersign.Ended)); err != nil {
			return nil, err
		}
	}
	return countersign.Problem(countersign.KindGone, policy.RefusedFailures, "", countersign.Args{"Login": f.User.Login, "Method": e.Method}), nil
}

// lastTry returns what another wrong token ends: the sign-in or the session, or only
// the wizard that was opened from the User Profile.
func lastTry(p countersign.Purpose) string {
	if p == countersign.PurposeEnrollment {
		return "token.wrong_last_own"
	}
	return "token.wrong_last"
}
