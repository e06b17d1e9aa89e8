// Package factor holds the second-factor methods, one file each. A method does no
// I/O: it returns what to send and what to store.
package factor

import (
	"errors"
	"time"

	"countersign"
	"countersign/internal/secret"
)

// A Method is one way to prove a second factor. Set-up and sign-in use the same
// functions: set-up is the first proof of a factor that is not trusted yet.
type Method interface {
	// Kind returns which method it is.
	Kind() countersign.Method
	// Enroll makes an unverified factor from what the user typed in set-up: an
	// address, a number, or nothing. Its errors name the form field.
	Enroll(input Input) (countersign.Factor, error)
	// Ask begins a proof of f in the attempt of in, with a token that works for life.
	// The dispatch is nil if there is nothing to send.
	Ask(f countersign.Factor, in Binding, now time.Time, life time.Duration) (countersign.Challenge, *Dispatch)
	// Check compares the answer to c: it returns one of the errors below, or nil. It
	// also returns f as it must be stored; with ErrOtherMinute, State is the token's step.
	Check(f countersign.Factor, c countersign.Challenge, in Binding, token string, now time.Time) (countersign.Factor, error)
}

// Input holds what the user entered in set-up.
type Input struct {
	Address   string   // email: the address; sms: the number as it was typed
	Country   string   // sms: ISO 3166, empty for the first allowed one
	Countries []string // sms: those the agency allows
	Key       []byte   // app: the secret that was shown
}

// Binding holds what a token is bound to besides its channel and destination: it is
// useless in any other attempt and for any other user or purpose (OT-04).
type Binding struct {
	Agency     countersign.AgencyID
	User       countersign.UserID
	Attempt    countersign.AttemptID
	Purpose    countersign.Purpose
	Enrollment bool // the factor is being set up
	Site       Site // passkey: the site that it was made for
}

// A Dispatch is a token to send.
type Dispatch struct {
	Channel countersign.Channel
	To      string
	Token   string
}

// The errors of Check.
var (
	ErrWrong       = errors.New("token is wrong")
	ErrUsed        = errors.New("token was used")
	ErrOtherMinute = errors.New("token belongs to another minute")
	ErrLate        = errors.New("passkey answered too late")
	ErrUnknown     = errors.New("passkey is not the user's")
	ErrUnverified  = errors.New("passkey has not verified its user")
	ErrCloned      = errors.New("passkey counts backwards")
)

// A Set holds the methods of an installation, in the order of the wizard.
type Set []Method

// Of returns the method of a kind; nil if the installation does not offer it.
func (s Set) Of(kind countersign.Method) Method {
	for _, m := range s {
		if m.Kind() == kind {
			return m
		}
	}
	return nil
}

// Kinds returns the methods that can be set up.
func (s Set) Kinds() []countersign.Method {
	kinds := make([]countersign.Method, 0, len(s))
	for _, m := range s {
		kinds = append(kinds, m.Kind())
	}
	return kinds
}

// sent is the shared part of the methods that send six digits.
type sent struct{ key secret.Key }

func (s sent) ask(channel countersign.Channel, f countersign.Factor, in Binding, now time.Time, life time.Duration) (countersign.Challenge, *Dispatch) {
	token := secret.Token()
	c := countersign.Challenge{
		Method:    f.Method,
		Factor:    f.ID,
		Address:   f.Address,
		Digest:    s.digest(f, in, token),
		Reference: secret.Reference(),
		Issued:    now,
		Expires:   now.Add(life),
	}
	return c, &Dispatch{Channel: channel, To: f.Address, Token: token}
}

func (s sent) check(f countersign.Factor, c countersign.Challenge, in Binding, token string, now time.Time) (countersign.Factor, error) {
	if !c.Live(now) || c.Method != f.Method || c.Address != f.Address {
		return f, ErrWrong
	}
	if !secret.Equal(c.Digest, s.digest(f, in, token)) {
		return f, ErrWrong
	}
	return f, nil
}

// digest returns the keyed digest of a token, the only form that is stored (OT-06).
func (s sent) digest(f countersign.Factor, in Binding, token string) []byte {
	return s.key.MAC("token", string(in.Agency), string(in.User), string(in.Attempt), string(in.Purpose), string(f.Method), f.Address, token)
}

// Was reports whether token is that of an earlier challenge in the same attempt, so
// that the page can say that a newer one replaced it. It proves nothing.
func Was(key secret.Key, f countersign.Factor, e countersign.SupersededToken, in Binding, token string) bool {
	if e.Method != "" {
		f.Method, f.Address = e.Method, e.Address
	}
	return len(e.Digest) > 0 && secret.Equal(e.Digest, sent{key}.digest(f, in, token))
}
