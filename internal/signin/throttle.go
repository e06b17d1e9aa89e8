package signin

import (
	"context"
	"encoding/hex"
	"time"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// A tried password was paid for and compared.
type tried struct {
	guess  countersign.Guess
	right  bool
	rehash bool // right, and to be hashed anew
}

// tryPassword is the one road of every guess at a password: it is paid for in a
// transaction of its own, and only then compared (V2). u is the zero User where
// login is nobody's, and everything is done alike for it (EN-01, EN-02). The
// caller settles the guess with rightGuess or wrongGuess, in the transaction of
// what follows.
func (d *Desk) tryPassword(ctx context.Context, v countersign.Visit, u countersign.User, login, password string) (tried, error) {
	g, err := d.payPassword(ctx, v, u, login)
	if err != nil {
		return tried{}, err
	}
	right, rehash, err := d.Passwords.Check(ctx, u.Password, password)
	if countersign.KindOf(err) == countersign.Busy {
		return tried{}, d.returnGuess(ctx, v, g, err)
	}
	if err == nil && u.Broken {
		err = d.Alarm(ctx, v, brokenPassword(u))
	}
	return tried{guess: g, right: right, rehash: rehash}, err
}

// returnGuess gives a guess back that was not compared.
func (d *Desk) returnGuess(ctx context.Context, v countersign.Visit, g countersign.Guess, why error) error {
	err := d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error { return tx.ReturnGuess(ctx, g) })
	if err != nil {
		return err
	}
	return why
}

// payPassword pays for one guess at a password, or says why none is taken.
func (d *Desk) payPassword(ctx context.Context, v countersign.Visit, u countersign.User, login string) (countersign.Guess, error) {
	return d.payAtDoor(ctx, v, u.ID, d.subject(v, u, login), countersign.LaneUnknown, countersign.LaneKnown)
}

// payAtDoor pays for one guess of somebody who has proved nothing yet, at what
// belongs to the subject: on the lane of a browser that the user is known in, or
// of all others, which share what their network and agency have failed (TH-04).
func (d *Desk) payAtDoor(ctx context.Context, v countersign.Visit, user countersign.UserID, subject string, unknown, known countersign.Lane) (countersign.Guess, error) {
	house, err := d.Store.CountGuesses(ctx, v.Now.Add(-policy.Window), policy.MaxHouse)
	if err != nil {
		return countersign.Guess{}, err
	}
	g := countersign.Guess{ID: secret.NewID(), Subject: subject, Client: v.Client, At: v.Now}
	var pause policy.Pause
	err = d.afterLost(ctx, v, func() error {
		return d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
			own, err := d.knownBrowser(ctx, tx, v, user)
			if err != nil {
				return err
			}
			g.Lane = unknown
			if own {
				g.Lane = known
			}
			tally, err := d.tally(ctx, tx, v, user, g)
			if err != nil {
				return err
			}
			crowd, err := d.crowd(ctx, tx, v, g, policy.AgencyShare(house))
			if err != nil {
				return err
			}
			if pause = policy.Guess(v.Now, g.Lane, tally, crowd); pause.Code != "" {
				return refusedGuess(pause)
			}
			return tx.AddGuess(ctx, g)
		})
	})
	if pause.Code != "" {
		return g, d.pausedAtDoor(ctx, v, g, pause, err)
	}
	return g, err
}

// subject is whom a guess is counted for: the user, however his user ID was
// spelled, or a digest of a user ID that nobody has. What was typed is not kept (V8).
func (d *Desk) subject(v countersign.Visit, u countersign.User, login string) string {
	if u.ID != "" {
		return string(u.ID)
	}
	return hex.EncodeToString(d.Key.MAC("user ID that nobody has", string(v.Agency.ID), countersign.FoldLogin(login)))
}

// knownBrowser tells whether the device cookie of the visit is one of the user's (TH-05).
func (d *Desk) knownBrowser(ctx context.Context, tx *store.Tx, v countersign.Visit, user countersign.UserID) (bool, error) {
	b, known, err := d.browser(ctx, tx, v)
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

// tally locks the lane of a guess and says where it stands. Guesses that a node which
// died has left unsettled are an error, lostGuesses: afterLost settles them.
func (d *Desk) tally(ctx context.Context, tx *store.Tx, v countersign.Visit, user countersign.UserID, g countersign.Guess) (countersign.Tally, error) {
	t, err := tx.LockLane(ctx, g.Subject, g.Lane, v.Now)
	if err != nil {
		return t, err
	}
	since := v.Now.Add(-policy.InFlight)
	lost, err := tx.HasLostGuesses(ctx, g.Subject, g.Lane, since)
	if err != nil {
		return t, err
	}
	if lost {
		return t, lostGuesses{user: user, g: g}
	}
	t.InFlight, err = tx.CountInFlight(ctx, g.Subject, g.Lane, since)
	return t, err
}

// crowd is what a guess shares with others; the network's part is locked, so
// that nodes never decide from the same count. A user's own browser is not counted.
func (d *Desk) crowd(ctx context.Context, tx *store.Tx, v countersign.Visit, g countersign.Guess, share int) (c countersign.Crowd, err error) {
	if g.Lane.IsKnown() {
		return c, nil
	}
	for _, network := range []string{g.Client.Network(), g.Client.Wide()} {
		if _, err := tx.LockLane(ctx, "network "+network, "network", v.Now); err != nil {
			return c, err
		}
	}
	s := stretch(v)
	tries, err := tx.Network(ctx, g.Client, s)
	if err != nil {
		return c, err
	}
	c = policy.Network(tries, g.Subject)
	if c.Wide, err = tx.Wide(ctx, g.Client, s); err != nil {
		return c, err
	}
	c.Agency, err = tx.OfAgency(ctx, s, share)
	return c, err
}

func stretch(v countersign.Visit) store.Stretch {
	return store.Stretch{Since: v.Now.Add(-policy.Window), Lost: v.Now.Add(-policy.InFlight)}
}

// payToken pays for one guess at a token, whatever sign-in, step-up or wizard it
// is for (V9, V10), or says why none is taken; with it comes the method that it was
// paid at. The user is locked: nodes decide one after another.
func (d *Desk) payToken(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, a countersign.Attempt, by countersign.Method) (countersign.Guess, countersign.Method, error) {
	f, err := d.facts(ctx, tx, v, u, a)
	if err != nil {
		return countersign.Guess{}, "", err
	}
	fa := countersign.Factor{Method: by}
	if by != countersign.Recovery && by != countersign.ByPasskey {
		fa = d.guessed(d.answering(f, by))
	}
	if policy.Exempt(fa.Method) {
		return countersign.Guess{}, fa.Method, nil
	}
	g := countersign.Guess{ID: secret.NewID(), Subject: string(u.ID), Lane: countersign.LaneOf(fa.Method), Client: v.Client, At: v.Now}
	if f.Tokens.Lanes[g.Lane], err = d.tally(ctx, tx, v, u.ID, g); err != nil {
		return g, "", err
	}
	if p := f.Tokens.Pause(v.Now, fa.Method, fa.Verified); p.Code != "" {
		return g, "", refusedGuess(p)
	}
	return g, fa.Method, tx.AddGuess(ctx, g)
}

// guessed is the factor that a token of the attempt is for; while it is being
// set up it is not verified.
func (d *Desk) guessed(f policy.Facts) countersign.Factor {
	switch f.Attempt.Purpose {
	case countersign.NewEmail:
		return countersign.Factor{Method: countersign.Email}
	case countersign.NewPhone:
		return countersign.Factor{Method: countersign.SMS}
	}
	if !f.Attempt.Setup.Open {
		step, _ := d.asks(f).(policy.AskToken)
		return step.Factor
	}
	switch d.stage(f).(type) {
	case policy.ProposeEmail, policy.ConfirmEmail, policy.ProveEmail:
		return countersign.Factor{Method: countersign.Email}
	case policy.ProveSMS:
		return countersign.Factor{Method: countersign.SMS}
	default:
		return countersign.Factor{Method: countersign.App}
	}
}

// refusedGuess is a pause as what the person learns. None is counted.
func refusedGuess(p policy.Pause) error {
	if p.Busy() {
		return fail(countersign.Busy, "busy", "", nil)
	}
	return fail(countersign.TooMany, p.Code, "", countersign.Args{"Until": p.Until})
}

// pausedAtDoor counts a refusal, and raises the alarm of a network or an
// agency once in a window (TH-04).
func (d *Desk) pausedAtDoor(ctx context.Context, v countersign.Visit, g countersign.Guess, p policy.Pause, why error) error {
	d.refuse(p.Code)
	if !p.Alarm {
		return why
	}
	name := "alarm-" + p.Code
	subject := "network " + g.Client.Network()
	if p.Code == policy.PauseCrowd {
		subject = "agency"
	}
	return d.raiseAlarm(ctx, v, subject, name, p.Code, why)
}

// raiseAlarm writes the audit row of something that somebody should look at, once in
// a window, and counts it; why is what the person learns.
func (d *Desk) raiseAlarm(ctx context.Context, v countersign.Visit, subject, name, code string, why error) error {
	raised := false
	err := d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) (err error) {
		raised, err = tx.Once(ctx, subject, name, v.Now, v.Now.Add(policy.Window))
		if err == nil && raised {
			tx.Record(refused(v, "throttle.alarm", countersign.User{}, code))
		}
		return err
	})
	if err != nil {
		return err
	}
	if raised {
		d.alarmed(code)
	}
	return why
}

// rightGuess gives a right guess back and lets its lane begin anew.
func (d *Desk) rightGuess(ctx context.Context, tx *store.Tx, g countersign.Guess) error {
	if g.ID == "" {
		return nil
	}
	return tx.RightGuess(ctx, g)
}

// wrongGuess settles a guess as wrong: its lane may wait from here on, or close.
func (d *Desk) wrongGuess(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, g countersign.Guess) error {
	if g.ID == "" {
		return nil
	}
	failures, err := tx.FailGuess(ctx, g)
	if err != nil || failures == 0 {
		return err
	}
	return d.afterFailures(ctx, tx, v, u, g, failures, v.Now)
}

// afterFailures does what follows so many failures in a row, the last of them at at: a
// lane waits from then on, or closes.
func (d *Desk) afterFailures(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, g countersign.Guess, failures int, at time.Time) error {
	if wait := policy.RoadOf(g.Lane).Wait(failures); wait > 0 {
		if err := tx.HoldLane(ctx, g.Subject, g.Lane, at.Add(wait)); err != nil {
			return err
		}
	}
	switch {
	case g.Lane.IsPassword() && policy.Closes(g.Lane, failures):
		return d.closePassword(ctx, tx, v, u, g)
	case g.Lane.IsPassword() || g.Lane.IsPasskey():
		return nil
	default:
		return d.wrongToken(ctx, tx, v, u, g, failures)
	}
}

// refuse and alarmed count for the monitors.
func (d *Desk) refuse(code string) {
	if d.Refused != nil {
		d.Refused(code)
	}
}

func (d *Desk) alarmed(code string) {
	if d.Alarmed != nil {
		d.Alarmed(code)
	}
}
