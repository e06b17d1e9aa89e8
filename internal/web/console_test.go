package web_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/apptest"
)

// testApp returns an application on SQLite in which ADMIN holds all rights.
func testApp(t *testing.T) *apptest.App {
	t.Helper()
	h := apptest.Open(t, "sqlite:"+filepath.Join(t.TempDir(), "house.db"))
	h.Administrator()
	return h
}

// onBothEngines runs a test on SQLite and on PostgreSQL.
func onBothEngines(t *testing.T, f func(t *testing.T, h *apptest.App)) {
	t.Helper()
	t.Parallel()
	for engine, open := range map[string]func(testing.TB) string{"SQLite": apptest.SQLite, "PostgreSQL": apptest.PostgreSQL} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			h := apptest.Open(t, open(t))
			h.Administrator()
			f(t, h)
		})
	}
}

// signedIn returns a browser in which login has just set up email and signed in.
func signedIn(h *apptest.App, login string) *apptest.Browser {
	h.T.Helper()
	b := h.Browser("192.0.2.10", apptest.Chrome)
	if p := b.Enroll(login); p.Path != "/set-up/done" {
		h.T.Fatalf("%s is not signed in but at %s: %s", login, p.Path, p.Text())
	}
	return b
}

func wantPage(t *testing.T, p *apptest.Page, status int, says ...string) {
	t.Helper()
	if p.Status != status || !p.Says(says...) {
		t.Fatalf("want %d with %q, got %d at %s: %s", status, says, p.Status, p.Path, p.Text())
	}
}

// Each right opens its pages and nothing else, for reading and for changing, and the navigation
// offers what is open.
func TestRightsOpenTheirPages(t *testing.T) {
	preferences := []string{"GET /admin/system/preferences", "POST /admin/system/preferences",
		"GET /admin/messages/wording", "POST /admin/messages/wording", "GET /admin/messages/wording/token", "POST /admin/messages/wording/token"}
	reading := []string{"GET /admin/users", "GET /admin/users/BSMITH"}
	reset := []string{"GET /admin/users/BSMITH/reset-two-factor", "POST /admin/users/BSMITH/reset-two-factor",
		"GET /admin/users/BSMITH/setup-two-factor", "POST /admin/users/BSMITH/setup-two-factor"}
	editing := []string{"GET /admin/users/new", "POST /admin/users/new", "GET /admin/users/BSMITH/edit", "POST /admin/users/BSMITH/edit",
		"POST /admin/users/BSMITH/disable", "POST /admin/users/BSMITH/enable", "POST /admin/users/BSMITH/activation",
		"POST /admin/users/BSMITH/devices/forget", "POST /admin/users/BSMITH/devices/forget-all", "POST /admin/users/BSMITH/sessions/end",
		"POST /admin/users/BSMITH/sessions/end-one"}
	messages := []string{"GET /admin/messages", "GET /admin/messages/test", "POST /admin/messages/test"}
	all := slices.Concat(preferences, reading, reset, editing, messages)
	for name, c := range map[string]struct {
		rights []countersign.Right
		open   []string
		start  string // where /admin redirects; empty: refused
	}{
		"no right":              {nil, nil, ""},
		"rights of other pages": {[]countersign.Right{countersign.RightAudit, countersign.RightApplications}, nil, ""},
		"messages":              {[]countersign.Right{countersign.RightMessages}, messages, "/admin/messages"},
		"preferences":           {[]countersign.Right{countersign.RightPreferences}, preferences, "/admin/system/preferences"},
		"reset":                 {[]countersign.Right{countersign.RightReset}, slices.Concat(reading, reset), "/admin/users"},
		"users":                 {[]countersign.Right{countersign.RightUsers}, slices.Concat(reading, editing), "/admin/users"},
		"all":                   {countersign.AgencyRights, all, "/admin/system/preferences"},
	} {
		t.Run(name, func(t *testing.T) {
			h := testApp(t)
			h.User("BSMITH")
			h.User("CBILLS", c.rights...)
			b := signedIn(h, "CBILLS")
			token := b.Get("/").FormToken()
			for _, request := range all {
				method, path, _ := strings.Cut(request, " ")
				var form url.Values
				if method == "POST" {
					form = url.Values{"form_token": {token}, "device": {"none"}} // nothing that could take effect
				}
				p := b.Do(method, path, form)
				if open := slices.Contains(c.open, request); open == (p.Status == http.StatusForbidden) {
					t.Errorf("%s answered %d, open: %v", request, p.Status, open)
				}
				if p.Status == http.StatusForbidden && !p.Says("You may not open this page", "(CBILLS)", "Sign out") {
					t.Errorf("%s: the refusal is not a page of the console: %s", request, p.Text())
				}
			}
			if p := b.Get("/admin"); c.start == "" {
				wantPage(t, p, 403, "You may not open this page")
			} else if p.Path != c.start {
				t.Errorf("/admin leads to %s", p.Path)
			}
			if p := b.Get("/profile"); p.Says("Administration") != (c.start != "") {
				t.Errorf("the navigation of the profile: %s", p.Text())
			}
		})
	}
}

// The two buttons are on another user's page only with the TechNote's right, and Edit only with its
// own right.
func TestButtonsNeedTheRight(t *testing.T) {
	h := testApp(t)
	h.User("BSMITH")
	h.User("CBILLS", countersign.RightReset)
	h.User("JJONES", countersign.RightUsers)
	const setUp, reset = "/admin/users/BSMITH/setup-two-factor", "/admin/users/BSMITH/reset-two-factor"
	for login, want := range map[string][]string{"CBILLS": {setUp, reset}, "JJONES": {"/admin/users/BSMITH/edit"}, "ADMIN": {setUp, reset, "/admin/users/BSMITH/edit"}} {
		p := signedIn(h, login).Get("/admin/users/bsmith") // user IDs ignore case
		wantPage(t, p, 200, "Bob Smith", "User ID BSMITH")
		for _, link := range []string{setUp, reset, "/admin/users/BSMITH/edit"} {
			if got := p.Has("a", "href", link); got != slices.Contains(want, link) {
				t.Errorf("%s sees %s: %v", login, link, got)
			}
		}
	}
}

// M5: an invalid value is refused beside its field, kept as typed, and changes nothing, both when
// the effect is requested and when it is saved.
func TestRefusedPreferences(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *apptest.App) {
		b := signedIn(h, "ADMIN")
		for _, step := range []string{"effect", "save"} {
			for _, c := range []struct{ code, typed, says string }{
				{"2FAFREQUENCY", "-1", "-1 is not a whole number of days. Write 0 to 365, for example 7, or leave it empty for 30. Nothing was changed."},
				{"2FAFREQUENCY", "abc", "abc is not a whole number of days."},
				{"2FAFREQUENCY", "7.5", "7.5 is not a whole number of days."},
				{"2FAFREQUENCY", "99999", "99999 is not a whole number of days."},
				{"2FAFREQUENCY", `"><b>7`, `"><b>7 is not a whole number of days.`},
				{"PASSWORDLENGTH", "7", "7 is not a whole number from 8 to 64."},
				{"TOKENMINUTES", "2", "2 is not a whole number from 3 to 10."},
				{"SMSCOUNTRIES", "USA", "USA is not a country code."},
			} {
				b.Get("/admin/system/preferences?edit=" + c.code)
				p := b.Post("/admin/system/preferences", "code", c.code, "value", c.typed, "version", b.Get("/admin/system/preferences?edit="+c.code).Value("version"), "step", step)
				wantPage(t, p, 422, c.says)
				if got := p.Value("value"); got != c.typed {
					t.Errorf("%s %q: the field holds %q", c.code, c.typed, got)
				}
				if !p.Has("input", "aria-invalid", "true") || !p.Has("p", "id", "value-error") || !strings.HasPrefix(p.Title(), "Error: ") {
					t.Errorf("%s %q: the refusal does not stand beside the field", c.code, c.typed)
				}
			}
		}
		rows, err := h.Admin.Preferences(t.Context(), h.Visit(), apptest.Operator)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			want := map[string]string{"2FA": "On", "2FAFREQUENCY": "7"}[r.Preference.Code]
			if r.Setting.Value != want {
				t.Errorf("%s is %q now", r.Preference.Code, r.Setting.Value)
			}
		}
		p := b.Post("/admin/system/preferences", "code", "NOSUCH", "value", "1", "step", "save")
		wantPage(t, p, 404, "There is no preference NOSUCH", "(ADMIN)")
	})
}

// The table has headings in its own order and none when it is sorted. Each row has its hint.
func TestPreferencesAreGrouped(t *testing.T) {
	h := testApp(t)
	b := signedIn(h, "ADMIN")
	p := b.Get("/admin/system/preferences")
	last := -1
	for _, heading := range []string{"Two factor authentication", "Passwords and sessions", "Tokens and text messages", "Help", "From applications"} {
		at := strings.Index(p.Body, `scope="rowgroup">`+heading+`<`)
		if at <= last {
			t.Errorf("%s is not where it belongs: %d after %d", heading, at, last)
		}
		last = at
	}
	for _, preference := range countersign.BuiltIn() {
		if !p.Says(preference.Name) || preference.Hint == "" || !p.Says(preference.Hint) {
			t.Errorf("%s has no hint in its row", preference.Code)
		}
	}
	if p := b.Get("/admin/system/preferences?sort=name"); strings.Contains(p.Body, "rowgroup") {
		t.Error("a sorted table has headings")
	}
}

// A value is saved, confirmed and shown. An empty one restores the default (M3, M5).
func TestSavePreference(t *testing.T) {
	h := testApp(t)
	b := signedIn(h, "ADMIN")
	version := b.Get("/admin/system/preferences?edit=2fafrequency").Value("version")
	p := b.Post("/admin/system/preferences", "code", "2FAFREQUENCY", "value", "14", "version", version, "step", "effect")
	wantPage(t, p, 200, "Two factor authentication frequency: from 7 to 14")
	p = b.Post("/admin/system/preferences", "code", "2FAFREQUENCY", "value", p.Value("value"), "version", p.Value("version"), "step", "save")
	wantPage(t, p, 200, "2FAFREQUENCY is set to 14.")
	p = b.Post("/admin/system/preferences", "code", "2FAFREQUENCY", "value", "", "step", "save")
	wantPage(t, p, 200, "2FAFREQUENCY is set to 30 (default).")
	p = b.Post("/admin/system/preferences", "code", "2FA", "value", "", "step", "save", "reason", "tests of the mail server")
	wantPage(t, p, 200, "2FA has no value, which counts as Off.", "Two factor authentication is Off")
	p = b.Post("/admin/system/preferences", "code", "ADDAPPWIZ", "value", "On", "step", "save")
	wantPage(t, p, 200, "ADDAPPWIZ is set to On.")
	p = b.Post("/admin/system/preferences", "code", "HELPCONTACT", "value", strings.Repeat("call ", 11)+"12345", "step", "save")
	wantPage(t, p, 200, "HELPCONTACT is set to call ")
	p = b.Post("/admin/system/preferences", "code", "HELPCONTACT", "value", strings.Repeat("call ", 11)+"123456", "step", "save")
	wantPage(t, p, 200, "HELPCONTACT is saved.")
}

// Turning 2FA Off requires a reason, which is mailed to every administrator (RS-08).
func TestTurnOff(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *apptest.App) {
		b := signedIn(h, "ADMIN")
		version := b.Get("/admin/system/preferences?edit=2FA").Value("version")
		p := b.Post("/admin/system/preferences", "code", "2FA", "value", "Off", "version", version, "step", "save", "reason", "  ", "end_sessions", "yes")
		wantPage(t, p, 422, "Write a reason.")
		if !p.Has("p", "id", "reason-error") || !strings.Contains(p.Body, `<option value="Off" selected>`) || p.Value("end_sessions") != "yes" {
			t.Error("the refusal does not stand beside the reason, or the choice was lost")
		}
		wantPage(t, b.Get("/admin/system/preferences?q=2FA"), 200, "Turn on two factor authentication")
		p = b.Post("/admin/system/preferences", "code", "2FA", "value", "Off", "version", version, "step", "effect")
		wantPage(t, p, 200, "Turn off two factor authentication: from On to Off", "Reason")
		p = b.Post("/admin/system/preferences", "code", "2FA", "value", "Off", "version", version, "step", "save", "reason", "mail server <move>")
		wantPage(t, p, 200, "2FA is set to Off.", `Two factor authentication is Off since today at 2:00 PM, by ADMIN.`, `Reason given: "mail server <move>"`)
		wantPage(t, b.Get("/admin/users"), 200, `Two factor authentication is Off since today at 2:00 PM, by ADMIN.`, `Reason given: "mail server <move>"`)
	})
}

// The page before Turn on counts the users it affects.
func TestEffectCounts(t *testing.T) {
	h := testApp(t)
	b := signedIn(h, "ADMIN")
	h.User("BSMITH")
	h.User("CBILLS")
	h.AddUser(admin.NewUser{Login: "JJONES", Name: "Jim Jones"})
	h.Set("2FA", "Off")
	b.Get("/admin/system/preferences?edit=2FA")
	p := b.Post("/admin/system/preferences", "code", "2FA", "value", "On", "step", "effect")
	wantPage(t, p, 200, "2 of 4 users will be asked to set up at their next sign-in.", "1 user will not get in")
	if got := settingOf(h, "2FA"); got != "Off" {
		t.Errorf("showing the effect has made 2FA %q", got)
	}
	// Ending the other sessions keeps the one that asks for it.
	other := h.Browser("192.0.2.30", apptest.Edge)
	other.SignIn("ADMIN")
	if p := other.Get("/profile"); p.Status != 200 || p.Path != "/profile" {
		t.Fatalf("the other session does not stand: %s", p.Path)
	}
	p = b.Post("/admin/system/preferences", "code", "2FA", "value", "On", "step", "save", "end_sessions", "yes")
	wantPage(t, p, 200, "2FA is set to On.")
	if p := other.Get("/profile"); p.Path != "/sign-in" {
		t.Errorf("the other session goes on: %s", p.Path)
	}
}

func settingOf(h *apptest.App, code string) string {
	h.T.Helper()
	rows, err := h.Admin.Preferences(h.T.Context(), h.Visit(), apptest.Operator)
	if err != nil {
		h.T.Fatal(err)
	}
	for _, r := range rows {
		if r.Preference.Code == code {
			return r.Setting.Value
		}
	}
	h.T.Fatalf("no preference %s", code)
	return ""
}

// Two administrators save one preference: the later one sees all three values and nothing is
// overwritten; then they may overwrite it (409).
func TestPreferenceConflict(t *testing.T) {
	h := testApp(t)
	b := signedIn(h, "ADMIN")
	opened := b.Get("/admin/system/preferences?edit=2FAFREQUENCY")
	h.Set("2FAFREQUENCY", "14")
	p := b.Post("/admin/system/preferences", "code", "2FAFREQUENCY", "value", "3", "version", opened.Value("version"), "was", opened.Value("was"), "step", "save")
	wantPage(t, p, 409, "Changed by somebody else in the meantime", "Nothing was overwritten", "The operator of the server saved 2FAFREQUENCY today at 2:00 PM",
		"When you opened it", "Saved meanwhile", "What you typed", "7 14 3", "Save mine: 3", "Keep 14")
	if got := settingOf(h, "2FAFREQUENCY"); got != "14" {
		t.Fatalf("it was overwritten: %s", got)
	}
	p = b.Post("/admin/system/preferences", "code", p.Value("code"), "value", p.Value("value"), "version", p.Value("version"))
	wantPage(t, p, 200, "2FAFREQUENCY is set to 3.")
}

// A search term is shown as typed, whatever it contains.
func TestSearchIsEscaped(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *apptest.App) {
		b := signedIn(h, "ADMIN")
		for _, path := range []string{"/admin/system/preferences", "/admin/users"} {
			p := b.Get(path + "?q=" + url.QueryEscape(`"><script>alert(1)</script>`))
			wantPage(t, p, 200, `"><script>alert(1)</script>"`)
			if strings.Contains(p.Body, "<script") || p.Value("q") != `"><script>alert(1)</script>` {
				t.Errorf("%s: %s", path, p.Body)
			}
		}
	})
}
