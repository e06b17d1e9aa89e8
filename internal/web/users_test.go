package web_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/apptest"
)

// The pages of User Administration list every user once, in order, forward and back.
func TestUserPages(t *testing.T) {
	h := testApp(t)
	for i := range 60 {
		h.AddUser(admin.NewUser{Login: fmt.Sprintf("AGENT%02d", i), Name: fmt.Sprintf("Agent %02d", 59-i), Email: fmt.Sprintf("agent%02d@demo.example", i)})
	}
	b := signedIn(h, "ADMIN")
	for _, order := range []string{"?sort=name", "?sort=login", "?sort=login&order=descending", "?sort=last", "?sort=state", "?sort=default", ""} {
		p := b.Get("/admin/users" + order)
		wantPage(t, p, 200, "61 users of Demo Agency", "1 to 25 of 61")
		var seen, counts []string
		for {
			seen = append(seen, logins(p)...)
			next := link(p, "after")
			if next == "" {
				break
			}
			p = b.Get("/admin/users" + next)
			_, count, _ := strings.Cut(p.Text()[:strings.Index(p.Text(), " of 61")], " to ")
			counts = append(counts, count)
		}
		if len(seen) != 61 || len(slices.Compact(slices.Sorted(slices.Values(seen)))) != 61 {
			t.Errorf("%q: %d rows: %v", order, len(seen), seen)
		}
		if len(counts) != 2 || !p.Says("51 to 61 of 61") {
			t.Errorf("%q: the last page: %v", order, counts)
		}
		p = b.Get("/admin/users" + link(p, "before"))
		wantPage(t, p, 200, "26 to 50 of 61")
		if got := logins(p); !slices.Equal(got, seen[25:50]) {
			t.Errorf("%q: back: %v, want %v", order, got, seen[25:50])
		}
	}
	p := b.Get("/admin/users?sort=login&order=descending")
	if !p.Has("th", "aria-sort", "descending") || logins(p)[0] != "AGENT59" {
		t.Errorf("descending: %v", logins(p))
	}
	for _, odd := range []string{"?sort=password", "?after=%00", "?after=AAAA", "?before=~~", "?state=x&method=y&right=z", "?order=up"} {
		if p := b.Get("/admin/users" + odd); p.Status != 200 && p.Status != 400 {
			t.Errorf("%s: %d", odd, p.Status)
		}
	}
}

// logins returns the users that a list links to, in order.
func logins(p *apptest.Page) []string {
	var all []string
	for _, l := range p.Links() {
		if login, ok := strings.CutPrefix(l, "/admin/users/"); ok && login != "new" {
			all = append(all, login)
		}
	}
	return all
}

// link returns the page's link that has a cursor in this direction.
func link(p *apptest.Page, direction string) string {
	for _, l := range p.Links() {
		if u, err := url.Parse(l); err == nil && u.Query().Has(direction) {
			return l
		}
	}
	return ""
}

// The list can be searched by name, user ID and email, and filtered by state, method and right.
func TestUserFilters(t *testing.T) {
	h := testApp(t)
	h.User("BSMITH")
	h.User("CBILLS", countersign.RightReset)
	h.AddUser(admin.NewUser{Login: "JJONES", Name: "Jim Jones"})
	b := signedIn(h, "ADMIN")
	for query, want := range map[string][]string{
		"q=smith":         {"BSMITH"},
		"q=CAROL":         {"CBILLS"},
		"q=cbills%40demo": {"CBILLS"},
		"q=%25":           nil,
		"state=done":      {"ADMIN"},
		"state=not":       {"BSMITH", "CBILLS"},
		"state=cannot":    {"JJONES"},
		"method=email":    {"ADMIN"},
		"method=app":      nil,
		"state=not&q=bob": {"BSMITH"},
		"right=" + url.QueryEscape(string(countersign.RightReset)): {"ADMIN", "CBILLS"},
	} {
		p := b.Get("/admin/users?" + query)
		if got := logins(p); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
		if len(want) == 0 && !p.Says("Nobody found", "Show all 4") {
			t.Errorf("%s: nothing leads on: %s", query, p.Text())
		}
	}
}

// A new user's page shows what was typed, escaped, with the state and the message.
func TestAddUser(t *testing.T) {
	h := testApp(t)
	b := signedIn(h, "ADMIN")
	b.Get("/admin/users/new")
	const name = `<b>Bob</b> "Smith" & Co`
	p := b.Post("/admin/users/new", "user_id", "b.smith", "name", name, "email", "bsmith@demo.example", "phone", "(614) 555-0112",
		"group", "Agents", "group", "Claims, Agents", "right", string(countersign.RightReset))
	wantPage(t, p, 200, "The user was added.", name, "User ID b.smith", "614-555-0112", "Agents, Claims", string(countersign.RightReset), "Not set up",
		"Not chosen yet", "Link to choose a password")
	if p.Path != "/admin/users/b.smith" || strings.Contains(p.Body, "<b>Bob") {
		t.Errorf("%s: %s", p.Path, p.Body)
	}
	h.Mail("")
	wantPage(t, b.Get("/admin/users/B.SMITH"), 200, "Accepted")
	if p := b.Get("/admin/users"); strings.Contains(p.Body, "<b>Bob") || !p.Says(name) {
		t.Error("the list does not show the name as it was typed")
	}
	p = b.Post("/admin/users/b.smith/activation")
	wantPage(t, p, 200, "A new link is on its way.")
}

// An administrator can't grant a right they do not hold, even with a forged form.
func TestGrant(t *testing.T) {
	h := testApp(t)
	h.User("BSMITH", countersign.RightUsers)
	h.User("CBILLS")
	b := signedIn(h, "BSMITH")
	if p := b.Get("/admin/users/CBILLS/edit"); p.Has("input", "value", string(countersign.RightReset)) || !p.Has("input", "value", string(countersign.RightUsers)) {
		t.Error("the form offers rights that the editor does not hold, or not those that they hold")
	}
	for _, path := range []string{"/admin/users/CBILLS/edit", "/admin/users/new"} {
		p := b.Get(path)
		p = b.Post(path, "version", p.Value("version"), "user_id", "JJONES", "name", "Jim Jones", "email", "j@demo.example", "right", string(countersign.RightReset))
		wantPage(t, p, 403, "You cannot give or take the right")
		if !p.Has("input", "name", "name") || p.Value("email") != "j@demo.example" {
			t.Errorf("%s: what was typed is lost: %s", path, p.Text())
		}
	}
	wantPage(t, b.Get("/admin/users/CBILLS"), 200, "cbills@demo.example", "Rights None")
}

// A user with the right Operator, which no page grants, can be edited and keeps it.
func TestEditKeepsOperator(t *testing.T) {
	h := testApp(t)
	_, err := h.Admin.EditUser(t.Context(), h.Visit(), apptest.Operator, "ADMIN", admin.Change{Version: admin.AnyVersion, AddRights: []countersign.Right{countersign.RightOperator}})
	if err != nil {
		t.Fatal(err)
	}
	b := signedIn(h, "ADMIN")
	p := b.Get("/admin/users/ADMIN/edit")
	form := []string{"version", p.Value("version"), "name", "Ann B Admin", "email", p.Value("email")}
	for _, r := range countersign.AgencyRights {
		form = append(form, "right", string(r))
	}
	wantPage(t, b.Post("/admin/users/ADMIN/edit", form...), 200, "The changes were saved.", "Ann B Admin", string(countersign.RightOperator))
}

// Two administrators edit one user: the later one sees what was saved in between beside what they
// typed, and may then overwrite it (409).
func TestEditConflict(t *testing.T) {
	h := testApp(t)
	h.User("BSMITH")
	b := signedIn(h, "ADMIN")
	version := b.Get("/admin/users/BSMITH/edit").Value("version")
	name := "Robert Smith"
	if _, err := h.Admin.EditUser(t.Context(), h.Visit(), apptest.Operator, "BSMITH", admin.Change{Version: admin.AnyVersion, Name: &name}); err != nil {
		t.Fatal(err)
	}
	p := b.Post("/admin/users/BSMITH/edit", "version", version, "name", "Bobby Smith", "email", "bsmith@demo.example", "phone", "6145550112")
	wantPage(t, p, 409, "Changed by somebody else in the meantime", "Saved meanwhile", "Name Robert Smith Bobby Smith", "Mobile phone empty 6145550112")
	wantPage(t, b.Get("/admin/users/BSMITH"), 200, "Robert Smith", "Mobile phone None")
	p = b.Post("/admin/users/BSMITH/edit", "version", p.Value("version"), "name", p.Value("name"), "email", p.Value("email"), "phone", p.Value("phone"), "reason", "they asked")
	wantPage(t, p, 200, "The changes were saved.", "Bobby Smith", "614-555-0112")
}

// A record that does not exist, or is another agency's, is a 404 within the console.
func TestUnknownUser(t *testing.T) {
	h := testApp(t)
	b := signedIn(h, "ADMIN")
	token := b.Get("/").FormToken()
	for _, request := range []string{"GET ", "GET /edit", "POST /edit", "GET /reset-two-factor", "POST /reset-two-factor", "GET /setup-two-factor",
		"POST /setup-two-factor", "POST /disable", "POST /enable", "POST /activation", "POST /devices/forget-all", "POST /sessions/end"} {
		method, path, _ := strings.Cut(request, " ")
		var form url.Values
		if method == "POST" {
			form = url.Values{"form_token": {token}, "reason": {"r"}}
		}
		p := b.Do(method, "/admin/users/NOBODY"+path, form)
		wantPage(t, p, 404, "There is no such user", "(ADMIN)", "Go to User Administration")
	}
	wantPage(t, b.Get("/no/such/page"), 404, "This page does not exist", "(ADMIN)")
	wantPage(t, h.Browser("192.0.2.99", apptest.Chrome).Get("/no/such/page"), 404, "This page does not exist")
}

// What an administrator does to another user: devices, sessions, state.
func TestActsOnAUser(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *apptest.App) {
		h.User("BSMITH")
		user := signedIn(h, "BSMITH")
		b := signedIn(h, "ADMIN")
		wantPage(t, b.Get("/admin/users/BSMITH"), 200, "Email (Default)", "Chrome on Windows", "End all 1", "Forget all 1", "set up: Email")
		device := b.Get("/admin/users/BSMITH").Value("device")
		wantPage(t, b.Post("/admin/users/BSMITH/devices/forget", "device", device), 200, "The device was forgotten.")
		wantPage(t, b.Post("/admin/users/BSMITH/devices/forget", "device", device), 404, "That device is not remembered any more")
		wantPage(t, b.Get("/admin/users/BSMITH"), 200)
		wantPage(t, b.Post("/admin/users/BSMITH/sessions/end"), 200, "All sessions were ended.", "Not signed in.")
		if p := user.Get("/profile"); p.Path != "/sign-in" {
			t.Errorf("the session goes on: %s", p.Path)
		}
		wantPage(t, b.Post("/admin/users/BSMITH/disable"), 200, "The user was disabled.", "Disabled")
		wantPage(t, b.Post("/admin/users/BSMITH/enable"), 200, "The user may sign in again.", "Enabled")
		wantPage(t, b.Post("/admin/users/ADMIN/disable"), 403, "is the last administrator")
	})
}

// The setup button on another user's page only invites them: it shows no code and no token field.
func TestInvite(t *testing.T) {
	h := testApp(t)
	h.User("BSMITH")
	h.AddUser(admin.NewUser{Login: "JJONES", Name: "Jim Jones"})
	b := signedIn(h, "ADMIN")
	p := b.Get("/admin/users/BSMITH/setup-two-factor")
	wantPage(t, p, 200, "Setup 2 Factor Authentication", "Send an invitation to bsmith@demo.example")
	if p.Has("input", "name", "token") || strings.Contains(p.Body, "otpauth:") {
		t.Error("the page sets up another's method")
	}
	wantPage(t, b.Post("/admin/users/BSMITH/setup-two-factor", "how", "invitation"), 200, "The invitation is on its way.", "Invitation to set up")
	if len(h.Mail("bsmith@demo.example")) != 1 {
		t.Errorf("%q", h.Subjects("bsmith@demo.example"))
	}
	wantPage(t, b.Get("/admin/users/JJONES/setup-two-factor"), 200, "JJONES has no email address")
	wantPage(t, b.Post("/admin/users/JJONES/setup-two-factor"), 422, "JJONES has no email address. Add one first.")
	// A user without an address can't be notified of a reset, and the page does not claim it.
	b.Get("/admin/users/JJONES/reset-two-factor")
	wantPage(t, b.Post("/admin/users/JJONES/reset-two-factor", "reason", "a try"), 200, "was reset", "Nobody could be told")
}

// Users reset themselves in the User Profile. A reset of a user with more rights is refused before
// the reason is asked for (RS-02).
func TestResetPagesThatRefuse(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *apptest.App) {
		h.User("CBILLS", countersign.RightReset)
		b := signedIn(h, "CBILLS")
		wantPage(t, b.Get("/admin/users/ADMIN/reset-two-factor"), 403, "Ann Admin holds a right that you do not hold", "Go to User Administration")
		wantPage(t, b.Get("/admin/users/CBILLS/reset-two-factor"), 403, "Reset yourself in your User Profile")
		if p := b.Get("/admin/users/CBILLS"); !p.Has("a", "href", "/profile/reset-two-factor") || p.Has("a", "href", "/admin/users/CBILLS/reset-two-factor") {
			t.Error("the own page does not lead to the User Profile")
		}
		h.Set("2FASELFRESET", "Off")
		wantPage(t, b.Get("/profile/reset-two-factor"), 403, "Your agency does not let users reset themselves")
		if b.Get("/profile").Has("a", "href", "/profile/reset-two-factor") {
			t.Error("the profile offers what is refused")
		}
	})
}

// The User Profile shows only the user's own devices, sessions and methods.
func TestProfile(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *apptest.App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", apptest.Chrome)
		b.EnrollApp("BSMITH", "app")
		other := h.Browser("192.0.2.11", apptest.Edge)
		other.SignIn("BSMITH")
		h.Pass(45 * time.Second)
		wantPage(t, b.Get("/profile"), 200, "Authenticator (Default)", "Email", "Required, so it cannot be removed", "This device", "This session", "You are asked again after November 9 at 2:00 PM")
		for _, path := range []string{"/profile/methods/remove?method=email", "/profile/methods/remove?method=sms", "/profile/devices/forget?device=none"} {
			if p := b.Get(path); p.Status != 404 {
				t.Errorf("%s: %d", path, p.Status)
			}
		}
		wantPage(t, b.Get("/profile/methods/remove?method=app"), 200, "Remove Authenticator?", "Your Default is then Email")
		wantPage(t, b.Post("/profile/methods/remove", "method", "app"), 200, "The method was removed.", "Email (Default)")
		wantPage(t, b.Get("/profile/devices/forget"), 200) // all were forgotten with the method: back to the profile
		wantPage(t, b.Post("/profile/sessions/end", "session", "none"), 404, "That session is not there any more", "Go to the User Profile")
		wantPage(t, b.Post("/profile/default", "default", "sms"), 422, "Choose one of the methods that are set up.")
	})
}
