package apptest

import (
	"strings"
	"testing"
	"time"
)

// A passkey is created in set-up, beside the TechNote's steps, and is the second factor from then
// on (PK-01).
func TestPasskeyAsSecondFactor(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b, a := h.Browser("203.0.113.7", Chrome), NewAuthenticator(t)
		p := b.EnrollPasskey("BSMITH", "passkey", a)
		if !p.Says("Two factor authentication set-up is complete.", "Passkey", "(Default)") {
			t.Fatalf("after set-up: %s", p.Text())
		}
		if got := h.Subjects("bsmith@demo.example"); !strings.Contains(strings.Join(got, "|"), setUpLetter) || !textMailed(h, "bsmith@demo.example", "Methods: Email, passkey") {
			t.Errorf("no notice of the passkey was sent: %v", got)
		}
		b.SignOut()
		other := h.Browser("198.51.100.4", Edge)
		p = other.SignIn("BSMITH")
		if p.Path != "/sign-in/token" || !p.Says("Use your passkey", "Passkeys need a script", "Email", "Why am I asked?") {
			t.Fatalf("%s: %s", p.Path, p.Text())
		}
		before := len(h.Mail("bsmith@demo.example"))
		p = other.Post("/sign-in/token", "credential", a.Answer(p.Options()))
		if p.Path != "/" || !p.Says("You are signed in, Bob") {
			t.Fatalf("%s: %s", p.Path, p.Text())
		}
		if got := len(h.Mail("bsmith@demo.example")); got != before+1 {
			t.Errorf("%d letters, want the one of the new connection", got-before)
		}
		if p := other.Get("/profile"); !p.Says("Signed in with a passkey from Edge on Windows", "Chrome on Windows Passkey made today.", "Last used today") {
			t.Errorf("profile: %s", p.Text())
		}
		other.SignOut()
		if p := other.SignIn("BSMITH"); p.Path != "/" {
			t.Errorf("the device is not remembered: %s", p.Path)
		}
		h.Pass(7 * Day)
		if p := other.SignIn("BSMITH"); p.Options() == "" {
			t.Errorf("no passkey is asked after seven days: %s", p.Text())
		}
	})
}

// keyed sets up BSMITH with a passkey as Default, and returns the authenticator.
func keyed(h *App) *Authenticator {
	h.T.Helper()
	h.User("BSMITH")
	a := NewAuthenticator(h.T)
	h.Browser("203.0.113.7", Chrome).EnrollPasskey("BSMITH", "passkey", a)
	return a
}

// asks opens a new window and signs in up to the page that asks for the passkey.
func asks(h *App) (*Browser, *Page) {
	h.T.Helper()
	b := h.Browser("198.51.100.4", Edge)
	p := b.SignIn("BSMITH")
	if p.Options() == "" {
		h.T.Fatalf("no passkey is asked: %s", p.Text())
	}
	return b, p
}

// A cancelled prompt, garbage, and a late answer cost no try. The eleventh of them ends the
// sign-in.
func TestCancelledPromptsCostNoTry(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := keyed(h)
		b, p := asks(h)
		late := a.Answer(p.Options())
		h.Pass(5 * time.Minute)
		if p = b.Post("/sign-in/token", "credential", late); p.Status != 422 || !p.Says("longer than 5 minutes", "did not count as a try") {
			t.Fatalf("late: %d %s", p.Status, p.Text())
		}
		for _, answer := range []string{"", "", "", "{}", "344078", "null", "[]", `{"id":"x"}`, "\u00e9"} {
			if p = b.Post("/sign-in/token", "credential", answer); p.Status != 422 || !p.Says("The passkey was not used. This did not count as a try.") {
				t.Fatalf("%q: %d %s", answer, p.Status, p.Text())
			}
		}
		if p = b.Get("/sign-in/other-way"); !p.Says("You have 3 tries left.") {
			t.Errorf("%s", p.Text())
		}
		second, p2 := asks(h)
		if p2 = second.Post("/sign-in/token", "credential", a.Answer(p2.Options())); p2.Path != "/" {
			t.Errorf("another sign-in: %s", p2.Text())
		}
		if p = b.Post("/sign-in/token", "credential", ""); p.Path != "/sign-in" || !p.Says("Please sign in again") {
			t.Errorf("the eleventh: %s: %s", p.Path, p.Text())
		}
	})
}

// M30: a wrong answer costs a try, the third ends the sign-in, and the correct one does not help
// afterwards. The same answer never works twice.
func TestWrongPasskeysAreTries(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := keyed(h)
		b, p := asks(h)
		other := b.Copy("198.51.100.4", Edge)
		other.page = p
		kept := a.Answer(p.Options())
		a.Change = func(s *Statement) { s.Origin = "http://login.evil.example" }
		for _, left := range []string{"2 tries left", "1 try left"} {
			p = b.Post("/sign-in/token", "credential", a.Answer(p.Options()))
			if p.Status != 422 || !p.Says("That passkey does not fit here.", left) || p.Options() == "" {
				t.Fatalf("%d %s", p.Status, p.Text())
			}
		}
		if p := other.Post("/sign-in/token", "credential", kept); p.Path != "/sign-in" || other.Cookie("session") != "" {
			t.Errorf("an answer to a question that is over: %s: %s", p.Path, p.Text())
		}
		if p := b.Post("/sign-in/token", "credential", kept); p.Path != "/sign-in" || b.Cookie("session") != "" {
			t.Errorf("after the third: %s: %s", p.Path, p.Text())
		}
		if got := strings.Join(h.Events("BSMITH"), "|"); strings.Count(got, "token.wrong refused") != 3 || !strings.Contains(got, "sign-in.third_failure refused") {
			t.Errorf("rows: %s", got)
		}
	})
}

// A passkey of another user is refused with a sentence, and so is a token that is typed where a
// passkey is required.
func TestPasskeyOfAnother(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		keyed(h)
		h.User("CBILLS")
		carols := NewAuthenticator(t)
		h.Browser("203.0.113.8", Chrome).EnrollPasskey("CBILLS", "passkey", carols)
		b, p := asks(h)
		theirs := carols.Holding[0]
		stolen := strings.Replace(p.Options(), `"id":"`, `"id":"`+encode(theirs.ID)+`","was":"`, 1)
		p = b.Post("/sign-in/token", "credential", carols.Answer(stolen))
		if p.Status != 422 || !p.Says("That passkey is not one of yours here. You have 2 tries left.") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
		if p = b.Post("/sign-in/token", "token", "344078"); p.Status != 422 || !p.Says("1 try left") {
			t.Errorf("a token instead: %d %s", p.Status, p.Text())
		}
	})
}

// PK-02: a signature counter that goes backward is refused, and the user and every administrator
// get a notice. The other copy keeps working.
func TestCopiedPasskey(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := keyed(h)
		h.Administrator()
		copied := a.Clone()
		b, p := asks(h)
		if p = b.Post("/sign-in/token", "credential", a.Answer(p.Options())); p.Path != "/" {
			t.Fatalf("%s", p.Text())
		}
		h.Pass(8 * Day)
		thief := h.Browser("192.0.2.66", Chrome)
		p = thief.SignIn("BSMITH")
		p = thief.Post("/sign-in/token", "credential", copied.Answer(p.Options()))
		if p.Status != 422 || thief.Cookie("session") != "" || !p.Says("That passkey may have been copied, so it was refused", "2 tries left") {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		for to, says := range map[string]string{"bsmith@demo.example": "One of your passkeys may have been copied", "admin@demo.example": "A passkey of BSMITH may have been copied"} {
			if !textMailed(h, to, says) || !textMailed(h, to, "Passkey: Chrome on Windows") {
				t.Errorf("%s was not told: %v", to, h.Subjects(to))
			}
		}
		if got := strings.Join(h.Events("BSMITH"), "|"); !strings.Contains(got, "passkey.copied refused") {
			t.Errorf("rows: %s", got)
		}
		p = thief.Get("/sign-in/token")
		if p = thief.Post("/sign-in/token", "credential", a.Answer(p.Options())); p.Path != "/" {
			t.Errorf("the other copy: %s", p.Text())
		}
	})
}

// A step-up by passkey: the pending request continues by itself (SE-06).
func TestStepUpByPasskey(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := keyed(h)
		b, p := asks(h)
		b.Post("/sign-in/token", "credential", a.Answer(p.Options()))
		h.Pass(6 * time.Minute)
		b.Get("/profile")
		p = b.Post("/profile/default", "default", "email")
		if p.Path != "/step-up" || !p.Says("For that your passkey is needed once more", "Passkeys need a script") {
			t.Fatalf("%s: %s", p.Path, p.Text())
		}
		if p = b.Post("/step-up", "credential", ""); p.Status != 422 || !p.Says("did not count as a try") {
			t.Errorf("cancelled: %d %s", p.Status, p.Text())
		}
		if p = b.Post("/step-up", "credential", a.Answer(p.Options())); p.Path != "/profile" || !p.Says("is your Default.", "A change was confirmed with a passkey.") {
			t.Errorf("%s: %s", p.Path, p.Text())
		}
		b.SignOut()
		other := h.Browser("192.0.2.9", SafariMac)
		if p = other.SignIn("BSMITH"); p.Options() != "" {
			t.Errorf("the Default is email now: %s", p.Text())
		}
		if p = other.Post("/sign-in/other-way", "method", "passkey"); p.Options() == "" {
			t.Fatalf("another way: %s", p.Text())
		}
		if p = other.Post("/sign-in/token", "credential", a.Answer(p.Options())); p.Path != "/" {
			t.Errorf("%s", p.Text())
		}
	})
}
