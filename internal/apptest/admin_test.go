package apptest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/outbox"
)

// M3, M6: one table with the TechNote's two preferences first, including an application's own. Each
// column can be sorted both ways and searched. An unset switch reads «select...».
func TestPreferencesTable(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.Set("2FA", "")
		b := h.Browser("192.0.2.10", Chrome)
		wantIn(t, b.SignIn("ADMIN"), "ADMIN")
		p := b.Get("/admin/system/preferences")
		wantAt(t, p, 200, "/admin/system/preferences", "Preference", "Code", "Value", "select...", "ADDAPPWIZ", "App Entry - Check LOB on Appointments",
			"Log out and back in for the new Preference settings to take effect")
		if strings.Index(p.Text(), "Turn on two factor authentication") > strings.Index(p.Text(), "ADDAPPWIZ") {
			t.Error("the TechNote's preferences do not stand first")
		}
		for _, column := range []string{"name", "code", "value"} {
			up := b.Get("/admin/system/preferences?sort=" + column)
			down := b.Get("/admin/system/preferences?order=descending&sort=" + column)
			if !up.Has("th", "aria-sort", "ascending") || !down.Has("th", "aria-sort", "descending") || up.Text() == down.Text() {
				t.Errorf("the table is not sorted by %s", column)
			}
		}
		found := b.Get("/admin/system/preferences?q=frequency")
		if !found.Says("2FAFREQUENCY") || found.Says("ADDAPPWIZ") {
			t.Errorf("the search finds %s", found.Text())
		}
		open := b.Get("/admin/system/preferences?edit=2fa")
		if !open.Has("select", "name", "value") || !open.Has("input", "value", "2FA") {
			t.Error("?edit=2fa opens no form")
		}
	})
}

// M5: anything but whole days from 0 to 365 is refused beside the field. The typed value is kept,
// and nothing is changed.
func TestFrequencyRefused(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		for _, step := range []string{"effect", "save"} {
			for _, value := range []string{"-1", "abc", "7.5", "99999", "366", "0x1", "٧", "1e2"} {
				b.Get("/admin/system/preferences?edit=2FAFREQUENCY")
				p := b.Post("/admin/system/preferences", "code", "2FAFREQUENCY", "value", value, "step", step)
				if p.Status != 422 || !p.Says(value+" is not a whole number of days. Write 0 to 365") || p.Value("value") != value || !strings.HasPrefix(p.Title(), "Error: ") {
					t.Errorf("%s %q: %d, field %q, %s", step, value, p.Status, p.Value("value"), p.Title())
				}
			}
		}
		if got := b.Get("/admin/system/preferences").Text(); !strings.Contains(got, "2FAFREQUENCY 7 ") {
			t.Errorf("the frequency was changed: %s", got)
		}
		for _, value := range []string{"0", "365", " 14 ", ""} {
			b.Get("/admin/system/preferences?edit=2FAFREQUENCY")
			if p := b.Post("/admin/system/preferences", "code", "2FAFREQUENCY", "value", value, "step", "save"); p.Status != 200 {
				t.Errorf("%q: %d %s", value, p.Status, p.Text())
			}
		}
	})
}

// Before 2FA is turned On the page counts the users it affects. Off needs a reason, is mailed to
// every administrator, and shows a banner.
func TestEffectAndOff(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Set("2FA", "")
		h.User("BSMITH")
		h.User("CBILLS")
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("ADMIN")
		b.Get("/admin/system/preferences?edit=2FA")
		p := b.Post("/admin/system/preferences", "code", "2FA", "value", "On", "step", "effect", "version", "2")
		wantAt(t, p, 200, "/admin/system/preferences", "3 of 3 users will be asked to set up at their next sign-in.")
		b.Post("/admin/system/preferences", "code", "2FA", "value", "On", "step", "save", "version", p.Value("version"))
		wantAt(t, b.Get("/profile"), 200, "/profile") // this session continues (M4)

		b.Get("/admin/system/preferences?edit=2FA")
		p = b.Post("/admin/system/preferences", "code", "2FA", "value", "Off", "step", "save")
		if p.Status != 422 || !p.Says("Write a reason.") {
			t.Fatalf("Off without a reason: %d %s", p.Status, p.Text())
		}
		p = b.Post("/admin/system/preferences", "code", "2FA", "value", "Off", "step", "save", "reason", "moving house")
		wantAt(t, p, 200, "/admin/system/preferences", "Two factor authentication is Off")
		told := h.Mail("admin@demo.example")
		if !slices.ContainsFunc(told, func(m outbox.Mail) bool { return strings.Contains(m.Text, "moving house") }) {
			t.Errorf("the administrators were not told: %q", h.Subjects("admin@demo.example"))
		}
	})
}

// Two administrators save the same row: the second sees a conflict, and nothing is overwritten.
func TestConflict(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		version := b.Get("/admin/system/preferences?edit=2FAFREQUENCY").Value("version")
		h.Set("2FAFREQUENCY", "14")
		p := b.Post("/admin/system/preferences", "code", "2FAFREQUENCY", "value", "3", "step", "save", "version", version)
		if p.Status != http.StatusConflict || !p.Says("Changed by somebody else in the meantime") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
		if !b.Get("/admin/system/preferences").Says("2FAFREQUENCY 14") {
			t.Error("the newer value was overwritten")
		}
	})
}

// M13, ER-02: a different address needs the consent of the address on file first. Allow accepts it
// and sends a notice; No refuses it.
func TestOtherAddress(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		p := b.Post("/set-up/email", "email", "bob@mail.example")
		wantAt(t, p, 200, "/set-up/email", "First confirm the address on file", "bsmith@demo.example")
		if n := len(h.Mail("bob@mail.example")); n != 0 {
			t.Fatalf("%d messages to the other address before the one on file agreed", n)
		}
		p = b.Post("/set-up/email/confirm", "token", h.Token("bsmith@demo.example"))
		wantAt(t, p, 200, "/set-up/email", "to bob@mail.example.")
		b.Post("/set-up/email/token", "token", h.Token("bob@mail.example"))
		b.Post("/set-up/skip")
		if told := strings.Join(h.Subjects("bsmith@demo.example"), "\n"); !strings.Contains(told, "go to another address") {
			t.Errorf("the address on file was not told: %q", told)
		}
		again := h.Browser("192.0.2.20", Chrome)
		wantAt(t, again.SignIn("BSMITH"), 200, "/sign-in/token", "b•••@mail.example")

		h.Set("2FAEMAILOTHER", "No")
		h.User("CBILLS")
		b = h.Browser("192.0.2.11", Chrome)
		b.SignIn("CBILLS")
		if p := b.Post("/set-up/email", "email", "carol@mail.example"); p.Status != 422 || p.Value("email") != "carol@mail.example" || !p.Says("Only the address in your User Profile") {
			t.Errorf("No: %d %s", p.Status, p.Text())
		}
		h.Set("2FAEMAILOTHER", "Allow")
		wantAt(t, b.Post("/set-up/email", "email", "carol@mail.example"), 200, "/set-up/email", "to carol@mail.example.")
		if told := h.Mail("cbills@demo.example"); len(told) != 1 || !strings.Contains(told[0].Text, "carol@mail.example") {
			t.Errorf("Allow: the address on file was not told: %v", told)
		}
	})
}

// What was typed is not lost when an idle session ends: it continues after the same user has signed
// in again in the same browser, and never for another user.
func TestIdleSessionKeepsWhatWasTyped(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH", countersign.RightPreferences)
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		b.Get("/admin/system/preferences?edit=SESSIONIDLE")
		h.Pass(61 * time.Minute)
		p := b.Post("/admin/system/preferences", "code", "SESSIONIDLE", "value", "30", "step", "save")
		wantAt(t, p, 200, "/sign-in", "You were away for 60 minutes, so you were signed out", "What you had typed is kept")
		p = b.Post("/sign-in", "user_id", "ADMIN", "password", Password)
		wantAt(t, p, 200, "/step-up", "You are about to save new Preferences") // a remembered device is no second factor
		wantAt(t, b.Confirm("admin@demo.example"), 200, "/admin/system/preferences", "SESSIONIDLE is set to 30.")

		b.Get("/admin/system/preferences?edit=SESSIONIDLE")
		h.Pass(31 * time.Minute)
		b.Post("/admin/system/preferences", "code", "SESSIONIDLE", "value", "20", "step", "save")
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		b.Post("/set-up/skip")
		if b.Get("/admin/system/preferences").Says("SESSIONIDLE 20") {
			t.Error("what one user had typed went on for another")
		}
	})
}

// A user without a password gets a link. It works once, changes nothing by being opened, and never
// signs in (PW-07).
func TestActivation(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		b.Get("/admin/users/new")
		p := b.Post("/admin/users/new", "user_id", "JJONES", "name", "Jim Jones", "email", "jjones@demo.example", "phone", "614-555-0114", "group", "Agents, Claims")
		wantAt(t, p, 200, "/admin/users/JJONES", "Jim Jones", "614-555-0114", "Agents, Claims", "Not chosen yet")
		link := ""
		for _, m := range h.Mail("jjones@demo.example") {
			for _, line := range strings.Fields(m.Text) {
				if strings.HasPrefix(line, publicURL+"/welcome?link=") {
					link = strings.TrimPrefix(line, publicURL)
				}
			}
		}
		if link == "" {
			t.Fatal("no link was mailed")
		}
		n := h.Browser("192.0.2.20", Chrome)
		for range 3 {
			wantAt(t, n.Get(link), 200, "/welcome", "Welcome, Jim Jones")
		}
		key := strings.TrimPrefix(link, "/welcome?link=")
		if p := n.Post("/welcome", "link", key, "new_password", "short"); p.Status != 422 || !p.Says("This password has 5 characters. 15 are needed.") {
			t.Errorf("a short password: %d %s", p.Status, p.Text())
		}
		if p := n.Post("/welcome", "link", key, "new_password", "JJONES2026!!!!!!!!"); p.Status != 422 {
			t.Errorf("a form of the user ID: %d %s", p.Status, p.Text())
		}
		p = n.Post("/welcome", "link", key, "new_password", Password)
		wantAt(t, p, 200, "/sign-in", "Your password is saved")
		if n.Cookie("session") != "" {
			t.Error("the link signed in")
		}
		if p := n.Get(link); p.Status != http.StatusGone || !p.Says("This link no longer works") {
			t.Errorf("a used link: %d %s", p.Status, p.Text())
		}
		wantSetUp(t, n.SignIn("JJONES"))
	})
}

// Errors of a new user are shown beside each field, and what was typed is kept.
func TestNewUserRefused(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("JJONES", countersign.RightUsers)
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("JJONES")
		b.Get("/admin/users/new")
		p := b.Post("/admin/users/new", "user_id", "no spaces", "name", "", "email", "bsmith@demo.example", "phone", "614555011", "right", string(countersign.RightReset))
		if p.Status != 422 || !p.Says("A user ID has 1 to 64 letters", "Enter a name.", "is the address of BSMITH", "That number has 9 digits", "because you do not hold it") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
		if p.Value("email") != "bsmith@demo.example" || p.Value("phone") != "614555011" {
			t.Error("what was typed is lost")
		}
		for _, login := range []string{"NEW", "import", "Selected", "bsmith"} {
			if p := b.Post("/admin/users/new", "user_id", login, "name", "X", "email", "x@demo.example"); p.Status != 422 {
				t.Errorf("user ID %s: %d", login, p.Status)
			}
		}
		for _, path := range []string{"/admin/users/NOBODY", "/admin/users/NOBODY/edit", "/admin/users/%00", "/admin/users/a%2Fb", "/nothing"} {
			if p := b.Get(path); p.Status != 404 && p.Status != 400 {
				t.Errorf("%s: %d", path, p.Status)
			}
		}
	})
}

// RS-07: the last administrator can't be disabled or lose rights. RS-02: an administrator can't act
// on a user with more rights.
func TestRankAndLastAdministrator(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("JJONES", countersign.RightReset)
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("JJONES")
		b.Get("/admin/users/ADMIN")
		if p := b.Post("/admin/users/ADMIN/reset-two-factor", "reason", "r"); p.Status != 403 || !p.Says("holds a right that you do not hold") {
			t.Errorf("a reset upwards: %d %s", p.Status, p.Text())
		}
		off := true
		_, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, "ADMIN", admin.Change{Version: admin.AnyVersion, Disabled: &off})
		if countersign.CodeOf(err) != "reset.last_administrator" {
			t.Errorf("the last administrator was disabled: %v", err)
		}
		_, err = h.Admin.EditUser(t.Context(), h.Visit(), Operator, "ADMIN", admin.Change{Version: admin.AnyVersion, RemoveRights: countersign.AgencyRights})
		if countersign.CodeOf(err) != "reset.last_administrator" {
			t.Errorf("the last administrator was stripped: %v", err)
		}
	})
}

// DV-06, SE-04: disabling a user ends sessions and forgets devices at once.
func TestDisabled(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		off, on := true, false
		for _, disabled := range []*bool{&off, &on} {
			if _, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, "bsmith", admin.Change{Version: admin.AnyVersion, Disabled: disabled}); err != nil {
				t.Fatal(err)
			}
			if *disabled {
				wantAt(t, b.Get("/profile"), 200, "/sign-in", "This session was ended")
				if p := b.SignIn("BSMITH"); p.Status != 422 || !p.Says("The user ID or the password is not right.") {
					t.Errorf("a disabled user: %d %s", p.Status, p.Text())
				}
			}
		}
		wantToken(t, b.SignIn("BSMITH"))
	})
}

// Forms from other sites, without a form token or with another's, change nothing (WB-01).
func TestForeignForms(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		other := h.Browser("192.0.2.11", Chrome)
		other.Enroll("BSMITH")
		foreign := other.Get("/profile").FormToken()
		mine := b.Get("/profile").FormToken()
		for name, p := range map[string]*Page{
			"no token":       b.Do("POST", "/profile/sessions/end-others", map[string][]string{"x": {"y"}}),
			"other's token":  b.Do("POST", "/profile/sessions/end-others", map[string][]string{"form_token": {foreign}}),
			"foreign origin": b.Do("POST", "/profile/sessions/end-others", map[string][]string{"form_token": {mine}}, "Origin", "https://evil.example"),
			"cross-site":     b.Do("POST", "/profile/sessions/end-others", map[string][]string{"form_token": {mine}}, "Sec-Fetch-Site", "cross-site"),
		} {
			if p.Status != 403 || !p.Says("Please send this again") {
				t.Errorf("%s: %d %s", name, p.Status, p.Text())
			}
		}
		if p := b.Do("POST", "/profile/sessions/end-others", map[string][]string{"form_token": {mine}}); p.Status != 303 {
			t.Errorf("the right form: %d", p.Status)
		}
	})
}

// Two agencies with the same user IDs: the host selects the agency, a cookie of one does not work
// for the other, and an unknown host answers 421.
func TestTwoAgencies(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		ctx := t.Context()
		other, err := h.Admin.AddAgency(ctx, h.Now(), countersign.Agency{Code: "ACME", Name: "Acme Insurance", Hosts: []string{"login.acme.example"}})
		if err != nil {
			t.Fatal(err)
		}
		v := h.Visit()
		v.Agency = other
		if _, err := h.Admin.AddUser(ctx, v, Operator, admin.NewUser{Login: "BSMITH", Name: "Another Bob", Email: "bob@acme.example", Password: "another " + Password}); err != nil {
			t.Fatal(err)
		}
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		b.Host = "login.acme.example"
		if p := b.Do("GET", "/profile", nil); p.Status != 303 {
			t.Errorf("a session of another agency: %d", p.Status)
		}
		b.Get("/sign-in")
		if p := b.Post("/sign-in", "user_id", "BSMITH", "password", Password); p.Status != 422 {
			t.Errorf("a password of another agency: %d", p.Status)
		}
		if p := b.Post("/sign-in", "user_id", "BSMITH", "password", "another "+Password); !p.Says("Another Bob") {
			t.Errorf("the own password: %d %s", p.Status, p.Text())
		}
		b.Host = "evil.example"
		if p := b.Do("GET", "/sign-in", nil); p.Status != http.StatusMisdirectedRequest {
			t.Errorf("an unknown host: %d", p.Status)
		}
	})
}

// A method that the installation no longer offers is dormant: the Default falls back to what
// remains, and no user is locked out.
func TestDormantMethod(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		b.Get("/set-up/sms")
		b.Post("/set-up/sms", "phone", "6145550112")
		b.Post("/set-up/sms/token", "token", h.Token("+16145550112"))
		b.Post("/set-up/skip")
		b.Post("/set-up/default", "default", "sms")
		h.Authn.Methods = h.Authn.Methods[:2] // no text gateway any more
		again := h.Browser("192.0.2.20", Chrome)
		wantAt(t, again.SignIn("BSMITH"), 200, "/sign-in/token", "b•••@demo.example")
		wantIn(t, again.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
	})
}

// The agency's help contact is shown wherever a user can't continue.
func TestHelpContact(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Set("HELPCONTACT", "Demo support desk, 614-555-0100")
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		half := h.Browser("192.0.2.20", Chrome)
		half.SignIn("BSMITH")
		pages := map[string]*Page{
			"sign-in":      h.Browser("192.0.2.30", Chrome).Get("/sign-in"),
			"token":        half.Get("/sign-in/token"),
			"other way":    half.Get("/sign-in/other-way"),
			"404":          half.Get("/nowhere"),
			"link over":    half.Get("/welcome?link=x"),
			"no right":     b.Get("/admin/users"),
			"home":         b.Get("/"),
			"missing form": half.Do("POST", "/sign-in", map[string][]string{}),
		}
		for name, p := range pages {
			if !p.Says("Demo support desk, 614-555-0100") {
				t.Errorf("%s does not name the help contact: %s", name, p.Text())
			}
		}
	})
}
