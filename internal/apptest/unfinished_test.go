package apptest

import (
	"testing"
	"time"

	"countersign/internal/policy"
)

// warnings expires attempts, and counts the mails that someone may know the password.
func (h *App) warnings() int {
	h.T.Helper()
	if err := h.Authn.ExpireAttempts(h.T.Context(), h.Now()); err != nil {
		h.T.Fatal(err)
	}
	return countSubjects(h, bsmith, "Somebody may know your")
}

// askedEverywhere returns BSMITH's own browser, while a token is required at every sign-in.
func askedEverywhere(h *App) *Browser {
	h.T.Helper()
	h.User("BSMITH")
	ownBrowser := h.Browser("192.0.2.10", Chrome)
	ownBrowser.Enroll("BSMITH")
	h.Set("2FAFREQUENCY", "0")
	ownBrowser.SignOut()
	h.Pass(2 * time.Hour)
	return ownBrowser
}

// finish enters the token that was mailed to BSMITH last.
func (b *Browser) finish() *Page {
	return b.Post("/sign-in/token", "token", b.House.Token(bsmith))
}

// NT-05: a sign-in that its user leaves open in their own browser sends no warning. One left in any
// other browser does, however similar it is.
func TestOnlyAnotherBrowserWarns(t *testing.T) {
	for _, c := range []struct {
		name    string
		letters int
		browser func(h *App, ownBrowser *Browser) *Browser
	}{
		{"the user's own", 0, func(_ *App, ownBrowser *Browser) *Browser { return ownBrowser }},
		{"a coworker's, without a cookie", 1, func(h *App, _ *Browser) *Browser { return h.Browser("192.0.2.10", Chrome) }},
		{"a coworker's own", 1, func(h *App, _ *Browser) *Browser {
			h.User("CBILLS")
			b := h.Browser("192.0.2.10", Chrome)
			b.Enroll("CBILLS")
			b.SignOut()
			return b
		}},
		{"one that a coworker uses as well", 1, func(h *App, ownBrowser *Browser) *Browser {
			h.User("CBILLS")
			ownBrowser.Enroll("CBILLS")
			ownBrowser.SignOut()
			return ownBrowser
		}},
		{"the user's own with another network", 1, func(_ *App, ownBrowser *Browser) *Browser { return ownBrowser.Copy("198.51.100.4", Chrome) }},
		{"the user's own, not to be remembered", 1, func(_ *App, ownBrowser *Browser) *Browser {
			ownBrowser.SignIn("BSMITH")
			ownBrowser.Post("/sign-in/token", "token", ownBrowser.House.Token(bsmith), "forget_device", "yes")
			ownBrowser.SignOut()
			return ownBrowser
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			Each(t, func(t *testing.T, h *App) {
				h.T = t
				b := c.browser(h, askedEverywhere(h))
				wantToken(t, b.SignIn("BSMITH"))
				h.Pass(policy.AttemptLife - time.Millisecond)
				if n := h.warnings(); n != 0 {
					t.Errorf("%d letters before it was over", n)
				}
				h.Pass(time.Millisecond)
				if n := h.warnings(); n != c.letters {
					t.Errorf("%d letters, want %d", n, c.letters)
				}
				wantToken(t, b.SignIn("BSMITH"))
				b.Post("/sign-in/cancel")
				h.Pass(2 * policy.AttemptLife)
				if n := h.warnings(); n != c.letters { // one mail an hour
					t.Errorf("cancelled: %d letters, want %d", n, c.letters)
				}
			})
		})
	}
}

// NT-03, NT-05: someone who tries the victim's password behind the victim's address with the
// victim's browser family causes a warning, though the victim signs in right after.
func TestACoworkerIsToldAbout(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.T = t
		ownBrowser := askedEverywhere(h)
		coworker := h.Browser("192.0.2.10", Chrome)
		wantToken(t, coworker.SignIn("BSMITH"))
		h.Mail(bsmith)
		ownBrowser.SignIn("BSMITH")
		wantIn(t, ownBrowser.finish(), "BSMITH")
		h.Pass(policy.AttemptLife)
		if n := h.warnings(); n != 1 {
			t.Errorf("%d letters, want 1", n)
		}
		wantAt(t, ownBrowser.Get("/"), 200, "/", "Somebody knows your password", "from 192.0.2.10 and then no right token")
	})
}

// NT-03: a wrong token in the user's own browser causes a warning, unless they sign in with that
// browser before the sign-in expires.
func TestAWrongTokenInTheOwnBrowser(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.T = t
		ownBrowser := askedEverywhere(h)
		ownBrowser.SignIn("BSMITH")
		ownBrowser.fail(1)
		h.Mail(bsmith)
		ownBrowser.SignIn("BSMITH") // in another tab
		wantIn(t, ownBrowser.finish(), "BSMITH")
		if p := ownBrowser.Get("/"); p.Says("Somebody knows your password") {
			t.Error("the user is warned of themselves")
		}
		h.Pass(2 * policy.AttemptLife)
		if n := h.warnings(); n != 0 {
			t.Errorf("finished: %d letters", n)
		}
		ownBrowser.SignOut()
		ownBrowser.SignIn("BSMITH")
		ownBrowser.fail(1)
		h.Pass(policy.AttemptLife)
		if n := h.warnings(); n != 1 {
			t.Errorf("left: %d letters, want 1", n)
		}
	})
}

// NT-05: a completed sign-in ends no other sign-in of its user: not of a browser that looks the
// same, and not after a wrong token. A user who was warned of that token and then finishes there
// finds no warning of it.
func TestASignInElsewhereEndsNoOther(t *testing.T) {
	for _, c := range []struct {
		name  string
		wrong int
	}{{"no wrong token", 0}, {"one wrong token", 1}} {
		t.Run(c.name, func(t *testing.T) {
			Each(t, func(t *testing.T, h *App) {
				h.T = t
				ownBrowser := askedEverywhere(h)
				laptop := h.Browser("192.0.2.10", Chrome)
				laptop.SignIn("BSMITH")
				if c.wrong > 0 {
					laptop.fail(c.wrong)
				}
				token := h.Token(bsmith)
				h.Pass(40 * time.Second)
				ownBrowser.SignIn("BSMITH")
				wantIn(t, ownBrowser.finish(), "BSMITH")
				if told := ownBrowser.Get("/").Says("Somebody knows your password"); told != (c.wrong > 0) {
					t.Errorf("told of it: %t", told)
				}
				wantIn(t, laptop.Post("/sign-in/token", "token", token), "BSMITH")
				if laptop.Get("/").Says("Somebody knows your password") {
					t.Error("the user is warned of themselves")
				}
				h.Pass(2 * policy.AttemptLife)
				if n := h.warnings(); n != c.wrong {
					t.Errorf("%d letters, want %d", n, c.wrong)
				}
			})
		})
	}
}

// NT-05: if a sign-in continues after its user was warned of a wrong token, the next wrong tokens
// are reported too, in place of the first.
func TestMoreWrongTokensAfterAWarning(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.T = t
		ownBrowser := askedEverywhere(h)
		thief := h.Browser("203.0.113.9", Edge)
		thief.SignIn("BSMITH")
		thief.fail(1)
		h.Mail(bsmith)
		h.Pass(time.Minute)
		ownBrowser.SignIn("BSMITH")
		wantIn(t, ownBrowser.finish(), "BSMITH")
		wantAt(t, ownBrowser.Get("/"), 200, "/", "and then a wrong token")
		wantAt(t, thief.fail(2), 200, "/sign-in", "After three failed attempts")
		p := ownBrowser.Get("/")
		wantAt(t, p, 200, "/", "and then three wrong tokens")
		if p.Says("once before") {
			t.Error("one sign-in is told twice")
		}
	})
}

// If a sign-in has to end because of another one, its page says so.
func TestASignInThatWasEndedSaysWhy(t *testing.T) {
	const elsewhere, changed = "You signed in elsewhere, so this sign-in ended", "Your methods, your password or a setting was changed"
	Each(t, func(t *testing.T, h *App) {
		h.T = t
		h.Administrator()
		h.User("BSMITH")
		first, second := h.Browser("192.0.2.10", Chrome), h.Browser("192.0.2.11", Edge)
		wantSetUp(t, first.SignIn("BSMITH"))
		wantSetUp(t, second.SignIn("BSMITH"))
		wantAt(t, first.Get("/set-up/email"), 200, "/sign-in", elsewhere)
		second.Get("/set-up/email")
		second.Enroll("BSMITH")
		codes := recoveryCodes(second)

		h.Pass(2 * time.Hour)
		waits := h.Browser("192.0.2.12", Chrome)
		wantToken(t, waits.SignIn("BSMITH"))
		token := h.Token(bsmith)
		h.Pass(time.Minute)
		other := toRecovery(h, "192.0.2.20", "BSMITH")
		wantIn(t, other.Post("/sign-in/token", "recovery_code", codes[0]), "BSMITH")
		wantAt(t, waits.Post("/sign-in/token", "token", token), 200, "/sign-in", elsewhere)
		h.Pass(2 * time.Hour)
		wantToken(t, waits.SignIn("BSMITH"))
		h.reset("BSMITH")
		wantAt(t, waits.Get("/sign-in/token"), 200, "/sign-in", changed)
		waits = h.Browser("192.0.2.13", Chrome)
		wantSetUp(t, waits.SignIn("BSMITH"))
		h.Pass(31 * time.Minute)
		wantAt(t, waits.Get("/set-up/email"), 200, "/sign-in", "Set-up is not open here any more")
	})
}

// NT-05: while no token is accepted, the correct password in the user's own browser causes no
// warning. From anywhere else it does at once, because no sign-in begins.
func TestTurnedAway(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.T = t
		ownBrowser := askedEverywhere(h)
		failSignIn(t, h, "203.0.113.21")
		failSignIn(t, h, "203.0.113.22")
		told := len(h.warnedOf("BSMITH"))
		wantWait(t, ownBrowser.SignIn("BSMITH"), 30*time.Second)
		if n := len(h.warnedOf("BSMITH")) - told; n != 0 {
			t.Errorf("the user's own browser: %d warnings", n)
		}
		wantWait(t, h.Browser("192.0.2.10", Chrome).SignIn("BSMITH"), 30*time.Second)
		if n := len(h.warnedOf("BSMITH")) - told; n != 1 {
			t.Errorf("another browser: %d warnings, want 1", n)
		}
	})
}

// NT-05: two tabs of one browser belong to one user: finishing one does not change the other. A
// wrong token there afterwards warns as any.
func TestASignInInAnotherTab(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.T = t
		ownBrowser := askedEverywhere(h)
		for _, wrong := range []int{0, 3} {
			tab := ownBrowser.Copy(ownBrowser.IP, ownBrowser.Agent)
			wantToken(t, tab.SignIn("BSMITH"))
			token := h.Token(bsmith)
			h.Pass(40 * time.Second)
			ownBrowser.SignIn("BSMITH")
			wantIn(t, ownBrowser.finish(), "BSMITH")
			ownBrowser.SignOut()
			if wrong == 0 {
				wantIn(t, tab.Post("/sign-in/token", "token", token), "BSMITH")
			} else {
				wantAt(t, tab.fail(wrong), 200, "/sign-in", "After three failed attempts")
			}
			h.Pass(2 * policy.AttemptLife)
			if n := h.warnings(); n != wrong/3 {
				t.Errorf("%d wrong: %d letters, want %d", wrong, n, wrong/3)
			}
		}
	})
}
