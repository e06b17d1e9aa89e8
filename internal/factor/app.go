package factor

import (
	"encoding/base32"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"countersign"
	"countersign/internal/secret"
)

// App returns the authenticator app method: RFC 6238 with SHA-1, six digits and 30
// seconds, the only parameters that Microsoft Authenticator supports (OT-07).
func App() Method { return app{} }

type app struct{}

// period is the length of a step of RFC 6238.
const period = 30 * time.Second

func (app) Kind() countersign.Method { return countersign.MethodApp }

func (app) Enroll(in Input) (countersign.Factor, error) {
	return countersign.Factor{Method: countersign.MethodApp, Secret: in.Key}, nil
}

// Ask sends nothing: the app makes the token itself.
func (app) Ask(f countersign.Factor, _ Binding, now time.Time, _ time.Duration) (countersign.Challenge, *Dispatch) {
	return countersign.Challenge{Method: countersign.MethodApp, Factor: f.ID, Issued: now}, nil
}

// Check accepts a token of the step before, at or after now if that step is later
// than the last accepted one, so that a token works once (OT-08). A token of up to
// ten steps away is wrong, but shows that a clock is wrong (ErrOtherMinute).
func (app) Check(f countersign.Factor, _ countersign.Challenge, in Binding, token string, now time.Time) (countersign.Factor, error) {
	step := now.Unix() / int64(period/time.Second)
	for _, s := range []int64{step, step - 1, step + 1} {
		if !secret.Equal([]byte(AppToken(f.Secret, s)), []byte(token)) {
			continue
		}
		if s <= f.State {
			return f, ErrUsed
		}
		f.State = s
		return f, nil
	}
	if s, ok := within(f.Secret, token, step, 10); ok && s > f.State {
		f.State = s
		return f, ErrOtherMinute
	}
	return f, ErrWrong
}

// within returns the step of a token, if it is at most width steps from step.
func within(key []byte, token string, step, width int64) (at int64, ok bool) {
	for s := step - width; s <= step+width; s++ {
		if secret.Equal([]byte(AppToken(key, s)), []byte(token)) {
			at, ok = s, true
		}
	}
	return at, ok
}

// StepEnds returns the time at which a token of a step is no longer accepted.
func StepEnds(step int64) time.Time { return time.Unix((step+2)*int64(period/time.Second), 0) }

// AppToken returns the token of a step of RFC 6238.
func AppToken(key []byte, step int64) string {
	// The library fails only on a secret that is not base32, which this one is.
	token, _ := hotp.GenerateCodeCustom(AppKey(key), uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	return token
}

// AppKey returns the key as people type it: 32 base32 characters (M17).
func AppKey(key []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key)
}

// AppURI returns the content of the QR code:
// otpauth://totp/ISSUER:ACCOUNT?secret=…&issuer=….
// Algorithm, digits and period have their default values and are left out.
func AppURI(issuer, account string, key []byte) string {
	escape := func(s string) string {
		return strings.ReplaceAll(url.QueryEscape(strings.ReplaceAll(s, ":", " ")), "+", "%20")
	}
	return "otpauth://totp/" + escape(issuer) + ":" + escape(account) + "?secret=" + AppKey(key) + "&issuer=" + escape(issuer)
}

// ParseAppKey parses the result of AppKey.
func ParseAppKey(key string) ([]byte, error) {
	return base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
}
