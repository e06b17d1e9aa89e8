package apptest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/store"
)

// A standing is what one user has: everything that an event may clear.
type standing struct {
	Methods  string // by method, sorted
	Address  string // the address verified for two-factor authentication
	Codes    int    // recovery codes left
	Devices  int    // remembered
	Sessions int    // live
	Pending  int    // sign-ins, set-ups and step-ups under way
}

func (h *App) standing(login string) (s standing) {
	h.T.Helper()
	ctx := context.Background()
	err := h.DB.Read(ctx, h.Agency.ID, func(tx *store.Tx) error {
		u, err := tx.UserByLogin(ctx, login)
		if err != nil {
			return err
		}
		factors, err := tx.Factors(ctx, u.ID)
		if err != nil {
			return err
		}
		has := map[countersign.Method]bool{}
		for _, f := range factors {
			has[f.Method] = true
			if f.Method == countersign.MethodEmail {
				s.Address = f.Address
			}
		}
		for _, m := range []countersign.Method{countersign.MethodEmail, countersign.MethodApp, countersign.MethodSMS} {
			if has[m] {
				s.Methods = strings.TrimSpace(s.Methods + " " + string(m))
			}
		}
		codes, err := tx.RecoveryCodes(ctx, u.ID)
		if err != nil {
			return err
		}
		s.Codes = codes.Left
		devices, err := tx.Devices(ctx, u.ID)
		if err != nil {
			return err
		}
		for _, d := range devices {
			if !d.Proved.IsZero() {
				s.Devices++
			}
		}
		sessions, err := tx.Sessions(ctx, u.ID, h.Now(), h.Now().Add(-time.Hour))
		if err != nil {
			return err
		}
		s.Sessions = len(sessions)
		s.Pending, err = tx.CountEnrollments(ctx, u.ID, h.Now())
		return err
	})
	if err != nil {
		h.T.Fatal(err)
	}
	return s
}

// A tenant is a user with all that an event may clear: two methods, eight codes, two remembered
// devices with a session each, and a sign-in in progress in a third browser.
type tenant struct {
	login         string
	email         string
	first, second *Browser
	third         *Browser // waits for its token
	codes         []string
}

func (h *App) tenant(login string) tenant {
	h.T.Helper()
	h.User(login)
	t := tenant{login: login, email: strings.ToLower(login) + "@demo.example", first: h.Browser("192.0.2.10", Chrome), second: h.Browser("192.0.2.11", Edge)}
	t.first.EnrollApp(login, "email")
	t.second.SignIn(login)
	t.second.Post("/sign-in/token", "token", h.Token(t.email))
	t.codes = recoveryCodes(t.first)
	t.third = h.Browser("192.0.2.12", SafariMac)
	t.third.SignIn(login)
	return t
}

// A clearing is an event that clears something: the action, and what the user has afterwards.
type clearing struct {
	name string
	does func(h *App, t tenant)
	want func(s standing, t tenant) standing
}

// clearings lists the events that clear something.
func clearings() []clearing {
	edit := func(h *App, login string, c admin.Change) {
		h.T.Helper()
		c.Version = admin.AnyVersion
		if _, err := h.Admin.EditUser(context.Background(), h.Visit(), Operator, login, c); err != nil {
			h.T.Fatal(err)
		}
	}
	text := func(s string) *string { return &s }
	off := true
	return []clearing{
		{"nothing", func(*App, tenant) {}, func(s standing, _ tenant) standing { return s }},
		{"reset by oneself: this browser may only set up", func(h *App, t tenant) {
			t.first.Get("/profile/reset-two-factor")
			wantAt(h.T.(*testing.T), t.first.Post("/profile/reset-two-factor", "password", Password), 200, "/set-up/email")
		}, func(standing, tenant) standing { return standing{Pending: 1} }},
		{"reset by an administrator", func(h *App, t tenant) { h.reset(t.login) }, func(standing, tenant) standing { return standing{} }},
		{"profile email changed by an administrator", func(h *App, t tenant) { edit(h, t.login, admin.Change{Email: text("new-" + t.email)}) },
			func(s standing, _ tenant) standing { s.Devices, s.Pending = 0, 0; return s }},
		{"profile number changed by an administrator", func(h *App, t tenant) { edit(h, t.login, admin.Change{Mobile: text("6145550188")}) },
			func(s standing, _ tenant) standing { s.Devices, s.Pending = 0, 0; return s }},
		{"address for two factor changed", func(h *App, t tenant) {
			t.first.Get("/profile")
			t.first.Post("/profile/setup-two-factor")
			t.first.Get("/set-up/email")
			t.first.Post("/set-up/email", "email", "other-"+t.email)
			t.first.Post("/set-up/email/token", "token", h.Token("other-"+t.email))
		}, func(s standing, t tenant) standing { s.Devices, s.Address = 0, "other-"+t.email; return s }}, // pending: the set-up itself
		{"method added", func(h *App, t tenant) {
			t.first.Get("/profile")
			t.first.Post("/profile/setup-two-factor")
			h.Browser("192.0.2.13", SafariMac).SignIn(t.login)
			t.first.Get("/set-up/sms")
			t.first.Post("/set-up/sms", "phone", "6145550112")
			t.first.Post("/set-up/sms/token", "token", h.Token("+16145550112"))
		}, func(s standing, _ tenant) standing { s.Methods = "email app sms"; return s }},
		{"method removed", func(h *App, t tenant) {
			t.first.Get("/profile")
			t.first.Post("/profile/methods/remove", "method", "app")
		}, func(s standing, _ tenant) standing { s.Methods, s.Devices, s.Pending = "email", 0, 0; return s }},
		{"Default changed only", func(h *App, t tenant) {
			t.first.Get("/profile")
			t.first.Post("/profile/default", "default", "app")
		}, func(s standing, _ tenant) standing { s.Pending = 0; return s }},
		{"recovery code used: a session more, no device more", func(h *App, t tenant) {
			b := h.Browser("192.0.2.14", Chrome)
			b.SignIn(t.login)
			b.Post("/sign-in/other-way", "method", "recovery")
			b.Post("/sign-in/token", "recovery_code", t.codes[0])
		}, func(s standing, _ tenant) standing { s.Codes, s.Sessions, s.Pending = 7, 3, 0; return s }},
		{"sign out", func(_ *App, t tenant) { t.first.SignOut() }, func(s standing, _ tenant) standing { s.Sessions = 1; return s }},
		{"sign out and forget", func(_ *App, t tenant) {
			t.first.Get("/")
			t.first.Post("/sign-out", "forget_device", "yes")
		}, func(s standing, _ tenant) standing { s.Sessions, s.Devices = 1, 1; return s }},
		{"user disabled", func(h *App, t tenant) { edit(h, t.login, admin.Change{Disabled: &off}) },
			func(s standing, _ tenant) standing { s.Devices, s.Sessions, s.Pending = 0, 0, 0; return s }},
		{"right gained", func(h *App, t tenant) {
			edit(h, t.login, admin.Change{AddRights: []countersign.Right{countersign.RightAudit}})
		},
			func(s standing, _ tenant) standing { s.Devices = 0; return s }},
		{"a sign-in disowned", func(h *App, t tenant) {
			path, handle := newest(h, t.email)
			reader := h.Browser("192.0.2.15", Edge)
			reader.Get(path)
			reader.Post("/not-me", "link", handle)
		}, func(s standing, _ tenant) standing { s.Devices, s.Sessions = 1, 1; return s }},
		{"frequency lowered", func(h *App, _ tenant) { h.Set("2FAFREQUENCY", "3") }, func(s standing, _ tenant) standing { return s }},
		{"frequency 0", func(h *App, _ tenant) { h.Set("2FAFREQUENCY", "0"); h.Set("2FAFREQUENCY", "7") },
			func(s standing, _ tenant) standing { s.Devices = 0; return s }},
		{"2FA Off", func(h *App, _ tenant) { h.Set("2FA", "Off") }, func(s standing, _ tenant) standing { s.Devices, s.Pending = 0, 0; return s }},
	}
}

// RS-05, DV-06: what each event clears, and what it keeps.
func TestWhatEachEventClears(t *testing.T) {
	full := func(t tenant) standing {
		return standing{Methods: "email app", Address: t.email, Codes: 8, Devices: 2, Sessions: 2, Pending: 1}
	}
	Each(t, func(t *testing.T, h *App) {
		h.T = t
		h.Administrator()
		other := h.tenant("OTHER")
		for i, e := range clearings() {
			who := h.tenant(fmt.Sprintf("USER%02d", i))
			if got := h.standing(who.login); got != full(who) {
				t.Fatalf("%s: before it stands %+v, want %+v", e.name, got, full(who))
			}
			e.does(h, who)
			if got, want := h.standing(who.login), e.want(full(who), who); got != want {
				t.Errorf("%s: got %+v, want %+v", e.name, got, want)
			}
			if strings.HasPrefix(e.name, "frequency 0") || strings.HasPrefix(e.name, "2FA") {
				continue // affects all users
			}
			if got := h.standing(other.login); got != full(other) {
				t.Errorf("%s: another user stands %+v, want %+v", e.name, got, full(other))
			}
		}
	})
}

// The pages before a reset count what it will remove, recovery codes too.
func TestPagesBeforeAResetCount(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		bob := h.tenant("BSMITH")
		wantAt(t, bob.first.Get("/profile/reset-two-factor"), 200, "/profile/reset-two-factor",
			"Your methods, recovery codes and 2 remembered devices are removed.", "This session and 1 other session end.")
		h.Administrator()
		b := h.Browser("192.0.2.20", Chrome)
		b.Enroll("ADMIN")
		const page = "/admin/users/BSMITH/reset-two-factor"
		wantAt(t, b.Get(page), 200, page, "2 methods, 8 recovery codes and 2 remembered devices are removed, and 2 sessions end.")
		h.reset("BSMITH")
		if _, err := h.Admin.IssueEnrollmentCode(t.Context(), h.Visit(), Operator, "BSMITH", "no mailbox"); err != nil {
			t.Fatal(err)
		}
		wantAt(t, b.Get(page), 200, page, "There is no method, device or session to remove.", "Their enrollment code no longer works.")
	})
}
