package apptest

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/edge"
	"countersign/internal/store"
	"countersign/internal/web"
)

// A half is a client that is not signed in, or not far enough: which pages it can open, and no
// others (SE-02, ER-01).
type half struct {
	name  string
	come  func(h *App) *Browser
	pages []string // what a GET shows
	forms []string // what it may post
	lets  []string // tables that a refused form may change: what waits for a step-up
}

// Pages and forms open to anyone: they lead to the sign-in, and grant nothing by themselves. A *
// matches any suffix.
var (
	anyonesPages = []string{"GET /healthz", "GET /demo/inbox", "GET /demo/inbox/new", "GET /password/forgot"}
	anyonesForms = []string{"POST /sign-in", "POST /sign-in/passkey", "POST /welcome", "POST /not-me", "POST /password/forgot", "POST /password/reset", "POST /sign-out"}
)

var (
	tokenForms  = []string{"POST /sign-in/*"}
	wizardForms = []string{"POST /set-up/*", "POST /sign-in/cancel"}
	ownForms    = []string{"POST /profile/*", "POST /password/change"}
	stepUpForms = []string{"POST /step-up*"}
	ownPages    = []string{"GET /{$}", "GET /profile", "GET /profile/email", "GET /profile/phone", "GET /profile/recovery-codes", "GET /profile/reset-two-factor",
		"GET /profile/devices/forget", "GET /password/change", "GET /set-up/done", "GET /set-up/more", "GET /sign-out"}
)

// among reports whether a pattern is in a list.
func among(list []string, pattern string) bool {
	return slices.ContainsFunc(list, func(one string) bool {
		start, all := strings.CutSuffix(one, "*")
		return one == pattern || all && strings.HasPrefix(pattern, start)
	})
}

// halves is the table of who may open what.
var halves = []half{
	{name: "nobody", come: (*App).nobody},
	{name: "password only", come: (*App).passwordOnly, pages: []string{"GET /sign-in/token", "GET /sign-in/other-way"}, forms: tokenForms},
	{name: "third failure", come: (*App).thirdFailure},
	{name: "wizard", come: (*App).inWizard, pages: []string{"GET /set-up/email"}, forms: wizardForms},
	{name: "after a reset", come: (*App).afterReset, pages: []string{"GET /set-up/email"}, forms: wizardForms},
	{name: "another agency's session", come: (*App).ofAnotherAgency},
	{name: "ended session", come: (*App).ended},
	{name: "disabled", come: (*App).disabled},
	{name: "idle session", come: (*App).idle, lets: []string{"attempt"}},
	{name: "step-up pending", come: (*App).steppingUp, pages: append([]string{"GET /step-up", "GET /step-up/other-way"}, ownPages...), forms: stepUpForms,
		lets: []string{"attempt", "message", "lane", "guess"}}, // a password typed in between counts as a try
	{name: "no rights", come: (*App).withoutRights, pages: ownPages, forms: ownForms},
}

// In half a sign-in, and without a right, only the pages in the table open: no other page, no
// session, no row of the database. Every route is tried, by GET and by POST with fields that would
// be valid.
func TestHalfSessionsOpenNothing(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		look := dumper(t, h, "event", "event_head")
		for _, who := range halves {
			t.Run(who.name, func(t *testing.T) { who.tryAll(t, h, look) })
		}
	})
}

func (who half) tryAll(t *testing.T, h *App, look func() dump) {
	b := who.come(h)
	opened, before, last := 0, look(), h.newest(0)[0].Seq
	for _, r := range h.Routes {
		if !who.tries(r) || who.own(r) {
			continue
		}
		if who.try(t, h, b, r).Status < 300 {
			opened++
		}
		after := look()
		if changed := before.changes(after, who.lets...); len(changed) > 0 {
			t.Errorf("%s changed %v", r.Pattern, changed)
		}
		before = after
		for _, e := range h.newest(last) { // a refusal may be audited, and that a step-up is required
			if last = max(last, e.Seq); e.Result == "ok" && e.Action != "step-up.asked" && e.Action != "token.sent" {
				t.Errorf("%s did something: %s", r.Pattern, e.Action)
			}
		}
	}
	for _, r := range h.Routes {
		switch {
		case !who.tries(r) || !who.own(r):
		case !who.signedIn() && among(anyonesForms, r.Pattern):
			who.try(t, h, b, r)
		default:
			who.try(t, h, who.come(h), r) // what may change is done as a separate user
		}
	}
	want := len(slices.DeleteFunc(slices.Clone(h.Routes), func(r web.Route) bool { return !among(who.opens(), r.Pattern) }))
	if opened != want || want < 2 {
		t.Errorf("%d pages opened, which should have been %d", opened, want)
	}
}

// tries leaves out files, and the pattern for all other paths.
func (half) tries(r web.Route) bool {
	return strings.Contains(r.Pattern, " ") && !strings.HasPrefix(r.Pattern, "GET /static/")
}

// signedIn reports whether the client is signed in, only without some rights or proofs.
func (who half) signedIn() bool { return slices.Contains(who.pages, "GET /profile") }

// opens returns the pages that a GET shows. A signed-in client is not asked to sign in.
func (who half) opens() []string {
	all := append(slices.Clone(anyonesPages), who.pages...)
	if who.signedIn() {
		return all
	}
	return append(all, "GET /sign-in")
}

// own reports whether the form is one of the client's step.
func (who half) own(r web.Route) bool {
	return among(who.forms, r.Pattern) || among(anyonesForms, r.Pattern)
}

// try sends one request in a copy of the browser.
func (who half) try(t *testing.T, h *App, b *Browser, r web.Route) *Page {
	t.Helper()
	method, _, _ := strings.Cut(r.Pattern, " ")
	may := among(who.opens(), r.Pattern)
	c := b.Copy(b.IP, b.Agent)
	var p *Page
	if method == "GET" {
		p = c.Do("GET", place(r, "ADMIN"), nil)
	} else {
		fields := form(r, h.formToken(c, r.Kind))
		if among(stepUpForms, r.Pattern) {
			fields.Set("act", c.Do("GET", "/step-up", nil).Value("act"))
		}
		p = c.Do("POST", place(r, "ADMIN"), fields)
	}
	if made := slices.ContainsFunc(p.Header.Values("Set-Cookie"), func(c string) bool { return strings.HasPrefix(c, "session=") && !strings.HasPrefix(c, "session=;") }); made && !(who.signedIn() && who.own(r)) {
		t.Errorf("%s made a session", r.Pattern)
	}
	if !who.signedIn() {
		if in := c.Do("GET", "/profile", nil); in.Status != 303 {
			t.Errorf("after %s the client is signed in: %d", r.Pattern, in.Status)
		}
	}
	if open := p.Status < 300; open != may && !who.own(r) {
		t.Errorf("%s: %d, which %v: %s", r.Pattern, p.Status, map[bool]string{true: "may open", false: "must not"}[may], p.Text())
	}
	return p
}

// newest returns the rows of the audit log after a number, newest first.
func (h *App) newest(after int64) (rows []countersign.Event) {
	h.T.Helper()
	err := h.DB.Read(h.T.Context(), h.Agency.ID, func(tx *store.Tx) error {
		all, err := tx.Events(h.T.Context(), "", 20)
		rows = slices.DeleteFunc(all, func(e countersign.Event) bool { return e.Seq <= after })
		return err
	})
	if err != nil {
		h.T.Fatal(err)
	}
	return rows
}

// formToken returns the form token of the browser's cookies, as the pages have it.
func (h *App) formToken(b *Browser, kind web.RouteKind) string {
	entrance := edge.Guard{Key: h.DB.Key()}
	if kind == web.RouteOpen {
		return entrance.FormToken(edge.Attempt, countersign.Handle(b.Cookie("attempt")))
	}
	return entrance.FormToken(edge.Session, countersign.Handle(b.Cookie("session")))
}

// enrolledUser returns a new user, set up with email and app, and their browser.
func (h *App) enrolledUser() (string, *Browser) {
	h.T.Helper()
	login := h.recruit()
	b := h.Browser("192.0.2.10", Chrome)
	b.EnrollApp(login, "app")
	return login, b
}

var recruits atomic.Int64

// recruit returns a new user who is not set up.
func (h *App) recruit() string {
	h.T.Helper()
	login := fmt.Sprintf("USER%d", recruits.Add(1))
	h.User(login)
	return login
}

func (h *App) nobody() *Browser {
	b := h.Browser("192.0.2.30", Chrome)
	b.Get("/sign-in")
	return b
}

func (h *App) passwordOnly() *Browser {
	login, _ := h.enrolledUser()
	b := h.Browser("192.0.2.30", Chrome)
	wantPath(h, b.SignIn(login), "/sign-in/token")
	return b
}

func (h *App) thirdFailure() *Browser {
	b := h.passwordOnly()
	for range 3 {
		b.Post("/sign-in/token", "token", "000000")
	}
	wantPath(h, b.page, "/sign-in")
	return b
}

func (h *App) inWizard() *Browser {
	b := h.Browser("192.0.2.30", Chrome)
	wantPath(h, b.SignIn(h.recruit()), "/set-up/email")
	return b
}

func (h *App) afterReset() *Browser {
	login, b := h.enrolledUser()
	if _, err := h.Admin.ResetTwoFactor(h.T.Context(), h.Visit(), Operator, login, "a test"); err != nil {
		h.T.Fatal(err)
	}
	wantPath(h, b.SignIn(login), "/set-up/email")
	return b
}

func (h *App) ofAnotherAgency() *Browser {
	ctx := h.T.Context()
	n := recruits.Add(1)
	host := fmt.Sprintf("login%d.acme.example", n)
	other, err := h.Admin.AddAgency(ctx, h.Now(), countersign.Agency{Code: fmt.Sprintf("ACME%d", n), Name: "Acme Insurance", Hosts: []string{host}})
	if err != nil {
		h.T.Fatal(err)
	}
	v := h.Visit()
	v.Agency = other
	if _, err := h.Admin.AddUser(ctx, v, Operator, admin.NewUser{Login: "ADMIN", Name: "Another Ann", Email: "ann@acme.example", Password: Password, Rights: countersign.AgencyRights}); err != nil {
		h.T.Fatal(err)
	}
	b := h.Browser("192.0.2.30", Chrome)
	b.Host = host
	wantPath(h, b.SignIn("ADMIN"), "/") // its 2FA was never turned on
	b.Host = ""
	return b
}

func (h *App) ended() *Browser {
	login, b := h.enrolledUser()
	if err := h.Admin.EndSessions(h.T.Context(), h.Visit(), Operator, login); err != nil {
		h.T.Fatal(err)
	}
	return b
}

func (h *App) disabled() *Browser {
	login, b := h.enrolledUser()
	off := true
	if _, err := h.Admin.EditUser(h.T.Context(), h.Visit(), Operator, login, admin.Change{Version: admin.AnyVersion, Disabled: &off}); err != nil {
		h.T.Fatal(err)
	}
	return b
}

func (h *App) idle() *Browser {
	_, b := h.enrolledUser()
	h.Pass(time.Hour)
	return b
}

func (h *App) steppingUp() *Browser {
	_, b := h.enrolledUser()
	h.Pass(10 * time.Minute)
	b.Get("/profile")
	wantPath(h, b.Post("/profile/default", "default", "email"), "/step-up")
	return b
}

func (h *App) withoutRights() *Browser {
	_, b := h.enrolledUser()
	b.Get("/profile")
	return b
}

func wantPath(h *App, p *Page, path string) {
	h.T.Helper()
	if p.Path != path {
		h.T.Fatalf("want %s, got %d %s: %s", path, p.Status, p.Path, p.Text())
	}
}
