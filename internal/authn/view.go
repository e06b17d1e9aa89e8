package authn

import (
	"context"
	"slices"
	"time"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// A View holds all that the pages of an attempt show. Reading it changes nothing and
// sends nothing.
type View struct {
	User        countersign.User
	Preferences countersign.Preferences
	Attempt     countersign.Attempt
	Act         string // step-up: the ID of the pending request
	Step        policy.Step
	Stage       policy.Stage         // nil outside of the wizard
	Factors     []countersign.Factor // verified methods
	Default     countersign.Factor
	Ways        []countersign.Factor      // methods that may be turned to
	Codes       countersign.RecoveryCodes // another way, while some are left
	Why         policy.Why
	Left        int // tries left
	Message     countersign.Message
	Pause       policy.Decision // why no token of the method asked for is accepted now; zero: one is
	Paused      map[countersign.Method]bool
	Remembers   bool // a token lets this device be remembered
	Offered     []countersign.Method
	URI         string                     // otpauth URI of the wizard's key
	Key         string                     // the same key, 32 base32 characters
	KeyUntil    time.Time                  // when another key takes its place
	Code        countersign.EnrollmentCode // made last for this user; zero: none
	MustCode    bool                       // set-up is possible only with an enrollment code
}

// Read is what is known of an attempt that is looked at, and whose user is not locked.
func (s *Service) Read(ctx context.Context, tx *store.Tx, v countersign.Visit, a countersign.Attempt) (policy.Facts, error) {
	u, err := tx.User(ctx, a.User)
	if err != nil {
		return policy.Facts{}, OrGone(err)
	}
	return s.Facts(ctx, tx, v, u, a)
}

func (s *Service) ViewOf(ctx context.Context, v countersign.Visit, find func(*store.Tx) (countersign.Attempt, error)) (View, error) {
	var view View
	err := s.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		a, err := find(tx)
		if err != nil {
			return OrGone(err)
		}
		f, err := s.Read(ctx, tx, v, a)
		if err != nil {
			return err
		}
		view = s.view(v, f)
		if a.Challenge.Message == "" {
			return nil
		}
		view.Message, err = tx.Message(ctx, a.Challenge.Message)
		if countersign.KindOf(err) == countersign.KindNotFound {
			return nil
		}
		return err
	})
	if err != nil {
		return view, err
	}
	if refused, ok := view.Step.(policy.Refuse); ok {
		return view, countersign.Problem(countersign.KindGone, refused.Reason, "", nil)
	}
	return view, nil
}

func (s *Service) view(v countersign.Visit, f policy.Facts) View {
	a := f.Attempt
	view := View{
		User:        f.User,
		Preferences: f.Agency,
		Attempt:     a,
		Step:        s.NextAsk(f),
		Factors:     f.Factors,
		Default:     policy.Default(f.Factors),
		Ways:        OtherMethods(f),
		Codes:       f.RecoveryCodes,
		Code:        f.EnrollmentCode,
		MustCode:    policy.MustUseCode(f),
		Left:        policy.MaxFailures - a.Failures,
		Remembers:   policy.MayRemember(f),
		Offered:     s.Kinds(v),
	}
	view.pause(f)
	if a.Purpose == countersign.PurposeSignIn && !a.Enrollment.Open {
		view.Why = policy.WhyAsked(f)
	}
	if a.Enrollment.Open {
		view.Stage = s.StageOf(f)
		if s.WizardOpen(f, v) != nil {
			view.Step = policy.Refuse{Reason: policy.RefusedExpired}
		}
	}
	if a.Enrollment.Open && len(a.Enrollment.Key) > 0 {
		key, until := s.PendingKey(a, v.Now)
		view.Key, view.KeyUntil = factor.AppKey(key), until
		view.URI = factor.AppURI(v.Agency.ProductName(), f.User.Login, key)
	}
	return view
}

// pause notes which ways take no token now.
func (v *View) pause(f policy.Facts) {
	v.Paused = map[countersign.Method]bool{}
	for _, fa := range append(f.Factors[:len(f.Factors):len(f.Factors)], countersign.Factor{Method: countersign.MethodRecovery}) {
		p := f.LimitedMethods(fa)
		v.Paused[fa.Method] = p.Code != ""
		token, asks := v.Step.(policy.AskToken)
		_, recovery := v.Step.(policy.AskRecovery)
		if asks && token.Factor.ID == fa.ID || recovery && fa.Method == countersign.MethodRecovery {
			v.Pause = p
		}
	}
}

// Has reports whether method m is verified.
func (v View) Has(m countersign.Method) bool {
	return slices.ContainsFunc(v.Factors, func(f countersign.Factor) bool { return f.Method == m })
}
