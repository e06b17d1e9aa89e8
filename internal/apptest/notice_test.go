package apptest

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
)

// news returns the subjects of the messages to an address since n messages ago, without tokens.
func (h *App) news(to string, before int) []string {
	h.T.Helper()
	all := h.Subjects(to)
	var fresh []string
	for _, s := range all[:len(all)-before] {
		if !strings.Contains(s, " token (") {
			fresh = append(fresh, s)
		}
	}
	return fresh
}

// NT-01: each of these events is mailed to every stored address: the profile's, the one for
// two-factor authentication, and one that was replaced recently or is being replaced now. Each
// notice says what, when, from where and what to do, and contains no way to sign in (NT-02).
func TestEventsByAddresses(t *testing.T) {
	text := func(s string) *string { return &s }
	off := true
	edit := func(h *App, r reader, c admin.Change) {
		h.T.Helper()
		c.Version = admin.AnyVersion
		if _, err := h.Admin.EditUser(context.Background(), h.Visit(), Operator, r.login, c); err != nil {
			h.T.Fatal(err)
		}
	}
	events := []struct {
		name, subject string
		does          func(h *App, r reader)
		also          func(r reader) string // one address more than the three
	}{
		{"binding", "A method was added for Agency Integrator", func(h *App, r reader) {
			r.b.Get("/profile")
			r.b.Post("/profile/setup-two-factor")
			r.b.Get("/set-up/sms")
			r.b.Post("/set-up/sms", "phone", "6145550112")
			r.b.Post("/set-up/sms/token", "token", h.Token("+16145550112"))
		}, nil},
		{"removal", "A method was removed for Agency Integrator", func(_ *App, r reader) {
			r.b.Get("/profile")
			r.b.Post("/profile/methods/remove", "method", "app")
		}, nil},
		{"the address for two factor changed", "Tokens for Agency Integrator go to another address", func(h *App, r reader) {
			r.b.Get("/profile")
			r.b.Post("/profile/setup-two-factor")
			r.b.Get("/set-up/email")
			r.b.Post("/set-up/email", "email", "third-"+r.own)
			r.b.Post("/set-up/email/token", "token", h.Token("third-"+r.own))
		}, func(r reader) string { return "third-" + r.own }},
		{"password changed", "Your password for Agency Integrator was changed", func(_ *App, r reader) {
			r.b.Get("/password/change")
			r.b.Post("/password/change", "password", Password, "new_password", another)
		}, nil},
		{"Default changed", "Your Default for Agency Integrator was changed", func(_ *App, r reader) {
			r.b.Get("/profile")
			r.b.Post("/profile/default", "default", "app")
		}, nil},
		{"reset by oneself", "You reset two factor authentication for Agency Integrator", func(_ *App, r reader) {
			r.b.Get("/profile/reset-two-factor")
			r.b.Post("/profile/reset-two-factor", "password", Password)
		}, nil},
		{"reset by an administrator", "Your two factor authentication for Agency Integrator was reset", func(h *App, r reader) { h.reset(r.login) }, nil},
		{"disabled", "Your user ID for Agency Integrator was disabled", func(h *App, r reader) { edit(h, r, admin.Change{Disabled: &off, Reason: "left"}) }, nil},
		{"recovery codes made", "Recovery codes were made for Agency Integrator", func(_ *App, r reader) { recoveryCodes(r.b) }, nil},
		{"recovery code used", "A recovery code was used for Agency Integrator", func(h *App, r reader) {
			code := recoveryCodes(r.b)[0]
			toRecovery(h, "192.0.2.30", r.login).Post("/sign-in/token", "recovery_code", code)
		}, nil},
		{"profile email changed", "The email address of {Login} for Agency Integrator was changed",
			func(h *App, r reader) { edit(h, r, admin.Change{Email: text("fourth-" + r.own)}) }, func(r reader) string { return "fourth-" + r.own }},
		{"profile number changed", "The mobile phone of {Login} for Agency Integrator was changed",
			func(h *App, r reader) { edit(h, r, admin.Change{Mobile: text("6145550188")}) }, nil},
		{"new connection", "New sign on to Agency Integrator", func(h *App, r reader) {
			x := h.Browser("203.0.113.9", SafariMac)
			x.SignIn(r.login)
			x.Post("/sign-in/token", "token", h.Token(r.own))
		}, nil},
		{"2FA Off", "A preference of Agency Integrator was changed: 2FA", func(h *App, _ reader) { h.Set("2FA", "Off") }, nil},
	}
	Each(t, func(t *testing.T, h *App) {
		h.Set("2FAEMAILOTHER", "Allow")
		for i, e := range events {
			t.Run(e.name, func(t *testing.T) {
				r := h.reader(fmt.Sprintf("READER%02d", i))
				subject := strings.ReplaceAll(e.subject, "{Login}", r.login)
				to := []string{r.profile, r.own, r.before}
				if e.also != nil {
					to = append(to, e.also(r))
				}
				before := map[string]int{}
				for _, a := range to {
					before[a] = len(h.Mail(a))
				}
				e.does(h, r)
				for _, a := range to {
					if got := h.news(a, before[a]); !slices.Contains(got, subject) {
						t.Errorf("%s was told %q, want %q", a, got, subject)
					}
					wantLetter(t, h, a, subject)
				}
			})
		}
	})
}

// A reader is an administrator with three addresses: the profile's, one of their own for two-factor
// authentication, and one that the profile had before.
type reader struct {
	login, profile, own, before string
	b                           *Browser
}

func (h *App) reader(login string) reader {
	h.T.Helper()
	low := strings.ToLower(login)
	r := reader{login: login, profile: low + "@demo.example", own: low + "@mail.example", before: low + "@before.example", b: h.Browser("192.0.2.10", Chrome)}
	h.AddUser(admin.NewUser{Login: login, Name: "Rita Reader", Email: r.before, Rights: []countersign.Right{countersign.RightAudit}})
	r.b.SignIn(login)
	r.b.Post("/set-up/email", "email", r.own)
	r.b.Post("/set-up/email/token", "token", h.Token(r.own))
	key := r.b.Get("/set-up/app").Key()
	r.b.Post("/set-up/app", "token", h.AppToken(key))
	r.b.Get("/set-up")
	r.b.Post("/set-up/skip")
	r.b.Post("/set-up/default", "default", "email")
	if _, err := h.Admin.EditUser(context.Background(), h.Visit(), Operator, login, admin.Change{Version: admin.AnyVersion, Email: &r.profile}); err != nil {
		h.T.Fatal(err)
	}
	return r
}

var (
	timeSaid = regexp.MustCompile(`Time: November \d+, 2026 at \d+:\d\d [AP]M UTC`)
	linkSaid = regexp.MustCompile(`https?://[^\s"<]+`)
)

// wantLetter checks what NT-02 requires of every notice.
func wantLetter(t *testing.T, h *App, to, subject string) {
	t.Helper()
	for _, m := range h.Mail(to) {
		if m.Subject != subject {
			continue
		}
		if !timeSaid.MatchString(m.Text) || !strings.Contains(m.Text, "If ") || !strings.Contains(m.Text, "Nobody will ever ask you for a token") {
			t.Errorf("the letter lacks the time or what to do:\n%s", m.Text)
		}
		if sixDigits.MatchString(m.Text) {
			t.Errorf("the letter has a token in it:\n%s", m.Text)
		}
		for _, link := range linkSaid.FindAllString(m.Text+m.HTML, -1) {
			if u, err := url.Parse(link); err != nil || u.Path != "/not-me" {
				t.Errorf("the letter leads to %s", link)
			}
		}
		return
	}
}

// RS-06, ER-05: an administrator who changes the address, resets, and lets the user set up again
// can't do so unnoticed: each step is mailed to the old address, the new one and every
// administrator, and the user's page shows all steps. The bypass itself is mailed too.
func TestChainOfChangesIsTold(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("CBILLS", countersign.RightAudit)
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		office := h.Browser("192.0.2.11", Chrome)
		office.Enroll("ADMIN")
		all := []string{"bsmith@demo.example", "thief@mail.example", "admin@demo.example", "cbills@demo.example"}
		told := func(what string, does func(), subjects ...string) {
			t.Helper()
			before := map[string]int{}
			for _, a := range all {
				before[a] = len(h.Mail(a))
			}
			does()
			for _, a := range all {
				got := h.news(a, before[a])
				if !slices.ContainsFunc(subjects, func(s string) bool { return slices.Contains(got, s) }) {
					t.Errorf("%s: %s was told %q", what, a, got)
				}
			}
		}
		told("the address", func() {
			office.Get("/admin/users/BSMITH/edit")
			office.Post("/admin/users/BSMITH/edit", "name", "Bob Smith", "email", "thief@mail.example", "phone", "", "version", office.page.Value("version"), "reason", "new address")
		}, "The email address of BSMITH for Agency Integrator was changed")
		h.Pass(time.Hour)
		office.SignIn("ADMIN")
		office.Get("/admin/users/BSMITH/reset-two-factor")
		told("the reset", func() {
			office.Post("/admin/users/BSMITH/reset-two-factor", "reason", "lost phone")
			office.Confirm("admin@demo.example")
		}, "Your two factor authentication for Agency Integrator was reset", "Ann Admin (ADMIN) reset two factor authentication of BSMITH (Agency Integrator)")
		thief := h.Browser("203.0.113.9", Chrome)
		told("the new method", func() {
			wantSetUp(t, thief.SignIn("BSMITH"))
			thief.Post("/set-up/email", "email", "thief@mail.example")
			thief.Post("/set-up/email/token", "token", h.Token("thief@mail.example"))
		}, "A method was added for Agency Integrator", "BSMITH set up two factor authentication, and the email address was changed shortly before (Agency Integrator)")
		if got := h.Subjects("bsmith@demo.example"); !slices.Contains(got, "Set-up was opened for Agency Integrator with your password alone") {
			t.Errorf("the bypass was not told: %q", got)
		}
		thief.Post("/set-up/skip")
		h.Pass(time.Minute)
		story := office.Get("/admin/users/BSMITH").Text()
		at := -1
		for _, line := range []string{"Set-up was completed.", "ADMIN reset two factor authentication. Reason given: lost phone.",
			"Email address: bsmith@demo.example → thief@mail.example. Reason given: new address."} {
			next := strings.Index(story, line)
			if next <= at {
				t.Errorf("the story lacks %q in its place: %s", line, story)
			}
			at = next
		}
		before := len(h.Mail("bsmith@demo.example"))
		h.Pass(72 * time.Hour)
		h.reset("BSMITH")
		if got := h.news("bsmith@demo.example", before); len(got) != 0 {
			t.Errorf("three days later the old address is still told %q", got)
		}
	})
}

// RS-06: one change that disables a user and changes their address and number is mailed completely:
// to the old address, and about the address to every administrator.
func TestDisabledAndMovedAtOnce(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		off, email, phone := true, "thief@mail.example", "6145550188"
		_, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, "BSMITH",
			admin.Change{Version: admin.AnyVersion, Disabled: &off, Email: &email, Mobile: &phone, Reason: "left"})
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range []string{bsmith, email} {
			for _, s := range []string{"Your user ID for Agency Integrator was disabled", "The email address of BSMITH for Agency Integrator was changed",
				"The mobile phone of BSMITH for Agency Integrator was changed"} {
				if countSubjects(h, to, s) != 1 {
					t.Errorf("%s was not told %q once: %q", to, s, h.Subjects(to))
				}
			}
		}
		if countSubjects(h, "admin@demo.example", "The email address of BSMITH for Agency Integrator was changed") != 1 {
			t.Errorf("the administrator: %q", h.Subjects("admin@demo.example"))
		}
	})
}
