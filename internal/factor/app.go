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

// App is an authenticator app: RFC 6238 with SHA-1, six digits, 30 seconds, all
// that Microsoft Authenticator takes (OT-07).
func App() Method { return app{} }

type app struct{}

// period is the length of a step of RFC 6238.
const period = 30 * time.Second

func (app) Kind() countersign.Method { return countersign.MethodApp }

func (app) Enroll(in Input) (countersign.Factor, error) {
	return countersign.Factor{Method: countersign.MethodApp, Secret: in.Key}, nil
}

// Ask sends nothing: the app knows.
func (app) Ask(f countersign.Factor, _ Binding, now time.Time, _ time.Duration) (countersign.Challenge, *Dispatch) {
	return countersign.Challenge{Method: countersign.MethodApp, Factor: f.ID, Issued: now}, nil
}

// Check takes the steps before, at and after now, and only those later than the
// last one that was taken, so that a token works once (OT-08). One of the ten
// steps before or after is wrong too, but says that a clock is (ErrOtherMinute).
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

// within is the step of a token within so many of a step.
func within(key []byte, token string, step, width int64) (at int64, ok bool) {
	for s := step - width; s <= step+width; s++ {
		if secret.Equal([]byte(AppToken(key, s)), []byte(token)) {
			at, ok = s, true
		}
	}
	return at, ok
}

// StepEnds is when a token of a step is taken for the last time.
func StepEnds(step int64) time.Time { return time.Unix((step+2)*int64(period/time.Second), 0) }

// AppToken is the token of a step of RFC 6238.
func AppToken(key []byte, step int64) string {
	// The library fails only on a secret that is not base32, which this one is.
	token, _ := hotp.GenerateCodeCustom(AppKey(key), uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	return token
}

// AppKey is the key as people type it: 32 base32 characters (M17).
func AppKey(key []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key)
}

// AppURI is what the QR code says: otpauth://totp/ISSUER:ACCOUNT?secret=…&issuer=….
// Algorithm, digits and period have their defaults and are left out.
func AppURI(issuer, account string, key []byte) string {
	escape := func(s string) string {
		return strings.ReplaceAll(url.QueryEscape(strings.ReplaceAll(s, ":", " ")), "+", "%20")
	}
	return "otpauth://totp/" + escape(issuer) + ":" + escape(account) + "?secret=" + AppKey(key) + "&issuer=" + escape(issuer)
}

// ParseAppKey is the inverse of AppKey.
func ParseAppKey(key string) ([]byte, error) {
	return base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
}
