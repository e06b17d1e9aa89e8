package apptest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/internal/policy"
	"countersign/internal/store"
)

// warnedOf returns the addresses of the half sign-ins that a user was warned of, one for each
// warning.
func (h *App) warnedOf(login string) (from []string) {
	h.T.Helper()
	err := h.DB.Read(h.T.Context(), h.Agency.ID, func(tx *store.Tx) error {
		u, err := tx.UserByLogin(h.T.Context(), login)
		if err != nil {
			return err
		}
		all, err := tx.Warnings(h.T.Context(), u.ID)
		for _, w := range all {
			from = append(from, w.Client.IP.String())
		}
		return err
	})
	if err != nil {
		h.T.Fatal(err)
	}
	return from
}

// moreClearings also end what was in progress for a user.
func moreClearings() []clearing {
	return []clearing{
		{name: "set-up opened from the User Profile", does: func(_ *App, t tenant) {
			t.first.Get("/profile")
			t.first.Post("/profile/setup-two-factor")
		}},
		{name: "set-up opened and finished", does: func(_ *App, t tenant) {
			t.first.Get("/profile")
			t.first.Post("/profile/setup-two-factor")
			t.first.Post("/set-up/skip")
			t.first.Post("/set-up/default", "default", "app")
		}},
		{name: "a passkey more", does: func(h *App, t tenant) {
			t.first.Get("/profile")
			t.first.Post("/profile/setup-two-factor")
			t.first.MakePasskey(NewAuthenticator(h.T), "Chrome on Windows")
		}},
		{name: "password changed", does: func(_ *App, t tenant) {
			t.first.Get("/password/change")
			t.first.Post("/password/change", "password", Password, "new_password", "eleven green bicycles in the rain")
		}},
		{name: "own number changed", does: func(h *App, t tenant) {
			t.first.Get("/profile/phone")
			t.first.Post("/profile/phone", "phone", "6145550123")
			t.first.Post("/profile/phone/token", "token", h.Token("+16145550123"))
		}},
		{name: "enrollment code by the operator", does: func(h *App, t tenant) {
			if _, err := h.Admin.IssueEnrollmentCode(h.T.Context(), h.Visit(), Operator, t.login, "the phone is lost"); err != nil {
				h.T.Fatal(err)
			}
		}},
		{name: "twenty inputs that are no token", does: func(h *App, t tenant) {
			for range policy.MaxHints + 1 {
				t.third.Post("/sign-in/token", "token", "what is this?")
			}
		}},
	}
}

// NT-03: a half sign-in with the correct password does not disappear unseen when something else
// ends it. The user is warned as of any abandoned sign-in: at once of one with a wrong token,
// otherwise when it would have ended; of each once, whatever ended it, and with one mail an hour.
func TestNoHalfSignInEndsUnseen(t *testing.T) {
	const waits, tried = "192.0.2.12", "198.51.100.66"
	Each(t, func(t *testing.T, h *App) {
		h.T = t
		h.Administrator()
		sweep := func() {
			t.Helper()
			if err := h.Authn.ExpireAttempts(t.Context(), h.Now()); err != nil {
				t.Fatal(err)
			}
		}
		all := append(moreClearings(), clearings()...)
		for i, e := range all {
			who := h.tenant(fmt.Sprintf("USER%02d", i))
			thief := h.Browser(tried, Edge)
			wantToken(t, thief.SignIn(who.login))
			thief.fail(1)
			e.does(h, who)
			ended := h.standing(who.login).Pending
			sweep()
			if got := h.warnedOf(who.login); ended == 0 && (count(got, tried) != 1 || count(got, waits) != 0) {
				t.Errorf("%s: at once told of %v", e.name, got)
			}
			h.Pass(policy.AttemptLife + time.Minute)
			sweep()
			if got := h.warnedOf(who.login); count(got, tried) != 1 || count(got, waits) != 1 {
				t.Errorf("%s: told of %v", e.name, got)
			}
			if n := countSubjects(h, who.email, "Somebody may know your"); n != 1 {
				t.Errorf("%s: %d letters", e.name, n)
			}
			if strings.HasPrefix(e.name, "2FA") {
				h.Set("2FA", "On")
			}
		}
	})
}

// An attempt whose body was changed in the database does not block what ends it (KY-01), and one in
// set-up sends no warning.
func TestABrokenAttemptHoldsNobodyUp(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.Pass(2 * time.Hour)
		h.Browser("192.0.2.20", Edge).SignIn("BSMITH")
		h.Tamper(`UPDATE attempt SET body = $2 WHERE agency_id = $1`, string(h.Agency.ID), []byte("nothing that opens"))
		h.reset("BSMITH")
		if s := h.standing("BSMITH"); s.Pending != 0 || s.Methods != "" {
			t.Errorf("after the reset it stands %+v", s)
		}
		wizard := h.Browser("192.0.2.30", Chrome)
		wantSetUp(t, wizard.SignIn("BSMITH"))
		wantSetUp(t, h.Browser("192.0.2.31", Chrome).SignIn("BSMITH"))
		h.Pass(time.Hour)
		if err := h.Authn.ExpireAttempts(t.Context(), h.Now()); err != nil {
			t.Fatal(err)
		}
		if got := h.warnedOf("BSMITH"); len(got) > 0 {
			t.Errorf("warned of %v", got)
		}
	})
}

// NT-03: a user who has chosen another password since is told that it was the previous one, and is
// not asked to change it again.
func TestWarningOfAReplacedPassword(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		ownBrowser := h.Browser("192.0.2.10", Chrome)
		ownBrowser.Enroll("BSMITH")
		h.Pass(time.Minute)
		thief := h.Browser("198.51.100.66", Edge)
		thief.SignIn("BSMITH")
		thief.fail(1)
		h.Pass(time.Minute)
		ownBrowser.Get("/password/change")
		wantAt(t, ownBrowser.Post("/password/change", "password", Password, "new_password", "eleven green bicycles in the rain"), 200, "/profile")
		if err := h.Authn.ExpireAttempts(t.Context(), h.Now()); err != nil {
			t.Fatal(err)
		}
		if !textMailed(h, bsmith, "It was the password that you had then; you have chosen another one since.") {
			t.Error("the mail asks them to change it")
		}
		p := ownBrowser.Get("/")
		wantAt(t, p, 200, "/", "Somebody knew the password that you had before", "They did not get in.")
		if p.Has("a", "href", "/password/change") && p.Says("Change my password") {
			t.Error("the notice asks them to change it")
		}
		failSignInWith(t, h, "198.51.100.67", "eleven green bicycles in the rain")
		wantAt(t, ownBrowser.Get("/"), 200, "/", "Somebody knows your password", "Change my password")
	})
}
