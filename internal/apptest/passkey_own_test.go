package apptest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/outbox"
)

// profileOf signs BSMITH in with their passkey and opens the User Profile.
func profileOf(h *App, a *Authenticator) (*Browser, *Page) {
	h.T.Helper()
	b, p := asks(h)
	b.Post("/sign-in/token", "credential", a.Answer(p.Options()))
	return b, b.Get("/profile")
}

// linkWith returns the address of the page's first link that contains these parts.
func linkWith(p *Page, parts ...string) string {
	for _, l := range p.Links() {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(l, part)
		}
		if all {
			return l
		}
	}
	p.Browser.House.T.Fatalf("no link with %v: %v", parts, p.Links())
	return ""
}

// textMailed reports whether a message with this text went to an address.
func textMailed(h *App, to, words string) bool {
	return slices.ContainsFunc(h.Mail(to), func(m outbox.Mail) bool { return strings.Contains(m.Text, words) })
}

// rowOf returns the ID of the row that a link names.
func rowOf(link string) string { return link[strings.LastIndex(link, "=")+1:] }

// Several passkeys: each is added from the User Profile under its own name, renamed and removed,
// with notices to every address (NT-01).
func TestSeveralPasskeys(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := keyed(h)
		b, _ := profileOf(h, a)
		half := h.Browser("192.0.2.3", Chrome)
		half.SignIn("BSMITH")
		key := NewAuthenticator(t)
		p := b.Post("/profile/setup-two-factor", "method", "passkey")
		if p.Path != "/set-up/passkey" || p.Value("passkey_name") != "Edge on Windows" {
			t.Fatalf("%s: %s", p.Path, p.Text())
		}
		wrongKind := a.Answer(strings.Replace(p.Options(), `"excludeCredentials"`, `"allowCredentials"`, 1))
		if p = b.Post("/set-up/passkey", "passkey_name", "A key", "credential", wrongKind); p.Status != 422 || !p.Says("The passkey was not used.") {
			t.Errorf("an answer of another kind: %d %s", p.Status, p.Text())
		}
		for name, says := range map[string]string{"": "Enter a name for the passkey", strings.Repeat("x", 51): "up to 50 characters"} {
			if p = b.Post("/set-up/passkey", "passkey_name", name, "credential", key.Make(p.Options())); p.Status != 422 || !p.Says(says) {
				t.Errorf("%q: %d %s", name, p.Status, p.Text())
			}
		}
		p = b.Post("/set-up/passkey", "passkey_name", " A key on my ring ", "credential", key.Make(p.Options()))
		if p.Path != "/set-up/done" {
			t.Fatalf("%s: %s", p.Path, p.Text())
		}
		if !textMailed(h, "bsmith@demo.example", "A method was added: passkey, A key on my ring") {
			t.Error("no notice of the new passkey was sent")
		}
		if p := half.Get("/sign-in/token"); p.Path != "/sign-in" {
			t.Errorf("a sign-in begun before goes on: %s", p.Path)
		}
		p = b.Get("/profile")
		if !p.Says("Chrome on Windows Passkey made today. Last used today", "A key on my ring Passkey made today. Not used yet.", "Another passkey") {
			t.Fatalf("%s", p.Text())
		}
		ring := rowOf(linkWith(p, "rename", "passkey="))
		for _, l := range p.Links() {
			if strings.Contains(l, "rename") {
				ring = rowOf(l) // the newest is last
			}
		}
		if p = b.Post("/profile/passkeys/rename", "passkey", ring, "passkey_name", "\x07"); p.Status != 422 && p.Status != 400 {
			t.Errorf("a bell: %d %s", p.Status, p.Text())
		}
		b.Get("/profile/passkeys/rename?passkey=" + ring)
		if p = b.Post("/profile/passkeys/rename", "passkey", ring, "passkey_name", ""); p.Status != 422 || !p.Says("Enter a name for the passkey") {
			t.Errorf("no name: %d %s", p.Status, p.Text())
		}
		if p = b.Post("/profile/passkeys/rename", "passkey", ring, "passkey_name", "YubiKey"); p.Path != "/profile" || !p.Says("The passkey was renamed.", "YubiKey") {
			t.Errorf("%s", p.Text())
		}
		h.Pass(8 * Day)
		other, p := asks(h)
		if p = other.Post("/sign-in/token", "credential", key.Answer(p.Options())); p.Path != "/" {
			t.Fatalf("the second passkey: %s", p.Text())
		}
		other.Get("/profile/passkeys/remove?passkey=" + ring)
		if p = other.Post("/profile/passkeys/remove", "passkey", ring); !p.Says("The passkey was removed.", "Chrome on Windows", "Remembered devices On these you sign in with your password alone until the date shown. It counts for one browser, on one system, on one network. None.") || p.Says("YubiKey Passkey") {
			t.Errorf("%s", p.Text())
		}
		if !textMailed(h, "bsmith@demo.example", "A method was removed: passkey, YubiKey") {
			t.Error("no notice of the removed passkey was sent")
		}
		if p = other.Post("/profile/passkeys/remove", "passkey", ring); p.Status != 404 || !p.Says("That passkey is not there any more") {
			t.Errorf("again: %d %s", p.Status, p.Text())
		}
	})
}

// PK-02: with the last passkey the method is removed, the Default falls back to the strongest
// method left, and email can't be removed.
func TestLastPasskey(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := keyed(h)
		b, p := profileOf(h, a)
		page := b.Get(linkWith(p, "/profile/passkeys/remove"))
		if !page.Says("It is your only passkey. Your Default is then Email.") {
			t.Errorf("%s", page.Text())
		}
		p = b.Post("/profile/passkeys/remove", "passkey", rowOf(linkWith(p, "/profile/passkeys/remove")))
		if !p.Says("The passkey was removed.", "Email (Default)", "None yet. The strongest protection") {
			t.Fatalf("%s", p.Text())
		}
		if p = b.Post("/profile/methods/remove", "method", "email"); p.Status != 422 || !p.Says("Email is required") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
		if p = h.Browser("192.0.2.9", Chrome).SignIn("BSMITH"); p.Options() != "" || !p.Says("A six-digit token") {
			t.Errorf("%s", p.Text())
		}
	})
}

// A credential belongs to one user only, a user has at most ten passkeys, and none is created if
// set-up offers none.
func TestPasskeyBounds(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := keyed(h)
		h.User("CBILLS")
		carol := h.Browser("203.0.113.8", Chrome)
		carol.SignIn("CBILLS")
		early := carol.Get("/set-up/passkey")
		if early.Path != "/set-up/email" {
			t.Errorf("before the email address: %s", early.Path)
		}
		carol.Post("/set-up/email", "email", "cbills@demo.example")
		carol.Post("/set-up/email/token", "token", h.Token("cbills@demo.example"))
		same := NewAuthenticator(t)
		same.Change = func(s *Statement) { s.ID = a.Holding[0].ID }
		if p := carol.MakePasskey(same, "Mine"); p.Status != 422 || !p.Says("That passkey is in use already.") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
		b, _ := profileOf(h, a)
		for range 9 {
			p := b.Post("/profile/setup-two-factor", "method", "passkey")
			if p = b.Post("/set-up/passkey", "passkey_name", p.Value("passkey_name"), "credential", NewAuthenticator(t).Make(p.Options())); p.Path != "/set-up/done" {
				t.Fatalf("%s: %s", p.Path, p.Text())
			}
			b.Get("/profile")
		}
		if p := b.Get("/profile"); p.Says("Add a passkey") || !p.Says("Edge on Windows 9") {
			t.Errorf("%s", p.Text())
		}
		b.Post("/profile/setup-two-factor", "method", "passkey")
		if p := b.Send("/set-up/passkey", "passkey_name", "Eleventh", "credential", NewAuthenticator(t).Make(`{"rp":{"id":"localhost"}}`)); p.Status == 200 || p.Location == "/set-up/done" {
			t.Errorf("the eleventh: %d %s", p.Status, p.Location)
		}
	})
}

// A reset removes passkeys with everything else (RS-05). An administrator sees them by name and can
// find users by them.
func TestPasskeysInAdministration(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := keyed(h)
		h.Administrator()
		admin := h.Browser("203.0.113.2", Chrome)
		admin.Enroll("ADMIN")
		if p := admin.Get("/admin/users/BSMITH"); !p.Says("Passkey (Default)", "Chrome on Windows Passkey made today. Not used yet.") {
			t.Errorf("%s", p.Text())
		}
		if p := admin.Get("/admin/users?method=passkey"); !p.Says("Bob Smith") || p.Says("Ann Admin ADMIN") || !p.Has("option", "value", "passkey") {
			t.Errorf("%s", p.Text())
		}
		if _, err := h.Admin.ResetTwoFactor(t.Context(), h.Visit(), Operator, "BSMITH", "lost phone"); err != nil {
			t.Fatal(err)
		}
		b := h.Browser("198.51.100.4", Edge)
		if p := b.SignIn("BSMITH"); p.Path != "/set-up/email" {
			t.Errorf("after the reset: %s", p.Path)
		}
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		p := b.MakePasskey(a, "The same device")
		if !p.Says("set up is now complete for the passkey method") {
			t.Errorf("a new passkey on the same device: %s", p.Text())
		}
	})
}

// A method that the agency can't offer any more is dormant: without a host name no passkey is asked
// for, and none is offered.
func TestNoPasskeysAtAnAddress(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := keyed(h)
		_ = a
		v := h.Visit()
		v.Agency.URL = "http://127.0.0.1:8080"
		out, err := h.SignIn.VerifyPassword(t.Context(), v, "BSMITH", Password, "")
		if err != nil {
			t.Fatal(err)
		}
		v.Attempt = out.Attempt.Handle
		view, err := h.SignIn.View(t.Context(), v)
		if err != nil || view.Default.Method != countersign.MethodEmail || len(view.Ways) != 1 {
			t.Errorf("%+v, %v", view.Ways, err)
		}
	})
}

// The steps of set-up stay the TechNote's: with app and SMS done, no user has to deal with a
// passkey, and a user who has skipped it is not asked again.
func TestPasskeyHasNoStep(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("203.0.113.7", Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		p := b.Post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		if !p.Says("Add two additional methods?", "Step 4 of 4: Default") || !p.Has("a", "href", "/set-up/passkey") {
			t.Fatalf("%s", p.Text())
		}
		b.Get("/set-up/passkey")
		if p = b.Post("/set-up/skip", "method", "passkey"); p.Path != "/set-up" || p.Has("a", "href", "/set-up/passkey") {
			t.Errorf("%s: %s", p.Path, p.Text())
		}
		h.Pass(time.Minute)
		key := b.Get("/set-up/app").Key()
		b.Post("/set-up/app", "token", h.AppToken(key))
		b.Get("/set-up/sms")
		b.Post("/set-up/sms", "phone", "6145550112")
		if p = b.Post("/set-up/sms/token", "token", h.Token("+16145550112")); p.Path != "/set-up/default" {
			t.Errorf("%s: %s", p.Path, p.Text())
		}
	})
}
