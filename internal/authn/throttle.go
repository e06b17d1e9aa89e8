package authn

import (
	"context"
	"encoding/hex"
	"time"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// A TriedPassword is a password that was counted and compared.
type TriedPassword struct {
	Try    countersign.CountedTry
	Right  bool
	Rehash bool // right, and to be hashed again
}

// CheckPassword checks every password. It counts the try in a transaction of its own
// before it compares, so that a crash or a race cannot yield a free try. u is the zero
// User if login is unknown, and everything is done the same for it (EN-01, EN-02).
// The caller settles the try in the transaction of what follows.
func (s *Service) CheckPassword(ctx context.Context, v countersign.Visit, u countersign.User, login, password string) (TriedPassword, error) {
	g, err := s.spendPasswordTry(ctx, v, u, login)
	if err != nil {
		return TriedPassword{}, err
	}
	right, rehash, err := s.Passwords.Check(ctx, u.Password, password)
	if countersign.KindOf(err) == countersign.KindUnavailable {
		return TriedPassword{}, s.RefundPassword(ctx, v, g, err)
	}
	if err == nil && u.Broken {
		err = s.ReportTampering(ctx, v, brokenPassword(u))
	}
	return TriedPassword{Try: g, Right: right, Rehash: rehash}, err
}

// RefundPassword removes a counted try that was not compared.
func (s *Service) RefundPassword(ctx context.Context, v countersign.Visit, g countersign.CountedTry, why error) error {
	err := s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error { return tx.RemoveTry(ctx, g) })
	if err != nil {
		return err
	}
	return why
}

// spendPasswordTry counts one try at a password, or returns why none is accepted.
func (s *Service) spendPasswordTry(ctx context.Context, v countersign.Visit, u countersign.User, login string) (countersign.CountedTry, error) {
	return s.SpendAtSignIn(ctx, v, u.ID, s.subject(v, u, login), countersign.LimitPassword, countersign.LimitPasswordKnown)
}

// SpendAtSignIn counts one try at the subject by a client that has proved nothing yet:
// on the limit of the user's known browsers, or on that of all others, which share
// the failures of their network and agency (TH-04).
func (s *Service) SpendAtSignIn(ctx context.Context, v countersign.Visit, user countersign.UserID, subject string, unknown, known countersign.LimitKey) (countersign.CountedTry, error) {
	house, err := s.Store.CountTries(ctx, v.Now.Add(-policy.Window), policy.MaxInstallation)
	if err != nil {
		return countersign.CountedTry{}, err
	}
	g := countersign.CountedTry{ID: secret.NewID(), Subject: subject, Client: v.Client, At: v.Now}
	var pause policy.Decision
	err = s.afterLost(ctx, v, func() error {
		return s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
			own, err := s.knownBrowser(ctx, tx, v, user)
			if err != nil {
				return err
			}
			g.Limit = unknown
			if own {
				g.Limit = known
			}
			tally, err := s.lockLimit(ctx, tx, v, user, g)
			if err != nil {
				return err
			}
			crowd, err := s.sharedState(ctx, tx, v, g, policy.AgencyQuota(house))
			if err != nil {
				return err
			}
			if pause = policy.CheckLimit(v.Now, g.Limit, tally, crowd); pause.Code != "" {
				return RefusedTry(pause)
			}
			return tx.AddTry(ctx, g)
		})
	})
	if pause.Code != "" {
		return g, s.countRefusal(ctx, v, g, pause, err)
	}
	return g, err
}

// subject returns whom a try is counted for: the user, however their user ID was
// spelled, or a digest of an unknown user ID. What was typed is not stored.
func (s *Service) subject(v countersign.Visit, u countersign.User, login string) string {
	if u.ID != "" {
		return string(u.ID)
	}
	return hex.EncodeToString(s.Key.MAC("user ID that nobody has", string(v.Agency.ID), countersign.FoldLogin(login)))
}

// knownBrowser reports whether the device cookie of the visit is one of the user's (TH-05).
func (s *Service) knownBrowser(ctx context.Context, tx *store.Tx, v countersign.Visit, user countersign.UserID) (bool, error) {
	b, known, err := s.Browser(ctx, tx, v)
	if err != nil {
		return false, err
	}
	all, err := tx.Devices(ctx, user)
	if err != nil || !known {
		return false, err
	}
	var here []countersign.Device
	for _, device := range all {
		if device.Browser == b.ID {
			here = append(here, device)
		}
	}
	return policy.KnownBrowser(here), nil
}

// lockLimit locks the limit of a try and returns its state. If a node died and left
// tries unsettled, it returns the error lostGuesses: afterLost settles them.
func (s *Service) lockLimit(ctx context.Context, tx *store.Tx, v countersign.Visit, user countersign.UserID, g countersign.CountedTry) (countersign.LimitState, error) {
	t, err := tx.LockLimit(ctx, g.Subject, g.Limit, v.Now)
	if err != nil {
		return t, err
	}
	since := v.Now.Add(-policy.InFlight)
	lost, err := tx.HasLostGuesses(ctx, g.Subject, g.Limit, since)
	if err != nil {
		return t, err
	}
	if lost {
		return t, lostGuesses{user: user, g: g}
	}
	t.InFlight, err = tx.CountInFlight(ctx, g.Subject, g.Limit, since)
	return t, err
}

// sharedState loads what a try shares with others; the network's part is locked, so
// that nodes never decide from the same count. A user's own browser is not counted.
func (s *Service) sharedState(ctx context.Context, tx *store.Tx, v countersign.Visit, g countersign.CountedTry, share int) (c countersign.SharedState, err error) {
	if g.Limit.IsKnown() {
		return c, nil
	}
	for _, network := range []string{g.Client.Network(), g.Client.Wide()} {
		if _, err := tx.LockLimit(ctx, "network "+network, "network", v.Now); err != nil {
			return c, err
		}
	}
	period := limitPeriod(v)
	tries, err := tx.Network(ctx, g.Client, period)
	if err != nil {
		return c, err
	}
	c = policy.Network(tries, g.Subject)
	if c.Wide, err = tx.Wide(ctx, g.Client, period); err != nil {
		return c, err
	}
	c.Agency, err = tx.OfAgency(ctx, period, share)
	return c, err
}

func limitPeriod(v countersign.Visit) store.Period {
	return store.Period{Since: v.Now.Add(-policy.Window), UnsettledBefore: v.Now.Add(-policy.InFlight)}
}

// spendTokenTry counts one try at a token, whatever sign-in, step-up or wizard it is
// for, or returns why none is accepted. It also returns the method that the try was
// counted for. The user is locked: nodes decide one after another.
func (s *Service) spendTokenTry(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, a countersign.Attempt, by countersign.Method) (countersign.CountedTry, countersign.Method, error) {
	f, err := s.Facts(ctx, tx, v, u, a)
	if err != nil {
		return countersign.CountedTry{}, "", err
	}
	fa := countersign.Factor{Method: by}
	if by != countersign.MethodRecovery && by != countersign.MethodPasskey {
		fa = s.triedFactor(s.answering(f, by))
	}
	if policy.Unlimited(fa.Method) {
		return countersign.CountedTry{}, fa.Method, nil
	}
	g := countersign.CountedTry{ID: secret.NewID(), Subject: string(u.ID), Limit: countersign.LimitOf(fa.Method), Client: v.Client, At: v.Now}
	if f.TokenLimits.Limits[g.Limit], err = s.lockLimit(ctx, tx, v, u.ID, g); err != nil {
		return g, "", err
	}
	if p := f.TokenLimits.Decide(v.Now, fa.Method, fa.Verified); p.Code != "" {
		return g, "", RefusedTry(p)
	}
	return g, fa.Method, tx.AddTry(ctx, g)
}

// triedFactor is the factor that a token of the attempt is for; while it is being
// set up it is not verified.
func (s *Service) triedFactor(f policy.Facts) countersign.Factor {
	switch f.Attempt.Purpose {
	case countersign.PurposeNewEmail:
		return countersign.Factor{Method: countersign.MethodEmail}
	case countersign.PurposeNewPhone:
		return countersign.Factor{Method: countersign.MethodSMS}
	}
	if !f.Attempt.Enrollment.Open {
		step, _ := s.NextAsk(f).(policy.AskToken)
		return step.Factor
	}
	switch s.StageOf(f).(type) {
	case policy.ProposeEmail, policy.ConfirmEmail, policy.ProveEmail:
		return countersign.Factor{Method: countersign.MethodEmail}
	case policy.ProveSMS:
		return countersign.Factor{Method: countersign.MethodSMS}
	default:
		return countersign.Factor{Method: countersign.MethodApp}
	}
}

// RefusedTry returns the error for people of a decision that refuses a try. The try isn't counted.
func RefusedTry(p policy.Decision) error {
	if p.Busy() {
		return countersign.Problem(countersign.KindUnavailable, "busy", "", nil)
	}
	return countersign.Problem(countersign.KindTooMany, p.Code, "", countersign.Args{"Until": p.Until})
}

// countRefusal counts a refusal, and raises the alarm of a network or an
// agency once in a window (TH-04).
func (s *Service) countRefusal(ctx context.Context, v countersign.Visit, g countersign.CountedTry, p policy.Decision, why error) error {
	s.Refuse(p.Code)
	if !p.Alarm {
		return why
	}
	name := "alarm-" + p.Code
	subject := "network " + g.Client.Network()
	if p.Code == policy.DecisionShared {
		subject = "agency"
	}
	return s.raiseAlarm(ctx, v, subject, name, p.Code, why)
}

// raiseAlarm writes the audit row of something that needs attention, at most once in
// a window, and counts it; why is what the person learns.
func (s *Service) raiseAlarm(ctx context.Context, v countersign.Visit, subject, name, code string, why error) error {
	raised := false
	err := s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) (err error) {
		raised, err = tx.FirstUntil(ctx, subject, name, v.Now, v.Now.Add(policy.Window))
		if err == nil && raised {
			tx.Record(v.RefusedEvent("throttle.alarm", countersign.User{}, code))
		}
		return err
	})
	if err != nil {
		return err
	}
	if raised {
		s.alarmed(code)
	}
	return why
}

// AcceptTry removes a right try and resets its limit.
func (s *Service) AcceptTry(ctx context.Context, tx *store.Tx, g countersign.CountedTry) error {
	if g.ID == "" {
		return nil
	}
	return tx.AcceptTry(ctx, g)
}

// FailTry settles a try as wrong: its limit may then wait, or lock.
func (s *Service) FailTry(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, g countersign.CountedTry) error {
	if g.ID == "" {
		return nil
	}
	failures, err := tx.FailTry(ctx, g)
	if err != nil || failures == 0 {
		return err
	}
	return s.afterFailures(ctx, tx, v, u, g, failures, v.Now)
}

// afterFailures applies the wait or the lockout that follows so many failures in a row,
// the last of them at at.
func (s *Service) afterFailures(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, g countersign.CountedTry, failures int, at time.Time) error {
	if wait := policy.BackoffFor(g.Limit).Wait(failures); wait > 0 {
		if err := tx.DelayUntil(ctx, g.Subject, g.Limit, at.Add(wait)); err != nil {
			return err
		}
	}
	switch {
	case g.Limit.IsPassword() && policy.Closes(g.Limit, failures):
		return s.lockOutPassword(ctx, tx, v, u, g)
	case g.Limit.IsPassword() || g.Limit.IsPasskey():
		return nil
	default:
		return s.wrongToken(ctx, tx, v, u, g, failures)
	}
}

// Refuse and alarmed count for the monitors.
func (s *Service) Refuse(code string) {
	if s.Refused != nil {
		s.Refused(code)
	}
}

func (s *Service) alarmed(code string) {
	if s.Alarmed != nil {
		s.Alarmed(code)
	}
}
