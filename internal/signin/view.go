package signin

import (
	"context"
	"slices"
	"time"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// A View is all that the pages of an attempt show. Looking changes nothing and
// sends nothing (D-24).
type View struct {
	User        countersign.User
	Preferences countersign.Preferences
	Attempt     countersign.Attempt
	Act         string // step-up: the mark of the act that waits
	Step        policy.Step
	Stage       policy.Stage         // nil outside of the wizard
	Factors     []countersign.Factor // verified methods
	Default     countersign.Factor
	Ways        []countersign.Factor      // methods that may be turned to
	Codes       countersign.RecoveryCodes // another way, while some are left
	Why         policy.Why
	Left        int // tries left
	Message     countersign.Message
	Pause       policy.Pause // why the method that is asked for takes no token now; zero: it does
	Paused      map[countersign.Method]bool
	Remembers   bool // a token earns trust for this device
	Offered     []countersign.Method
	URI         string                    // otpauth URI of the wizard's key
	Key         string                    // the same key, 32 base32 characters
	KeyUntil    time.Time                 // when another key takes its place
	Code        countersign.EnrolmentCode // made last for this user; zero: none
	MustCode    bool                      // there is no way into set-up but an enrollment code
}

// Look shows the attempt of the visit: a sign-in or a wizard.
func (d *Desk) Look(ctx context.Context, v countersign.Visit) (View, error) {
	return d.look(ctx, v, func(tx *store.Tx) (countersign.Attempt, error) {
		if v.Attempt == "" {
			return countersign.Attempt{}, over()
		}
		return tx.Attempt(ctx, attemptID(v.Attempt))
	})
}

// LookStepUp shows the step-up of the session of the visit.
func (d *Desk) LookStepUp(ctx context.Context, v countersign.Visit) (View, error) {
	view, err := d.look(ctx, v, func(tx *store.Tx) (countersign.Attempt, error) {
		return tx.SessionAttempt(ctx, sessionID(v.Session), countersign.StepUp)
	})
	view.Act = d.mark(view.Attempt)
	return view, err
}

// read is what is known of an attempt that is looked at, and whose user is not locked.
func (d *Desk) read(ctx context.Context, tx *store.Tx, v countersign.Visit, a countersign.Attempt) (policy.Facts, error) {
	u, err := tx.User(ctx, a.User)
	if err != nil {
		return policy.Facts{}, gone(err)
	}
	return d.facts(ctx, tx, v, u, a)
}

func (d *Desk) look(ctx context.Context, v countersign.Visit, find func(*store.Tx) (countersign.Attempt, error)) (View, error) {
	var view View
	err := d.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		a, err := find(tx)
		if err != nil {
			return gone(err)
		}
		f, err := d.read(ctx, tx, v, a)
		if err != nil {
			return err
		}
		view = d.view(v, f)
		if a.Challenge.Message == "" {
			return nil
		}
		view.Message, err = tx.Message(ctx, a.Challenge.Message)
		if countersign.KindOf(err) == countersign.NotFound {
			return nil
		}
		return err
	})
	if err != nil {
		return view, err
	}
	if refused, ok := view.Step.(policy.Refuse); ok {
		return view, fail(countersign.Expired, refused.Reason, "", nil)
	}
	return view, nil
}

func (d *Desk) view(v countersign.Visit, f policy.Facts) View {
	a := f.Attempt
	view := View{
		User:        f.User,
		Preferences: f.Agency,
		Attempt:     a,
		Step:        d.asks(f),
		Factors:     f.Factors,
		Default:     policy.Default(f.Factors),
		Ways:        Ways(f),
		Codes:       f.Codes,
		Code:        f.Code,
		MustCode:    policy.MustCode(f),
		Left:        policy.MaxFailures - a.Failures,
		Remembers:   policy.MayRemember(f),
		Offered:     d.kinds(v),
	}
	view.pause(f)
	if a.Purpose == countersign.SignIn && !a.Setup.Open {
		view.Why = policy.WhyAsked(f)
	}
	if a.Setup.Open {
		view.Stage = d.stage(f)
		if d.wizardOpen(f, v) != nil {
			view.Step = policy.Refuse{Reason: policy.RefusedExpired}
		}
	}
	if a.Setup.Open && len(a.Setup.Key) > 0 {
		key, until := d.pendingKey(a, v.Now)
		view.Key, view.KeyUntil = factor.AppKey(key), until
		view.URI = factor.AppURI(v.Agency.ProductName(), f.User.Login, key)
	}
	return view
}

// pause notes which ways take no token now.
func (v *View) pause(f policy.Facts) {
	v.Paused = map[countersign.Method]bool{}
	for _, fa := range append(f.Factors[:len(f.Factors):len(f.Factors)], countersign.Factor{Method: countersign.Recovery}) {
		p := f.Paused(fa)
		v.Paused[fa.Method] = p.Code != ""
		token, asks := v.Step.(policy.AskToken)
		_, recovery := v.Step.(policy.AskRecovery)
		if asks && token.Factor.ID == fa.ID || recovery && fa.Method == countersign.Recovery {
			v.Pause = p
		}
	}
}

// Has tells whether method m is verified.
func (v View) Has(m countersign.Method) bool {
	return slices.ContainsFunc(v.Factors, func(f countersign.Factor) bool { return f.Method == m })
}

// A Front is what the sign-in page shows before anybody has typed anything.
type Front struct {
	Preferences countersign.Preferences
}

// Front gathers the sign-in page.
func (d *Desk) Front(ctx context.Context, v countersign.Visit) (f Front, err error) {
	err = d.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		f.Preferences, err = tx.Preferences(ctx)
		return err
	})
	return f, err
}
