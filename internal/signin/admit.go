package signin

import (
	"context"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// admit turns a finished attempt into a session. It is the only place where one
// is made, and it does nothing but carry out what policy.Next has decided.
func (d *Desk) admit(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, step policy.Admit, decline bool) (Outcome, error) {
	device, browser, err := d.see(ctx, tx, v, f, step, decline)
	if err != nil {
		return Outcome{}, err
	}
	handle := secret.NewHandle()
	s := countersign.Session{
		ID:      sessionID(handle),
		User:    f.User.ID,
		Device:  device.ID,
		Browser: device.Browser,
		Client:  v.Client,
		Proof:   step.Proof,
		Started: v.Now,
		Expires: v.Now.Add(f.Agency.Max),
	}
	if f.Attempt.Proved != "" || len(f.Factors) == 0 {
		s.ProvedAt = v.Now // a second factor, or the password of somebody who has none (SE-06)
	}
	if err := tx.AddSession(ctx, s); err != nil {
		return Outcome{}, err
	}
	if err := d.noteEnrolled(ctx, tx, v, f, s.Browser); err != nil {
		return Outcome{}, err
	}
	if err := tx.SignedIn(ctx, f.User.ID, v.Now); err != nil {
		return Outcome{}, err
	}
	if _, err := tx.EndAttempt(ctx, f.Attempt.ID); err != nil {
		return Outcome{}, err
	}
	if err := d.settleWarnings(ctx, tx, v, f); err != nil {
		return Outcome{}, err
	}
	e := record(v, "sign-in.completed", f.User)
	e.Method, e.Detail = string(step.Proof), map[string]string{"acr": policy.ClassOf(step.Proof)}
	tx.Record(e)
	if err := d.tellSignIn(ctx, tx, v, f, s, step.Announce); err != nil {
		return Outcome{}, err
	}
	out := Outcome{Step: step, Session: set(handle), Attempt: cleared, Browser: browser, Then: f.Attempt.Then, Notice: f.Attempt.Weak}
	if out.Act, err = d.resumed(ctx, tx, v, f.User); err != nil || out.Act != nil {
		return out, err // what was typed goes on first; the offer waits for another sign-in
	}
	out.Offer = f.User.SetUpLeft && f.Attempt.Proved != ""
	if out.Offer {
		err = tx.LeaveSetUp(ctx, f.User.ID, false) // offered once, whatever becomes of it
	}
	return out, err
}

// KeepAct keeps what was posted with a session that had ended for being idle or
// old, so that it goes on once its user has signed in again in this browser:
// what was typed is not lost.
func (d *Desk) KeepAct(ctx context.Context, v countersign.Visit, act countersign.Act) error {
	if err := policy.MayWait(act); err != nil {
		return err
	}
	return d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		s, err := tx.Session(ctx, sessionID(v.Session))
		if countersign.KindOf(err) == countersign.NotFound || err == nil && !s.Ended.IsZero() {
			return nil // ended by somebody: nothing of it goes on
		}
		if err != nil {
			return err
		}
		if err := tx.EndSessionAttempts(ctx, s.ID, countersign.Resume); err != nil {
			return err
		}
		return d.addAttempt(ctx, tx, v, countersign.User{ID: s.User}, countersign.Attempt{
			ID:      attemptID(secret.NewHandle()),
			User:    s.User,
			Purpose: countersign.Resume,
			Session: s.ID,
			Client:  v.Client,
			Act:     &act,
			Started: v.Now,
			Expires: v.Now.Add(policy.SetUpLife),
		})
	})
}

// Waits tells whether something that was posted waits for the user of the visit's
// session, which has ended.
func (d *Desk) Waits(ctx context.Context, v countersign.Visit) (waits bool, err error) {
	if v.Session == "" {
		return false, nil
	}
	err = d.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		a, err := tx.SessionAttempt(ctx, sessionID(v.Session), countersign.Resume)
		if countersign.KindOf(err) == countersign.NotFound {
			return nil
		}
		waits = v.Now.Before(a.Expires)
		return err
	})
	return waits, err
}

// resumed is the act that waited for this user in this browser.
func (d *Desk) resumed(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User) (*countersign.Act, error) {
	if v.Session == "" {
		return nil, nil
	}
	a, err := tx.SessionAttempt(ctx, sessionID(v.Session), countersign.Resume)
	if countersign.KindOf(err) == countersign.NotFound || err == nil && (a.User != u.ID || !v.Now.Before(a.Expires)) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = tx.EndAttempt(ctx, a.ID)
	return a.Act, err
}

// see keeps the connection of the visit and gives the browser its cookie: a new
// secret after each second factor, the row stays (DV-03).
func (d *Desk) see(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, step policy.Admit, decline bool) (countersign.Device, Cookie, error) {
	device := f.After(step, decline)
	b, known, err := d.browser(ctx, tx, v)
	if err != nil {
		return device, Cookie{}, err
	}
	if known && f.Copied() {
		if err := d.revokeCopied(ctx, tx, v, f); err != nil {
			return device, Cookie{}, err
		}
		known = false
	}
	cookie := Cookie{}
	if !known {
		b = countersign.Browser{ID: countersign.BrowserID(secret.NewID()), Created: v.Now}
	}
	if !known || f.Attempt.Proved != "" {
		cookie = cookieOf(&b)
	}
	b.Seen = v.Now
	if err := tx.PutBrowser(ctx, b); err != nil {
		return device, cookie, err
	}
	if !known || device.ID == "" {
		device.ID = countersign.DeviceID(secret.NewID())
	}
	device.Browser = b.ID
	if err := tx.PutDevice(ctx, device); err != nil {
		return device, cookie, err
	}
	if err := choose(ctx, tx, f, device); err != nil {
		return device, cookie, err
	}
	return device, cookie, tx.KeepDevices(ctx, f.User.ID, policy.MaxDevices)
}

// cookieOf gives a browser a new secret and returns the device cookie that holds it.
func cookieOf(b *countersign.Browser) Cookie {
	key := secret.NewHandle()
	b.Digest = []byte(secret.Digest(key))
	return set(countersign.Handle(string(b.ID) + "." + string(key)))
}

// choose lets the choice about remembering that came with a second factor count
// for the whole browser (DV-08).
func choose(ctx context.Context, tx *store.Tx, f policy.Facts, device countersign.Device) error {
	switch {
	case f.Attempt.Proved == "" || f.Attempt.Proved == countersign.Recovery:
		return nil
	case device.Declined:
		return tx.DeclineBrowser(ctx, device.User, device.Browser)
	default:
		return tx.AcceptBrowser(ctx, device.User, device.Browser)
	}
}

// revokeCopied forgets what a device cookie opened that has come up with
// another browser and another system at once (D-16).
func (d *Desk) revokeCopied(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts) error {
	for _, device := range f.Devices {
		if err := tx.ForgetBrowser(ctx, f.User.ID, device.Browser, countersign.ForgottenCopied, v.Now); err != nil {
			return err
		}
	}
	tx.Record(refused(v, "device.copied", f.User, "device.copied"))
	return nil
}
