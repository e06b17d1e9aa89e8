package apptest

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/store"
)

// TestMain checks after all tests that every event of the catalog has occurred (AU-01). It does not
// check a run of some tests only.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if only := flag.Lookup("test.run"); code == 0 && only.Value.String() == "" && flag.Lookup("test.list").Value.String() == "" {
		for _, a := range countersign.Actions {
			if _, ok := happened.Load(a.Name); !ok {
				fmt.Printf("FAIL: no test of this package made %q happen: let one do what it tells of (%s), through the real handlers\n", a.Name, a.Means)
				code = 1
			}
		}
	}
	os.Exit(code)
}

// act is one scripted action, and the audit row that it must write.
type act struct {
	action string
	do     func()
	want   countersign.Event // fields that are not empty must be in the row
	quiet  bool              // by the operator: no browser
}

// AU-01: the documented events are produced by users and the operator, each with its agency, actor,
// subject, method, result, reason, address, browser, system and request.
func TestEveryDocumentedEventIsProduced(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		admin := h.Browser("192.0.2.30", SafariMac)
		plain := h.Browser("192.0.2.40", Edge)
		var key, last string
		invited := h.invitedUser("JJONES")
		token := func() string { return h.Token("bsmith@demo.example") }
		later := func() { h.Pass(6 * time.Minute) }
		for _, a := range []act{
			{"user.added", func() { h.User("BSMITH"); h.User("CBILLS") }, countersign.Event{Actor: "operator", Subject: "CBILLS"}, true},
			{"user.activation_sent", func() {}, countersign.Event{Actor: "operator", Subject: "JJONES"}, true},
			{"password.chosen", func() { invited(plain) }, countersign.Event{Actor: "JJONES", Subject: "JJONES"}, false},
			{"sign-in.password", func() { b.SignInWith("BSMITH", "wrong password, certainly") }, countersign.Event{Subject: "BSMITH", Result: "refused", Reason: "password.wrong"}, false},
			{"set-up.opened", func() { b.SignIn("BSMITH") }, countersign.Event{Actor: "BSMITH", Subject: "BSMITH"}, false},
			{"token.sent", func() { b.Post("/set-up/email", "email", "bsmith@demo.example") }, countersign.Event{Subject: "BSMITH", Method: "email"}, false},
			{"method.added", func() {
				b.Post("/set-up/email/token", "token", token())
				key = b.Get("/set-up/app").Key()
				b.Post("/set-up/app", "token", h.AppToken(key))
			}, countersign.Event{Subject: "BSMITH", Method: "app"}, false},
			{"set-up.completed", func() {
				b.Get("/set-up")
				b.Post("/set-up/skip")
				b.Post("/set-up/default", "default", "email")
			}, countersign.Event{Subject: "BSMITH"}, false},
			{"sign-in.completed", func() {}, countersign.Event{Subject: "BSMITH", Actor: "BSMITH"}, false},
			{"session.signed_out", func() { b.SignOut() }, countersign.Event{Subject: "BSMITH"}, false},
			{"sign-in.token_asked", func() { b.Forget(); b.SignIn("BSMITH"); last = token() }, countersign.Event{Subject: "BSMITH"}, false},
			{"token.wrong", func() { b.Post("/sign-in/token", "token", otherThan(last)) }, countersign.Event{Subject: "BSMITH", Method: "email", Result: "refused", Reason: "token.wrong"}, false},
			{"sign-in.other_way", func() { b.Get("/sign-in/other-way"); b.Post("/sign-in/other-way", "method", "app") }, countersign.Event{Subject: "BSMITH", Method: "app"}, false},
			{"sign-in.cancelled", func() { b.Post("/sign-in/cancel") }, countersign.Event{Subject: "BSMITH"}, false},
			{"sign-in.third_failure", func() {
				later()
				b.SignIn("BSMITH")
				for range 3 {
					b.Post("/sign-in/token", "token", otherThan(token()))
				}
			}, countersign.Event{Subject: "BSMITH", Result: "refused"}, false},
			{"step-up.asked", func() {
				h.Pass(2 * time.Hour)
				b.SignIn("BSMITH")
				b.Post("/sign-in/token", "token", token())
				later()
				b.Get("/profile")
				b.Post("/profile/default", "default", "app")
			}, countersign.Event{Subject: "BSMITH"}, false},
			{"step-up.completed", func() { b.Post("/step-up", "token", token()) }, countersign.Event{Subject: "BSMITH"}, false},
			{"method.default", func() {}, countersign.Event{Subject: "BSMITH", Method: "app"}, false},
			{"method.removed", func() { b.Get("/profile"); b.Post("/profile/methods/remove", "method", "app") }, countersign.Event{Subject: "BSMITH", Method: "app"}, false},
			{"device.forgotten", func() { b.Get("/profile"); b.Post("/profile/devices/forget") }, countersign.Event{Subject: "BSMITH"}, false},
			{"session.ended", func() { b.Get("/profile"); b.Post("/profile/sessions/end-others") }, countersign.Event{Subject: "BSMITH"}, false},
			{"user.changed", func() {
				admin.Enroll("ADMIN")
				p := admin.Get("/admin/users/CBILLS/edit")
				admin.Post("/admin/users/CBILLS/edit", "name", "Carol B. Bills", "email", "cbills@demo.example", "version", p.Value("version"))
			}, countersign.Event{Actor: "ADMIN", Subject: "CBILLS"}, false},
			{"set-up.invited", func() { admin.Get("/admin/users/CBILLS"); admin.Post("/admin/users/CBILLS/setup-two-factor") }, countersign.Event{Actor: "ADMIN", Subject: "CBILLS"}, false},
			{"two-factor.reset", func() {
				admin.Get("/admin/users/CBILLS")
				admin.Post("/admin/users/CBILLS/reset-two-factor", "reason", "phone lost")
			}, countersign.Event{Actor: "ADMIN", Subject: "CBILLS", Reason: "phone lost"}, false},
			{"sign-in.refused", func() { h.Pass(25 * time.Hour); plain.Forget(); plain.SignIn("CBILLS") }, countersign.Event{Subject: "CBILLS", Result: "refused"}, false},
			{"right.refused", func() {
				b.Forget()
				b.SignIn("BSMITH")
				b.Post("/sign-in/token", "token", token())
				b.Get("/admin/users")
			},
				countersign.Event{Actor: "BSMITH", Result: "refused"}, false},
			{"preference.changed", func() { h.Set("2FAFREQUENCY", "0") }, countersign.Event{Actor: "operator", Subject: "2FAFREQUENCY", Reason: "a test"}, true},
			{"device.all_forgotten", func() {}, countersign.Event{Actor: "operator"}, true},
			{"session.all_ended", func() { h.save(endingSessions("2FAFREQUENCY", "7")) }, countersign.Event{Actor: "operator"}, true},
			{"device.copied", func() { h.copied("CBILLS") }, countersign.Event{Subject: "CBILLS", Result: "refused"}, false},
			{"secret.broken", func() { h.moved("CBILLS"); b.SignIn("CBILLS") }, countersign.Event{Subject: "CBILLS", Result: "refused"}, false},
			{"agency.renamed", func() { h.rename() }, countersign.Event{Actor: "operator", Subject: "DEMO"}, true},
			{"agency.changed", func() { h.editAgency() }, countersign.Event{Actor: "operator", Subject: "DEMO"}, true},
			{"agency.added", func() {}, countersign.Event{Actor: "operator", Subject: "DEMO"}, true},
			{"first-administrator.link", func() { h.firstLink() }, countersign.Event{Actor: "operator"}, true},
			{"audit.exported", func() { h.export() }, countersign.Event{Actor: "operator"}, true},
			{"dkim.key_made", func() { h.mailKey() }, countersign.Event{Actor: "operator"}, true},
			{"dkim.signs", func() {}, countersign.Event{Actor: "operator"}, true},
			{"key.rotated", func() { h.rotated() }, countersign.Event{Actor: "operator", Reason: "seals"}, true},
		} {
			a.do()
			if wrong := h.check(a); wrong != "" {
				t.Errorf("%s: %s", a.action, wrong)
			}
		}
	})
}

// check says what is wrong with the newest row of an action.
func (h *App) check(a act) string {
	var events []countersign.Event
	ctx := context.Background()
	all, err := h.DB.Agencies(ctx)
	if err != nil {
		h.T.Fatal(err)
	}
	for _, agency := range all {
		err := h.DB.Read(ctx, agency.ID, func(tx *store.Tx) error {
			some, err := tx.FindEvents(ctx, countersign.EventQuery{Action: a.action, Limit: 1000})
			events = append(events, some...)
			return err
		})
		if err != nil {
			h.T.Fatal(err)
		}
	}
	want := a.want
	if want.Result == "" {
		want.Result = "ok"
	}
	i := slices.IndexFunc(events, func(e countersign.Event) bool {
		return e.Result == want.Result && (want.Actor == "" || e.Actor == want.Actor) && (want.Subject == "" || e.Subject == want.Subject) &&
			(want.Method == "" || e.Method == want.Method) && (want.Reason == "" || e.Reason == want.Reason)
	})
	if i < 0 {
		return fmt.Sprintf("no row is like %+v; there are %+v", want, events)
	}
	if e := events[i]; !a.quiet && (e.At.IsZero() || !e.Client.IP.IsValid() || e.Client.Browser == "" || e.Client.OS == "" || e.Request == "") {
		return fmt.Sprintf("the row does not say when, from where, with what browser and in which request: %+v", e)
	}
	return ""
}

// invitedUser adds a user without a password. The returned function chooses one with the mailed link.
func (h *App) invitedUser(login string) func(*Browser) {
	h.T.Helper()
	to := strings.ToLower(login) + "@demo.example"
	_, err := h.Admin.AddUser(h.T.Context(), h.Visit(), Operator, admin.NewUser{Login: login, Name: "Jim Jones", Email: to})
	if err != nil {
		h.T.Fatal(err)
	}
	return func(b *Browser) {
		h.T.Helper()
		for _, m := range h.Mail(to) {
			for word := range strings.FieldsSeq(m.Text) {
				if u, err := url.Parse(word); err == nil && u.Path == "/welcome" {
					b.Get(u.RequestURI())
					b.Post(u.RequestURI(), "link", u.Query().Get("link"), "new_password", Password)
					return
				}
			}
		}
		h.T.Fatal("no link was mailed")
	}
}

// endingSessions is a change that ends all sessions.
func endingSessions(code, value string) admin.PreferenceChange {
	return admin.PreferenceChange{Code: code, Value: value, Version: admin.AnyVersion, Reason: "a test", EndSessions: true}
}

func (h *App) save(s admin.PreferenceChange) {
	h.T.Helper()
	if _, err := h.Admin.SetPreference(h.T.Context(), h.Visit(), Operator, s); err != nil {
		h.T.Fatal(err)
	}
}

// copied uses a user's device cookie in another browser and system.
func (h *App) copied(login string) {
	h.T.Helper()
	if _, err := h.Admin.ResetTwoFactor(h.T.Context(), h.Visit(), Operator, login, "a test"); err != nil {
		h.T.Fatal(err)
	}
	b := h.Browser("192.0.2.50", Chrome)
	b.Enroll(login)
	b.SignOut()
	thief := b.Copy("198.51.100.7", SafariMac)
	thief.SignIn(login)
	thief.Post("/sign-in/token", "token", h.Token(strings.ToLower(login)+"@demo.example"))
}

func (h *App) rename() {
	h.T.Helper()
	a := h.Agency
	if _, err := h.Admin.RenameAgency(h.T.Context(), h.Now(), a.ID, a.Code, a.Name, a.Product); err != nil {
		h.T.Fatal(err)
	}
}

func (h *App) editAgency() {
	h.T.Helper()
	zone := ""
	if _, err := h.Admin.EditAgency(h.T.Context(), h.Now(), h.Agency.ID, admin.AgencyChange{Zone: &zone}, ""); err != nil {
		h.T.Fatal(err)
	}
}

// firstLink runs the first start of an agency without an administrator.
func (h *App) firstLink() {
	h.T.Helper()
	a, err := h.Admin.AddAgency(h.T.Context(), h.Now(), countersign.Agency{Code: "FRESH", Name: "Fresh Agency", Hosts: []string{"login.fresh.example"}})
	if err != nil {
		h.T.Fatal(err)
	}
	if handle, err := h.Admin.FirstAdministrator(h.T.Context(), countersign.Visit{Agency: a, Now: h.Now()}); err != nil || handle == "" {
		h.T.Fatalf("the link is %q: %v", handle, err)
	}
}

func (h *App) export() {
	h.T.Helper()
	rows := 0
	err := h.Admin.ExportEvents(h.T.Context(), h.Visit(), Operator, countersign.EventQuery{}, func(countersign.Event) error { rows++; return nil })
	if err != nil || rows < 20 {
		h.T.Fatalf("%d rows were exported: %v", rows, err)
	}
}

func (h *App) mailKey() {
	h.T.Helper()
	k, err := h.Admin.NewDKIMKey(h.T.Context(), h.Visit(), Operator, "demo.example")
	if err == nil {
		err = h.Admin.SignWith(h.T.Context(), h.Visit(), Operator, k.Domain, k.Selector)
	}
	if err != nil {
		h.T.Fatal(err)
	}
}

func (h *App) rotated() {
	h.T.Helper()
	if err := h.Admin.KeyRotated(h.T.Context(), h.Visit(), Operator, "seals", h.Master.Sealing()); err != nil {
		h.T.Fatal(err)
	}
}
