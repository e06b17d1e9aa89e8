package authn

import (
	"context"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// Admit turns a finished attempt into a session. Sessions are made only here, and
// only as policy.Next has decided.
func (s *Service) Admit(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, step policy.Admit, decline bool) (Outcome, error) {
	device, browser, err := s.saveDevice(ctx, tx, v, f, step, decline)
	if err != nil {
		return Outcome{}, err
	}
	handle := secret.NewHandle()
	session := countersign.Session{
		ID:      SessionID(handle),
		User:    f.User.ID,
		Device:  device.ID,
		Browser: device.Browser,
		Client:  v.Client,
		Proof:   step.Proof,
		Started: v.Now,
		Expires: v.Now.Add(f.Agency.Max),
	}
	if f.Attempt.Proved != "" || len(f.Factors) == 0 {
		session.ProvedAt = v.Now // a second factor, or the password of a user without one (SE-06)
	}
	if err := tx.AddSession(ctx, session); err != nil {
		return Outcome{}, err
	}
	if err := s.noteEnrolled(ctx, tx, v, f, session.Browser); err != nil {
		return Outcome{}, err
	}
	if err := tx.SignedIn(ctx, f.User.ID, v.Now); err != nil {
		return Outcome{}, err
	}
	if _, err := tx.EndAttempt(ctx, f.Attempt.ID); err != nil {
		return Outcome{}, err
	}
	if err := s.resolveWarnings(ctx, tx, v, f); err != nil {
		return Outcome{}, err
	}
	e := v.Event("sign-in.completed", f.User)
	e.Method, e.Detail = string(step.Proof), map[string]string{"acr": policy.ClassOf(step.Proof)}
	tx.Record(e)
	if err := s.notifySignIn(ctx, tx, v, f, session, step.Announce); err != nil {
		return Outcome{}, err
	}
	out := Outcome{Step: step, Session: SetCookie(handle), Attempt: ClearCookie, Browser: browser, Then: f.Attempt.ReturnTo, Notice: f.Attempt.PasswordProblem}
	if out.Act, err = s.takePending(ctx, tx, v, f.User); err != nil || out.Act != nil {
		return out, err // the pending request continues first; the offer waits for another sign-in
	}
	out.Offer = f.User.EnrollmentLeft && f.Attempt.Proved != ""
	if out.Offer {
		err = tx.LeaveEnrollment(ctx, f.User.ID, false) // offered only once
	}
	return out, err
}

// takePending returns the request that waited for this user in this browser, and removes it.
func (s *Service) takePending(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User) (*countersign.PendingRequest, error) {
	if v.Session == "" {
		return nil, nil
	}
	a, err := tx.SessionAttempt(ctx, SessionID(v.Session), countersign.PurposeResume)
	if countersign.KindOf(err) == countersign.KindNotFound || err == nil && (a.User != u.ID || !v.Now.Before(a.Expires)) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = tx.EndAttempt(ctx, a.ID)
	return a.Pending, err
}

// saveDevice records the connection of the visit and gives the browser its cookie: a new
// secret after each second factor, the row stays (DV-03).
func (s *Service) saveDevice(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, step policy.Admit, decline bool) (countersign.Device, Cookie, error) {
	device := f.After(step, decline)
	b, known, err := s.Browser(ctx, tx, v)
	if err != nil {
		return device, Cookie{}, err
	}
	if known && f.Copied() {
		if err := s.revokeCopied(ctx, tx, v, f); err != nil {
			return device, Cookie{}, err
		}
		known = false
	}
	cookie := Cookie{}
	if !known {
		b = countersign.Browser{ID: countersign.BrowserID(secret.NewID()), Created: v.Now}
	}
	if !known || f.Attempt.Proved != "" {
		cookie = CookieOf(&b)
	}
	b.Seen = v.Now
	if err := tx.SaveBrowser(ctx, b); err != nil {
		return device, cookie, err
	}
	if !known || device.ID == "" {
		device.ID = countersign.DeviceID(secret.NewID())
	}
	device.Browser = b.ID
	if err := tx.SaveDevice(ctx, device); err != nil {
		return device, cookie, err
	}
	if err := applyChoice(ctx, tx, f, device); err != nil {
		return device, cookie, err
	}
	return device, cookie, tx.TrimDevices(ctx, f.User.ID, policy.MaxDevices)
}

// CookieOf gives a browser a new secret and returns the device cookie that holds it.
func CookieOf(b *countersign.Browser) Cookie {
	key := secret.NewHandle()
	b.Digest = []byte(secret.Digest(key))
	return SetCookie(countersign.Handle(string(b.ID) + "." + string(key)))
}

// applyChoice applies the choice about remembering that came with a second factor
// to the whole browser (DV-08).
func applyChoice(ctx context.Context, tx *store.Tx, f policy.Facts, device countersign.Device) error {
	switch {
	case f.Attempt.Proved == "" || f.Attempt.Proved == countersign.MethodRecovery:
		return nil
	case device.Declined:
		return tx.DeclineBrowser(ctx, device.User, device.Browser)
	default:
		return tx.AcceptBrowser(ctx, device.User, device.Browser)
	}
}

// revokeCopied forgets the devices of a cookie that appeared with another browser
// and another operating system at once.
func (s *Service) revokeCopied(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts) error {
	for _, device := range f.Devices {
		if err := tx.ForgetBrowser(ctx, f.User.ID, device.Browser, countersign.ForgottenCopied, v.Now); err != nil {
			return err
		}
	}
	tx.Record(v.RefusedEvent("device.copied", f.User, "device.copied"))
	return nil
}
