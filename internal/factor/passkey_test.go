package factor_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"countersign"
	"countersign/internal/apptest"
	"countersign/internal/factor"
	"countersign/internal/secret"
)

var (
	site = factor.Site{URL: "http://localhost", Name: "Demo Agency"}
	bob  = countersign.User{ID: "6d7f", Login: "BSMITH", Name: "Bob Smith"}
	when = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)
)

// made returns a passkey of bob in the authenticator.
func made(t *testing.T, a *apptest.Authenticator) countersign.Factor {
	t.Helper()
	nonce := secret.Nonce()
	options, err := site.ToMake(bob, nil, nonce)
	if err != nil {
		t.Fatal(err)
	}
	p, err := site.Make(bob.ID, nonce, when.Add(time.Minute), a.Make(options), when)
	if err != nil {
		t.Fatal(err)
	}
	p.ID = "p1"
	return countersign.Factor{ID: "f1", User: bob.ID, Method: countersign.MethodPasskey, Passkeys: []countersign.Passkey{p}}
}

// asked lets the authenticator answer a new challenge, and checks the answer.
func asked(t *testing.T, a *apptest.Authenticator, f countersign.Factor, alone bool) (countersign.Factor, error) {
	t.Helper()
	c := countersign.Challenge{Method: f.Method, Nonce: secret.Nonce(), Expires: when.Add(time.Minute), PasskeyOnly: alone}
	have := f.Passkeys
	if alone {
		have = nil
	}
	options, err := site.ToProve(bob.ID, have, c.Nonce)
	if err != nil {
		t.Fatal(err)
	}
	return factor.Passkey().Check(f, c, factor.Binding{Site: site}, a.Answer(options), when)
}

// PK-01: an answer with any part other than WebAuthn 7.2 requires is refused; the unchanged
// one is accepted, beside the password and as the whole sign-in.
func TestPasskeyAnswers(t *testing.T) {
	type change = func(*apptest.Statement)
	tests := []struct {
		name   string
		change change
		alone  error // the result where the passkey is the whole sign-in
		beside error // and where it is a second factor
	}{
		{"unchanged", func(*apptest.Statement) {}, nil, nil},
		{"made for another ceremony", func(s *apptest.Statement) { s.Type = "webauthn.create" }, factor.ErrWrong, factor.ErrWrong},
		{"another challenge", func(s *apptest.Statement) { s.Challenge = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA" }, factor.ErrWrong, factor.ErrWrong},
		{"no challenge", func(s *apptest.Statement) { s.Challenge = "" }, factor.ErrWrong, factor.ErrWrong},
		{"another origin", func(s *apptest.Statement) { s.Origin = "http://login.evil.example" }, factor.ErrWrong, factor.ErrWrong},
		{"another scheme", func(s *apptest.Statement) { s.Origin = "https://localhost" }, factor.ErrWrong, factor.ErrWrong},
		{"another port", func(s *apptest.Statement) { s.Origin = "http://localhost:8081" }, factor.ErrWrong, factor.ErrWrong},
		{"a host below", func(s *apptest.Statement) { s.Origin = "http://gate.localhost" }, factor.ErrWrong, factor.ErrWrong},
		{"in a frame of another site", func(s *apptest.Statement) { s.Cross = true }, factor.ErrWrong, factor.ErrWrong},
		{"another site", func(s *apptest.Statement) { s.Site = "evil.example" }, factor.ErrWrong, factor.ErrWrong},
		{"nobody was there", func(s *apptest.Statement) { s.Flags &^= apptest.UserPresent }, factor.ErrWrong, factor.ErrWrong},
		{"nobody was verified", func(s *apptest.Statement) { s.Flags &^= apptest.UserVerified }, factor.ErrUnverified, nil},
		{"can be copied, suddenly", func(s *apptest.Statement) { s.Flags |= apptest.Syncable }, nil, nil},
		{"was copied, suddenly", func(s *apptest.Statement) { s.Flags |= apptest.Syncable | apptest.Synced }, nil, nil},
		{"was copied, but cannot be", func(s *apptest.Statement) { s.Flags |= apptest.Synced }, factor.ErrWrong, factor.ErrWrong},
		{"another user", func(s *apptest.Statement) { s.User = []byte("7e8a") }, factor.ErrWrong, factor.ErrWrong},
		{"no user", func(s *apptest.Statement) { s.User = nil }, factor.ErrWrong, nil},
		{"another credential", func(s *apptest.Statement) { s.ID = []byte{1, 2, 3} }, factor.ErrUnknown, factor.ErrUnknown},
		{"no signature", func(s *apptest.Statement) { s.Signed = []byte{} }, factor.ErrWrong, factor.ErrWrong},
		{"another signature", func(s *apptest.Statement) { s.Signed = []byte{0x30, 6, 2, 1, 1, 2, 1, 1} }, factor.ErrWrong, factor.ErrWrong},
		{"the counter stands still", func(s *apptest.Statement) { s.Count = 1 }, factor.ErrCloned, factor.ErrCloned},
		{"the counter goes back", func(s *apptest.Statement) { s.Count = 0 }, factor.ErrCloned, factor.ErrCloned},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for alone, want := range map[bool]error{true: tt.alone, false: tt.beside} {
				a := apptest.NewAuthenticator(t)
				f := made(t, a)
				a.Change = tt.change
				if _, err := asked(t, a, f, alone); !errors.Is(err, want) || want == nil && err != nil {
					t.Errorf("alone %v: got %v, want %v", alone, err, want)
				}
			}
		})
	}
}

// An answer is valid for its own challenge only, for five minutes, and only if the passkey
// is the user's. Garbage is not an answer.
func TestPasskeyQuestions(t *testing.T) {
	a := apptest.NewAuthenticator(t)
	f := made(t, a)
	c := countersign.Challenge{Method: f.Method, Nonce: secret.Nonce(), Expires: when}
	options, err := site.ToProve(bob.ID, f.Passkeys, c.Nonce)
	if err != nil {
		t.Fatal(err)
	}
	answer := a.Answer(options)
	check := func(c countersign.Challenge, f countersign.Factor, in factor.Site, answer string, at time.Time) error {
		_, err := factor.Passkey().Check(f, c, factor.Binding{Site: in}, answer, at)
		return err
	}
	if err := check(c, f, site, answer, when); !errors.Is(err, factor.ErrLate) {
		t.Errorf("at its end: %v", err)
	}
	if err := check(countersign.Challenge{Expires: when.Add(time.Hour)}, f, site, answer, when); !errors.Is(err, factor.ErrLate) {
		t.Errorf("without a question: %v", err)
	}
	c.Expires = when.Add(time.Millisecond)
	if err := check(c, f, site, answer, when); err != nil {
		t.Errorf("one millisecond before its end: %v", err)
	}
	if err := check(c, f, factor.Site{URL: "http://login.acme.localhost"}, answer, when); !errors.Is(err, factor.ErrWrong) {
		t.Errorf("at another agency: %v", err)
	}
	if err := check(c, countersign.Factor{User: bob.ID}, site, answer, when); !errors.Is(err, factor.ErrUnknown) {
		t.Errorf("of somebody without passkeys: %v", err)
	}
	for _, garbage := range []string{"", "344078", "{}", "null", `{"id":"x"}`, answer[:len(answer)/2], answer + "x"} {
		if factor.IsPasskeyAnswer(garbage) || check(c, f, site, garbage, when) == nil {
			t.Errorf("%q passes for an answer", garbage)
		}
	}
	var o struct {
		Challenge, UserVerification, RPID string
		Timeout                           int
	}
	if err := json.Unmarshal([]byte(options), &o); err != nil || len(c.Nonce) != 32 || len(o.Challenge) != 43 || o.Timeout != 300_000 || o.RPID != "localhost" {
		t.Errorf("options %s: %v", options, err)
	}
}

// The counter and backup state of an answer are stored. A passkey without a counter is
// accepted repeatedly.
func TestPasskeyIsKept(t *testing.T) {
	a := apptest.NewAuthenticator(t)
	a.Flags |= apptest.Syncable
	f := made(t, a)
	if k := f.Passkeys[0].Key; !k.Syncable || k.Synced || k.Count != 1 || len(k.Public) == 0 || len(k.Transports) != 1 {
		t.Fatalf("made: %+v", k)
	}
	a.Flags |= apptest.Synced
	after, err := asked(t, a, f, true)
	if err != nil || after.Passkeys[0].Key.Count != 2 || !after.Passkeys[0].Key.Synced || !after.Passkeys[0].LastUsed.Equal(when) {
		t.Fatalf("used: %+v, %v", after.Passkeys[0], err)
	}
	a.Flags &^= apptest.Syncable | apptest.Synced
	if after, err = asked(t, a, after, true); err != nil || after.Passkeys[0].Key.Syncable || after.Passkeys[0].Key.Synced {
		t.Fatalf("it can't be copied any more: %+v, %v", after.Passkeys[0], err)
	}
	still := apptest.NewAuthenticator(t)
	still.Counts = false
	f = made(t, still)
	for range 3 {
		if f, err = asked(t, still, f, true); err != nil {
			t.Fatal(err)
		}
	}
}

// PK-01: a new passkey is verified by WebAuthn 7.1, with the listed algorithms and
// credential IDs of at most 1023 bytes.
func TestPasskeysAreMade(t *testing.T) {
	for name, change := range map[string]func(*apptest.Statement){
		"made for another ceremony": func(s *apptest.Statement) { s.Type = "webauthn.get" },
		"another challenge":         func(s *apptest.Statement) { s.Challenge = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA" },
		"another origin":            func(s *apptest.Statement) { s.Origin = "https://login.evil.example" },
		"in a frame":                func(s *apptest.Statement) { s.Cross = true },
		"another site":              func(s *apptest.Statement) { s.Site = "evil.example" },
		"nobody was there":          func(s *apptest.Statement) { s.Flags &^= apptest.UserPresent },
		"copied, but cannot be":     func(s *apptest.Statement) { s.Flags |= apptest.Synced },
		"an algorithm off the list": func(s *apptest.Statement) { s.Algorithm = -16 },
		"an ID of 1024 bytes":       func(s *apptest.Statement) { s.ID = bytes.Repeat([]byte{7}, 1024) },
		"no ID":                     func(s *apptest.Statement) { s.ID = nil },
	} {
		t.Run(name, func(t *testing.T) {
			a, nonce := apptest.NewAuthenticator(t), secret.Nonce()
			a.Change = change
			options, err := site.ToMake(bob, nil, nonce)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := site.Make(bob.ID, nonce, when.Add(time.Minute), a.Make(options), when); !errors.Is(err, factor.ErrWrong) {
				t.Errorf("got %v", err)
			}
		})
	}
	a, nonce := apptest.NewAuthenticator(t), secret.Nonce()
	a.Change = func(s *apptest.Statement) { s.ID = bytes.Repeat([]byte{7}, 1023) }
	options, err := site.ToMake(bob, nil, nonce)
	if err != nil {
		t.Fatal(err)
	}
	answer := a.Make(options)
	if _, err := site.Make(bob.ID, nonce, when, answer, when); !errors.Is(err, factor.ErrLate) {
		t.Errorf("too late: %v", err)
	}
	if _, err := site.Make(bob.ID, nonce, when.Add(time.Minute), answer, when); err != nil {
		t.Errorf("an ID of 1023 bytes: %v", err)
	}
}

// Devices that hold a passkey of the user must not make another, and learn nothing about
// the user but what they display.
func TestPasskeyOptions(t *testing.T) {
	a := apptest.NewAuthenticator(t)
	f := made(t, a)
	text, err := site.ToMake(bob, f.Passkeys, secret.Nonce())
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		RP                     struct{ ID, Name string }
		User                   struct{ ID, Name, DisplayName string }
		PubKeyCredParams       []struct{ Alg int }
		Attestation            string
		ExcludeCredentials     []struct{ ID string }
		AuthenticatorSelection struct{ ResidentKey, UserVerification string }
	}
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	if o.RP.ID != "localhost" || o.RP.Name != "Demo Agency" || o.User.Name != "BSMITH" || len(o.PubKeyCredParams) != 3 || o.Attestation != "none" ||
		len(o.ExcludeCredentials) != 1 || o.AuthenticatorSelection.ResidentKey != "preferred" {
		t.Errorf("%s", text)
	}
}

// Passkeys need a host name (PK-01).
func TestSites(t *testing.T) {
	for url, want := range map[string]bool{"https://login.acme.example": true, "http://localhost:8080": true, "http://login.acme.localhost": true,
		"http://127.0.0.1:8080": false, "http://[::1]": false, "": false, "%": false} {
		s := factor.Site{URL: url, Name: "Demo"}
		if got := s.HasPasskeys(); got != want {
			t.Errorf("%s: %v, want %v", url, got, want)
		}
		if _, err := s.ToMake(bob, nil, secret.Nonce()); (err == nil) != want {
			t.Errorf("%s: %v", url, err)
		}
	}
}
