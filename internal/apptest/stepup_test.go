package apptest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/policy"
	"countersign/internal/web"
)

const wordingPath = "/admin/messages/wording"

// plausible is a form that each page would accept, were it not for the step-up: by path, and for
// all others the fields below "".
var plausible = map[string]url.Values{
	"": {"device": {"d"}, "session": {"s"}, "method": {"sms"}, "default": {"email"}, "reason": {"a test"}, "token": {"000000"}, "password": {Password},
		"new_password": {"a much longer horse battery"}, "email": {"new@demo.example"}, "phone": {"6145550119"}, "name": {"Bob Smith"}, "user_id": {"BSMITH"}},
	"/admin/system/preferences":     {"code": {"2FAFREQUENCY"}, "value": {"30"}, "step": {"save"}},
	"/profile/recovery-codes":       {"make": {"yes"}},
	"/admin/users/new":              {"user_id": {"NEWBIE"}, "name": {"New Bee"}, "email": {"newbie@demo.example"}},
	"/admin/messages/test":          {"to": {"bob@demo.example"}},
	wordingPath:                     {"product": {"Policy Desk"}},
	wordingPath + "/token":          {"subject": {"Hello"}, "body": {"Yours: {token}"}},
	wordingPath + "/token-sms":      {"body": {"Yours: {token}"}},
	wordingPath + "/activation":     {"subject": {"Hello"}, "body": {"Yours: {link}"}},
	wordingPath + "/invitation":     {"subject": {"Hello"}, "body": {"Please set up."}},
	wordingPath + "/password-reset": {"subject": {"Hello"}, "body": {"Yours: {link}"}},
	"/admin/users/{id}/edit":        {"name": {"Robert Smith"}, "email": {"robert@demo.example"}, "version": {"1"}},
}

// form returns the plausible form of a route, as it is sent.
func form(route web.Route, token string) url.Values {
	_, path, _ := strings.Cut(route.Pattern, " ")
	fields, ok := plausible[path]
	if !ok {
		fields = plausible[""]
	}
	sent := url.Values{"form_token": {token}}
	for name, values := range fields {
		sent[name] = values
	}
	return sent
}

// place returns a path of a route, with a user ID if it takes one.
func place(route web.Route, login string) string {
	_, path, _ := strings.Cut(route.Pattern, " ")
	return strings.TrimSuffix(strings.ReplaceAll(path, "{id}", login), "{$}")
}

// SE-06: each form of a session is a change behind the step-up, or one of these.
func TestFreeForms(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		free := []string{"POST /profile/notices/seen", "POST /profile/recovery-codes/file", "POST /sign-out", "POST /step-up", "POST /step-up/cancel", "POST /step-up/new", "POST /step-up/other-way"}
		var found []string
		changes := 0
		for _, r := range h.Routes {
			switch {
			case r.Kind == web.RouteFree:
				found = append(found, r.Pattern)
			case r.Kind == web.RouteChange:
				changes++
			case strings.HasPrefix(r.Pattern, "POST /profile"), strings.HasPrefix(r.Pattern, "POST /admin"):
				t.Errorf("%s is a form of a session and asks for no step-up", r.Pattern)
			}
		}
		slices.Sort(found)
		if !slices.Equal(found, free) {
			t.Errorf("free of a step-up are %q, which should be %q", found, free)
		}
		if changes < 15 {
			t.Errorf("%d changes: the table is not the door's", changes)
		}
	})
}

// SE-06, ER-04: on every route that changes something, a session whose proof is five minutes old
// gets a step-up and nothing is changed. No right, no recent activity, no remembered device and no
// password replaces it.
func TestEveryChangeAsksForAStepUp(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		bob := admin.NewUser{Login: "BSMITH", Name: "Bob Smith", Email: "bsmith@demo.example"} // without a password: they can be sent a link
		if _, err := h.Admin.AddUser(t.Context(), h.Visit(), Operator, bob); err != nil {
			t.Fatal(err)
		}
		h.Administrator()
		h.User("KEEPER", countersign.AgencyRights...) // the last administrator could not reset themselves (RS-07)
		b := h.Browser("192.0.2.10", Chrome)
		b.EnrollApp("ADMIN", "app") // the app: nothing is sent that the quotas count
		look := dumper(t, h)
		h.Pass(policy.StepUpAge)
		stale := map[string]*Browser{"five minutes": b, "remembered": h.again(b, "ADMIN")}
		for _, r := range h.Routes {
			if r.Kind != web.RouteChange {
				continue
			}
			for name, b := range stale {
				token := b.Get("/profile").FormToken()
				before := look()
				p := b.Do("POST", place(r, "BSMITH"), form(r, token))
				if p.Status != 303 || p.Location != "/step-up" {
					t.Errorf("%s, %s: %d %s %s", r.Pattern, name, p.Status, p.Location, p.Text())
				}
				if changed := before.changes(look(), "attempt", "event", "event_head"); len(changed) > 0 {
					t.Errorf("%s, %s: changed %v", r.Pattern, name, changed)
				}
			}
		}
		if p := b.Get("/step-up"); !p.Says("Confirm it is you") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
	})
}

// again signs a user out and in with the password alone, on a remembered device.
func (h *App) again(b *Browser, login string) *Browser {
	h.T.Helper()
	c := h.Browser(b.IP, b.Agent)
	target, _ := url.Parse(publicURL)
	c.jar.SetCookies(target, []*http.Cookie{{Name: "device", Value: b.Cookie("device")}})
	if p := c.SignIn(login); p.Path != "/" {
		h.T.Fatalf("not remembered: %s %s", p.Path, p.Text())
	}
	return c
}

// The methods of the admin service require the step-up themselves, whichever handler calls them: an
// actor with an old proof or an ended session changes nothing.
func TestOfficeAsksItself(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		ann := h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		v := h.Visit()
		v.Session = countersign.Handle(b.Cookie("session"))
		g, err := h.Authn.Authenticate(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		off := true
		act := func(actor countersign.Actor) string {
			_, err := h.Admin.EditUser(t.Context(), h.Visit(), actor, "BSMITH", admin.Change{Version: admin.AnyVersion, Disabled: &off})
			return countersign.CodeOf(err)
		}
		h.Pass(policy.StepUpAge)
		if code := act(g.Actor()); code != "step_up.needed" {
			t.Errorf("a stale session: %q", code)
		}
		if code := act(countersign.Actor{User: ann}); code != "session.ended" {
			t.Errorf("no session: %q", code)
		}
		if code := act(countersign.Actor{User: ann, Session: "of somebody"}); code != "session.ended" {
			t.Errorf("another session: %q", code)
		}
		h.Pass(-time.Millisecond)
		if code := act(g.Actor()); code != "" {
			t.Errorf("within five minutes: %q", code)
		}
	})
}

// A request that waits for a step-up continues by itself with nothing typed lost. Invalid input is
// reported before the token, a conflict after it.
func TestWhatWaitsGoesOn(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		h.Pass(50 * time.Minute)

		b.Get("/admin/users/BSMITH/edit")
		p := b.Post("/admin/users/BSMITH/edit", "name", "", "email", "bsmith@demo.example", "version", "1")
		wantAt(t, p, 422, "/admin/users/BSMITH/edit", "Enter a name.") // no token for this
		p = b.Post("/admin/users/BSMITH/edit", "name", "Robert Smith", "email", "bsmith@demo.example", "phone", "614-555-0119",
			"group", "Agents, Claims", "right", string(countersign.RightAudit), "version", p.Value("version"), "reason", "he asked")
		wantAt(t, p, 200, "/step-up", "You are about to change the user BSMITH")
		wantAt(t, b.Confirm("admin@demo.example"), 200, "/admin/users/BSMITH", "The changes were saved.", "Robert Smith", "614-555-0119", "Agents, Claims", "Admin-Audit")

		h.Pass(50 * time.Minute)
		p = b.Get("/admin/users/BSMITH/edit")
		p = b.Post("/admin/users/BSMITH/edit", "name", "Bobby Smith", "email", "bsmith@demo.example", "version", p.Value("version"))
		wantAt(t, p, 200, "/step-up")
		name := "Rob Smith"
		if _, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, "BSMITH", admin.Change{Version: admin.AnyVersion, Name: &name}); err != nil {
			t.Fatal(err)
		}
		wantAt(t, b.Confirm("admin@demo.example"), 409, "/step-up", "Changed by somebody else in the meantime", "Rob Smith", "Bobby Smith")

		h.Pass(50 * time.Minute)
		b.Get("/admin/users/BSMITH/reset-two-factor")
		wantAt(t, b.Post("/admin/users/BSMITH/reset-two-factor", "reason", " "), 422, "/admin/users/BSMITH/reset-two-factor", "Write a reason.")
		wantAt(t, b.Post("/admin/users/BSMITH/reset-two-factor", "reason", "lost phone"), 200, "/step-up", "reset the two factor authentication of BSMITH")
		if slices.Contains(h.Events("BSMITH"), "two-factor.reset ok") {
			t.Error("the reset was done before the token")
		}
		wantAt(t, b.Confirm("admin@demo.example"), 200, "/admin/users/BSMITH", "Two factor authentication was reset.")

		h.Pass(50 * time.Minute)
		b.Get("/admin/users/BSMITH")
		b.Post("/admin/users/BSMITH/disable")
		wantAt(t, b.Post("/step-up/cancel"), 200, "/admin/users/BSMITH")
		if b.Get("/admin/users/BSMITH").Says("Disabled") {
			t.Error("a cancelled act was done")
		}
	})
}

// A pending request is sealed, limited in size, and holds no password.
func TestWhatWaitsIsBounded(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("KEEPER", countersign.AgencyRights...) // the last administrator could not reset themselves (RS-07)
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		look := dumper(t, h)
		h.Pass(50 * time.Minute)
		b.Get("/admin/users/new")
		long := []string{"user_id", "NEWBIE", "name", "New Bee", "email", "newbie@demo.example"}
		for i := range policy.MaxPendingSize/8000 + 1 {
			long = append(long, fmt.Sprint("x", i), strings.Repeat("x", 8000))
		}
		p := b.Post("/admin/users/new", long...)
		if p.Status != 422 || !p.Says("This is too much to keep while you confirm that it is you") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
		b.Get("/admin/users/new")
		wantAt(t, b.Post("/admin/users/new", "user_id", "NEWBIE", "name", "New Bee", "email", "newbie@demo.example"), 200, "/step-up")
		for _, row := range look()["attempt"] {
			if strings.Contains(row, "NEWBIE") || strings.Contains(row, "4e4557424945") { // in hexadecimal
				t.Errorf("what waits can be read: %s", row)
			}
		}
		b.Get("/profile/reset-two-factor")
		wantAt(t, b.Post("/profile/reset-two-factor", "password", Password), 200, "/step-up")
		v := h.Visit()
		v.Session = countersign.Handle(b.Cookie("session"))
		waits, err := h.SignIn.ViewStepUp(t.Context(), v)
		if err != nil || waits.Attempt.Pending == nil || !waits.Attempt.Pending.Password {
			t.Fatalf("what waits: %+v %v", waits.Attempt.Pending, err)
		}
		for name, values := range waits.Attempt.Pending.Form {
			if name == "password" || slices.Contains(values, Password) {
				t.Errorf("the password waits in the field %s", name)
			}
		}
	})
}

// M24, RS-01: a reset of oneself requires the password, and then a second factor. Neither alone is
// enough, and a form can't claim that the other was given.
func TestOwnResetAsksForBoth(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		b.Get("/profile/reset-two-factor")
		wantAt(t, b.Post("/profile/reset-two-factor", "password", "wrong"), 422, "/profile/reset-two-factor", "That is not your password.") // with a recent proof, without the password
		h.Pass(50 * time.Minute)
		thief := h.again(b, "BSMITH")
		thief.Get("/profile/reset-two-factor")
		wantAt(t, thief.Post("/profile/reset-two-factor", "password", "wrong"), 422, "/profile/reset-two-factor", "That is not your password.")
		wantAt(t, thief.Post("/profile/reset-two-factor", "Password", "true", "proved", "true"), 422, "/profile/reset-two-factor", "Enter your password.")
		wantAt(t, thief.Post("/profile/reset-two-factor", "password", Password), 200, "/step-up", "reset your two factor authentication")
		if slices.Contains(h.Events("BSMITH"), "two-factor.reset ok") {
			t.Fatal("reset with the password alone")
		}
		h.Mail("") // read the thief's token before Bob's own
		h.Pass(time.Minute)
		b.Get("/profile/reset-two-factor")
		b.Post("/profile/reset-two-factor", "password", Password)
		wantSetUp(t, b.Confirm("bsmith@demo.example"))
		if !slices.Contains(h.Events("BSMITH"), "two-factor.reset ok") {
			t.Error("not reset")
		}
	})
}

// RS-08: a user without a verified method types the password again. A user with one must prove it
// although 2FA is Off; the password is not enough.
func TestStepUpWithoutAMethod(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Set("2FA", "")
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("ADMIN")
		h.Pass(policy.StepUpAge)
		b.Get("/admin/system/preferences?edit=SESSIONIDLE")
		p := b.Post("/admin/system/preferences", "code", "SESSIONIDLE", "value", "30", "step", "save")
		wantAt(t, p, 200, "/step-up", "your password is needed once more, because no second factor is set up for you")
		wantAt(t, b.Post("/step-up", "password", "wrong"), 422, "/step-up", "That is not your password. You have 2 tries left.")
		wantAt(t, b.Post("/step-up", "password", Password), 200, "/admin/system/preferences", "SESSIONIDLE is set to 30.")

		h.Set("2FA", "On")
		other := h.Browser("192.0.2.20", Chrome)
		other.Enroll("ADMIN")
		b.Get("/admin/system/preferences?edit=SESSIONIDLE") // an earlier password is no second factor, now that there is a method
		p = b.Post("/admin/system/preferences", "code", "SESSIONIDLE", "value", "20", "step", "save")
		wantAt(t, p, 200, "/step-up", "a token from the last 5 minutes is needed")

		h.Set("2FA", "Off")
		h.Pass(50 * time.Minute)
		off := h.Browser("192.0.2.20", Chrome)
		wantIn(t, off.SignIn("ADMIN"), "ADMIN") // the password alone, while it is Off
		off.Get("/profile")
		wantAt(t, off.Post("/profile/setup-two-factor"), 200, "/step-up", "a token from the last 5 minutes is needed")
		if p := off.Post("/step-up", "password", Password); p.Path == "/set-up" || p.Path == "/set-up/email" {
			t.Errorf("the password did for a second factor: %s", p.Text())
		}
	})
}
