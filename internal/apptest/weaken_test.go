package apptest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/outbox"
)

// RS-08: Off requires a reason and a step-up, is mailed to every administrator, and every page of
// administration has a banner with who, when and why.
func TestOffIsHard(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("JJONES", countersign.RightAudit)
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		h.Pass(50 * time.Minute)
		b.Get("/admin/system/preferences?edit=2FA")
		wantAt(t, b.Post("/admin/system/preferences", "code", "2FA", "value", "Off", "step", "save"), 422, "/admin/system/preferences", "Write a reason.")
		wantAt(t, b.Post("/admin/system/preferences", "code", "2FA", "value", "Off", "step", "save", "reason", "mail server move"), 200, "/step-up", "save new Preferences")
		if b.Do("GET", "/admin/users", nil); strings.Contains(b.Get("/admin/users").Text(), "is Off") {
			t.Fatal("Off before the token")
		}
		b.Get("/step-up")
		wantAt(t, b.Confirm("admin@demo.example"), 200, "/admin/system/preferences", "2FA is set to Off.")
		for _, to := range []string{"admin@demo.example", "jjones@demo.example"} {
			if !slices.ContainsFunc(h.Mail(to), func(m outbox.Mail) bool {
				return strings.Contains(m.Text, "mail server move") && strings.Contains(m.Text, "Ann Admin")
			}) {
				t.Errorf("%s was not told: %q", to, h.Subjects(to))
			}
		}
		if slices.ContainsFunc(h.Mail("bsmith@demo.example"), func(m outbox.Mail) bool { return strings.Contains(m.Text, "mail server move") }) {
			t.Error("a user without a right got the mail")
		}
		for _, path := range []string{"/admin/system/preferences", "/admin/system/preferences?edit=2FA", "/admin/users", "/admin/users/new", "/admin/users/BSMITH",
			"/admin/users/BSMITH/edit", "/admin/users/BSMITH/reset-two-factor"} {
			if p := b.Get(path); !p.Says("Two factor authentication is Off since today at 2:50 PM, by ADMIN.", `Reason given: "mail server move".`) {
				t.Errorf("%s: no banner with who, when and why: %s", path, p.Text())
			}
		}
		if b.Get("/profile").Says("is Off since") {
			t.Error("the banner stands outside of administration")
		}
	})
}

// RS-08: a longer frequency requires a step-up and is mailed to every administrator; a shorter one
// is not mailed.
func TestLongerFrequencyIsTold(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("JJONES", countersign.RightAudit)
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		h.Pass(50 * time.Minute)
		b.Get("/admin/system/preferences?edit=2FAFREQUENCY")
		wantAt(t, b.Post("/admin/system/preferences", "code", "2FAFREQUENCY", "value", "30", "step", "save"), 200, "/step-up")
		wantAt(t, b.Confirm("admin@demo.example"), 200, "/admin/system/preferences", "2FAFREQUENCY is set to 30.")
		mail := func(to string) int {
			return len(slices.DeleteFunc(slices.Clone(h.Mail(to)), func(m outbox.Mail) bool { return !strings.Contains(m.Text, "2FAFREQUENCY") }))
		}
		if mail("jjones@demo.example") != 1 || mail("admin@demo.example") != 1 {
			t.Errorf("told: %q, %q", h.Subjects("jjones@demo.example"), h.Subjects("admin@demo.example"))
		}
		b.Get("/admin/system/preferences?edit=2FAFREQUENCY")
		b.Post("/admin/system/preferences", "code", "2FAFREQUENCY", "value", "3", "step", "save")
		if mail("jjones@demo.example") != 1 {
			t.Errorf("a shorter frequency was told: %q", h.Subjects("jjones@demo.example"))
		}
	})
}

// RS-08: while 2FA is Off the methods are kept, and can't be changed without one of them: not added
// to, not removed, not made Default, not reset.
func TestMethodsWhileOff(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		key := h.Browser("192.0.2.10", Chrome).EnrollApp("BSMITH", "app")
		h.Set("2FA", "Off")
		h.Pass(time.Hour)
		thief := h.Browser("198.51.100.7", Chrome)
		wantIn(t, thief.SignIn("BSMITH"), "BSMITH") // only the password is required while it is Off
		for path, fields := range map[string][]string{
			"/profile/setup-two-factor": nil, "/profile/methods/remove": {"method", "app"}, "/profile/default": {"default", "email"},
			"/profile/reset-two-factor": {"password", Password}, "/profile/email": {"email", "thief@elsewhere.example"}, "/profile/phone": {"phone", "6145550119"},
		} {
			thief.Get("/profile")
			wantAt(t, thief.Post(path, fields...), 200, "/step-up", "Open your authenticator app")
		}
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		b.Get("/profile")
		b.Post("/profile/default", "default", "email")
		wantAt(t, b.Post("/step-up", "token", h.AppToken(key)), 200, "/profile", "Email is your Default. From your next sign-in tokens go to bsmith@demo.example. All your addresses were told.")
	})
}

// DV-07: the frequency applies to administrators too, unless 2FAADMINALWAYS is On: then they need a
// token at every sign-in, and earn no trust.
func TestAdministratorsAlways(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("ADMIN", countersign.RightAudit) // any right makes an administrator
		agent, ann := h.Browser("192.0.2.10", Chrome), h.Browser("192.0.2.20", Chrome)
		agent.Enroll("BSMITH")
		ann.Enroll("ADMIN")
		again := func(b *Browser, login string) *Page {
			h.Pass(time.Hour)
			b.SignOut()
			return b.SignIn(login)
		}
		wantIn(t, again(ann, "ADMIN"), "ADMIN") // Off by default
		h.Set("2FAADMINALWAYS", "On")
		wantIn(t, again(agent, "BSMITH"), "BSMITH")
		for range 2 {
			p := again(ann, "ADMIN")
			wantToken(t, p)
			wantIn(t, ann.Post("/sign-in/token", "token", h.Token("admin@demo.example")), "ADMIN")
		}
		h.Set("2FAADMINALWAYS", "Off")
		h.Set("2FAADMINALWAYS", "On")
		h.edit(t, "BSMITH", admin.Change{AddRights: []countersign.Right{countersign.RightReset}})
		wantToken(t, again(agent, "BSMITH")) // a right was granted
	})
}
