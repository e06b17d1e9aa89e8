package admin

import (
	"context"
	"time"

	"countersign"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// An IssuedCode is an enrollment code as it was made: shown once, and kept nowhere.
type IssuedCode struct {
	Code     string // in groups of four
	Until    time.Time
	Notified []string // addresses of the user's notice
	Reset    bool     // the user was set up, and was reset with it (the operator only)
}

// IssueEnrollmentCode makes the code with which a user begins set-up where the
// password alone does not lead to it; an earlier one dies. The operator of the
// host may make one for anybody, the last administrator too, and resets who is
// set up with the same act (RS-07).
func (s *Service) IssueEnrollmentCode(ctx context.Context, v countersign.Visit, actor countersign.Actor, login, reason string) (n IssuedCode, err error) {
	reason = countersign.CleanText(reason)
	code := secret.Code(secret.EnrollmentLength)
	n.Code, n.Until = secret.Grouped(code), v.Now.Add(policy.ResetEnrollmentLife)
	err = s.change(ctx, v, actor, countersign.RightReset, func(tx *store.Tx, actor countersign.Actor) error {
		u, err := s.lockTarget(ctx, tx, actor, countersign.RightReset, login)
		if err != nil {
			return err
		}
		if err := mayCode(actor, u, reason); err != nil {
			return err
		}
		if n.Notified, err = addresses(ctx, tx, u); err != nil {
			return err
		}
		if n.Reset = u.Enrolled; n.Reset {
			if err := s.reset(ctx, tx, v, actor, u, reason); err != nil {
				return err
			}
		}
		digest := s.Key.CodeDigest("enrolment", tx.Agency(), u.ID, code)
		if err := tx.PutEnrollmentCode(ctx, countersign.EnrollmentCode{User: u.ID, Digest: digest, Made: v.Now, MadeBy: displayName(actor), Expires: n.Until}); err != nil {
			return err
		}
		e := newEvent(v, actor, "enrolment-code.made", u.Login)
		e.Reason = reason
		tx.Record(e)
		return s.notifyBoth(ctx, tx, v, actor, u, countersign.MessageEnrollmentCode, "code", reason, n.Until)
	})
	if err != nil {
		return IssuedCode{}, err
	}
	return n, nil
}

// mayCode refuses a code that would open nothing, and one for oneself.
func mayCode(actor countersign.Actor, u countersign.User, reason string) error {
	switch {
	case !actor.Operator && actor.User.ID == u.ID:
		return countersign.Problem(countersign.KindDenied, "reset.self", "", nil)
	case u.Disabled:
		return countersign.Problem(countersign.KindInvalid, "enrolment_code.disabled", "", countersign.Args{"Login": u.Login})
	case u.Enrolled && !actor.Operator:
		return countersign.Problem(countersign.KindInvalid, "enrolment_code.enrolled", "", countersign.Args{"Login": u.Login})
	case actor.Operator || reason != "":
		return policy.CheckReason(reason, "enrolment_code.reason_missing")
	default:
		return nil
	}
}

// notifyBoth notifies the user, and every administrator, of a change to the user's second factor.
func (s *Service) notifyBoth(ctx context.Context, tx *store.Tx, v countersign.Visit, actor countersign.Actor, u countersign.User,
	kind countersign.MessageKind, what, reason string, until time.Time) error {
	data := map[string]string{"By": displayName(actor), "Reason": reason, "Until": notify.Until(until)}
	if err := notify.Send(ctx, tx, v, u, kind, data); err != nil {
		return err
	}
	return notify.Administrators(ctx, tx, v, countersign.MessageAdminNotice, map[string]string{
		"What": what, "By": displayName(actor), "Reason": reason, "UserID": u.Login, "Name": u.Name})
}

// CancelReset closes the reset that is open for a user: from now on his password
// alone opens nothing, and a wizard in progress ends.
func (s *Service) CancelReset(ctx context.Context, v countersign.Visit, actor countersign.Actor, login string) error {
	return s.change(ctx, v, actor, countersign.RightReset, func(tx *store.Tx, actor countersign.Actor) error {
		u, err := s.lockTarget(ctx, tx, actor, countersign.RightReset, login)
		if err != nil {
			return err
		}
		if u.Enrolled || !u.ResetUntil.After(v.Now) {
			return countersign.Problem(countersign.KindInvalid, "reset.not_open", "", countersign.Args{"Login": u.Login})
		}
		if err := tx.EndAttempts(ctx, u.ID, store.Except{}, v.Now); err != nil {
			return err
		}
		if err := tx.OpenReset(ctx, u.ID, u.ResetAt, v.Now, u.ResetBy); err != nil {
			return err
		}
		tx.Record(newEvent(v, actor, "two-factor.reset_cancelled", u.Login))
		return s.notifyBoth(ctx, tx, v, actor, u, countersign.MessageResetCanceled, "reset-cancelled", "", v.Now)
	})
}
