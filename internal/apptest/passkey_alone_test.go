package apptest

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/store"
)

// proof returns what the newest session of BSMITH was admitted by.
func proof(h *App) (p countersign.Proof) {
	h.T.Helper()
	err := h.DB.Read(h.T.Context(), h.Agency.ID, func(tx *store.Tx) error {
		u, err := tx.UserByLogin(h.T.Context(), "BSMITH")
		if err != nil {
			return err
		}
		all, err := tx.Sessions(h.T.Context(), u.ID, h.Now(), h.Now().Add(-Day))
		if err == nil && len(all) > 0 {
			p = all[0].Proof
		}
		return err
	})
	if err != nil {
		h.T.Fatal(err)
	}
	return p
}

// alone opens the sign-in page in a new window and answers with the passkey.
func alone(h *App, a *Authenticator) *Page {
	h.T.Helper()
	b := h.Browser("198.51.100.4", Edge)
	p := b.Get("/sign-in?then=/profile")
	if p.Options() == "" || !p.Has("input", "autocomplete", "username webauthn") {
		h.T.Fatalf("no passkey is offered: %s", p.Text())
	}
	return b.Post("/sign-in/passkey", "credential", a.Answer(p.Options()), "then", "/profile")
}

// If the agency allows it, a passkey that verifies its user is the whole sign-in: no user ID, no
// password, no token (PK-01).
func TestPasskeyAlone(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := keyed(h)
		if p := h.Browser("192.0.2.1", Chrome).Get("/sign-in"); p.Options() != "" || p.Has("input", "autocomplete", "username webauthn") || p.Has("script", "src", "") {
			t.Errorf("offered where it is Off: %s", p.Text())
		}
		h.Set("PASSKEYSIGNIN", "On")
		h.Pass(time.Minute)
		p := alone(h, a)
		if p.Path != "/profile" || !p.Says("Bob Smith (BSMITH)", "Signed in with a passkey from Edge on Windows") {
			t.Fatalf("%s: %s", p.Path, p.Text())
		}
		if got := proof(h); got != countersign.ProofPasskey {
			t.Errorf("the session says %q", got)
		}
		if p = p.Browser.Post("/profile/default", "default", "email"); !p.Says("is your Default.") {
			t.Errorf("a passkey is fresh for changes (SE-06): %s", p.Text())
		}
		p.Browser.SignOut()
		if p = p.Browser.SignIn("BSMITH"); p.Path != "/" {
			t.Errorf("the device is not remembered: %s", p.Path)
		}
		h.Set("2FA", "Off")
		h.Pass(time.Minute)
		if p = alone(h, a); p.Path != "/profile" || proof(h) != countersign.ProofPasskey {
			t.Errorf("2FA Off: %s, admitted by %s", p.Path, proof(h))
		}
	})
}

// refusal matches the random parts of a page that refuses a passkey.
var refusal = regexp.MustCompile(`value="[^"]*"|data-options="[^"]*"`)

// EN-01: every refusal looks the same: an unknown passkey, one of a disabled user, of another
// agency, of a user who was not verified, forged, or without a user; and so does every one once the
// preference is Off.
func TestPasskeyAloneIsRefusedAlike(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := keyed(h)
		h.Set("PASSKEYSIGNIN", "On")
		stranger := NewAuthenticator(t)
		stranger.Make(`{"rp":{"id":"localhost"},"user":{"id":"AQID"}}`)
		changed := func(change func(*Statement)) *Authenticator {
			c := a.Clone()
			c.Change = change
			return c
		}
		want := ""
		refused := func(name string, a *Authenticator) {
			t.Helper()
			h.Pass(time.Hour) // no wait
			p := alone(h, a)
			got := p.Header.Get("Set-Cookie") + refusal.ReplaceAllString(p.Body, "")
			if want == "" {
				want = got
			}
			if p.Status != 422 || p.Browser.Cookie("session") != "" || got != want {
				t.Errorf("%s: %d %s", name, p.Status, p.Text())
			}
			if !p.Says("That passkey does not sign in here. Sign in with your user ID and password.") {
				t.Errorf("%s: %s", name, p.Text())
			}
		}
		refused("nobody's", stranger)
		refused("not verified", changed(func(s *Statement) { s.Flags &^= UserVerified }))
		refused("another site", changed(func(s *Statement) { s.Site = "evil.example" }))
		refused("another origin", changed(func(s *Statement) { s.Origin = "https://evil.example" }))
		refused("forged", changed(func(s *Statement) { s.Signed = []byte{0x30, 6, 2, 1, 1, 2, 1, 1} }))
		refused("no user", changed(func(s *Statement) { s.User = nil }))
		refused("another user", changed(func(s *Statement) { s.User = []byte("7e8a") }))
		refused("copied", changed(func(s *Statement) { s.Count = 0 }))
		if !textMailed(h, "bsmith@demo.example", "One of your passkeys may have been copied") {
			t.Error("no notice of the copy was sent (PK-02)")
		}
		off := true
		if _, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, "BSMITH", admin.Change{Version: admin.AnyVersion, Disabled: &off, Reason: "left"}); err != nil {
			t.Fatal(err)
		}
		refused("disabled", a)
		if got := strings.Join(h.Events("BSMITH"), "|"); strings.Count(got, "sign-in.passkey refused") != 8 {
			t.Errorf("rows: %s", got)
		}
	})
}

// A passkey answers one challenge of one browser, once, within five minutes.
func TestPasskeyAloneOnce(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := keyed(h)
		h.Set("PASSKEYSIGNIN", "On")
		b := h.Browser("198.51.100.4", Edge)
		p := b.Get("/sign-in")
		answer := a.Answer(p.Options())
		if again := b.Get("/sign-in"); again.Options() == p.Options() {
			t.Error("the same is asked twice")
		}
		thief := h.Browser("192.0.2.66", Chrome)
		thief.Get("/sign-in")
		if p := thief.Post("/sign-in/passkey", "credential", answer); p.Status != 422 || thief.Cookie("session") != "" {
			t.Errorf("in another browser: %d %s", p.Status, p.Text())
		}
		replay := b.Copy("198.51.100.4", Edge)
		replay.page = p
		if p = b.Post("/sign-in/passkey", "credential", answer); p.Path != "/" {
			t.Fatalf("%s: %s", p.Path, p.Text())
		}
		if p = replay.Post("/sign-in/passkey", "credential", answer); p.Status != 422 || replay.Cookie("session") != "" {
			t.Errorf("again: %d %s", p.Status, p.Text())
		}
		slow := h.Browser("198.51.100.5", Edge)
		p = slow.Get("/sign-in")
		answer = a.Answer(p.Options())
		h.Pass(5 * time.Minute)
		if p = slow.Post("/sign-in/passkey", "credential", answer); p.Status != 422 || !p.Says("The passkey took longer than 5 minutes.") {
			t.Errorf("late: %d %s", p.Status, p.Text())
		}
		for _, garbage := range []string{"", "null", "{}", "344078", strings.Repeat("x", 20_000)} {
			if p = slow.Post("/sign-in/passkey", "credential", garbage); p.Status != 422 || !p.Says("The passkey was not used.") {
				t.Errorf("%.10q: %d %s", garbage, p.Status, p.Text())
			}
		}
		if p = slow.Post("/sign-in/passkey", "credential", a.Answer(p.Options())); p.Path != "/" {
			t.Errorf("in time: %s", p.Text())
		}
	})
}

// Turned Off while the page is open: the passkey alone no longer signs in.
func TestPasskeyAloneTurnedOff(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := keyed(h)
		h.Set("PASSKEYSIGNIN", "On")
		b := h.Browser("198.51.100.4", Edge)
		p := b.Get("/sign-in")
		h.Set("PASSKEYSIGNIN", "Off")
		if p = b.Post("/sign-in/passkey", "credential", a.Answer(p.Options())); p.Status != 422 || b.Cookie("session") != "" || !p.Says("That passkey does not sign in here.") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
	})
}

// TN-01: a passkey of one agency belongs to no user in another, whatever it claims.
func TestPasskeyOfAnotherAgency(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := keyed(h)
		acme, err := h.Admin.AddAgency(context.Background(), h.Now(), countersign.Agency{Code: "ACME", Name: "Acme", Hosts: []string{"login.acme.localhost"}})
		if err != nil {
			t.Fatal(err)
		}
		v := h.Visit()
		v.Agency = acme
		for _, code := range []string{"2FA", "PASSKEYSIGNIN"} {
			if _, err := h.Admin.SetPreference(t.Context(), v, Operator, admin.PreferenceChange{Code: code, Value: "On", Version: admin.AnyVersion, Reason: "a test"}); err != nil {
				t.Fatal(err)
			}
		}
		b := h.Browser("198.51.100.4", Edge)
		b.Host = "login.acme.localhost"
		p := b.Get("/sign-in")
		if !strings.Contains(p.Options(), `"rpId":"login.acme.localhost"`) {
			t.Fatalf("the site is not the agency's: %s", p.Options())
		}
		lying := a.Clone()
		lying.Origin = "http://login.acme.localhost"
		lying.Holding[0].Site = "login.acme.localhost"
		if p = b.Post("/sign-in/passkey", "credential", lying.Answer(p.Options())); p.Status != 422 || b.Cookie("session") != "" || !p.Says("That passkey does not sign in here.") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
	})
}
