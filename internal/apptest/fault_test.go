package apptest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/internal/store"
)

// A flow is one request that changes something, and its preparation.
type flow struct {
	name string
	// before prepares everything in a new browser and returns the request.
	before func(h *App, b *Browser) (path string, fields []string)
	// after reports whether the answer is that of a successful request.
	after func(p *Page) bool
}

func leadsTo(path string) func(*Page) bool {
	return func(p *Page) bool { return p.Status == http.StatusSeeOther && strings.HasPrefix(p.Location, path) }
}

// flows are a sign-in, a set-up, a reset and a change, step by step.
var flows = []flow{
	{"the password", func(_ *App, b *Browser) (string, []string) {
		b.Get("/sign-in")
		return "/sign-in", []string{"user_id", "BSMITH", "password", Password}
	}, leadsTo("/sign-in/token")},
	{"the token", func(h *App, b *Browser) (string, []string) {
		b.SignIn("BSMITH")
		return "/sign-in/token", []string{"token", h.Token("bsmith@demo.example")}
	}, leadsTo("/")},
	{"a new token", func(h *App, b *Browser) (string, []string) {
		b.SignIn("BSMITH")
		h.Pass(time.Minute)
		return "/sign-in/token/new", nil
	}, leadsTo("/sign-in/token")},
	{"the address in set-up", func(h *App, b *Browser) (string, []string) {
		reset(h, "CBILLS")
		b.SignIn("CBILLS")
		return "/set-up/email", []string{"email", "cbills@demo.example"}
	}, leadsTo("/set-up/email")},
	{"the token in set-up", func(h *App, b *Browser) (string, []string) {
		reset(h, "CBILLS")
		b.SignIn("CBILLS")
		b.Post("/set-up/email", "email", "cbills@demo.example")
		return "/set-up/email/token", []string{"token", h.Token("cbills@demo.example")}
	}, leadsTo("/set-up")},
	{"the end of set-up", func(h *App, b *Browser) (string, []string) {
		reset(h, "CBILLS")
		b.SignIn("CBILLS")
		b.Post("/set-up/email", "email", "cbills@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("cbills@demo.example"))
		return "/set-up/skip", nil
	}, leadsTo("/set-up/done")},
	{"a passkey", func(h *App, b *Browser) (string, []string) {
		a := h.authenticator("CBILLS")
		p := b.SignIn("CBILLS")
		return "/sign-in/token", []string{"credential", a.Answer(p.Options())}
	}, leadsTo("/")},
	{"a new passkey", func(h *App, b *Browser) (string, []string) {
		reset(h, "CBILLS")
		b.SignIn("CBILLS")
		b.Post("/set-up/email", "email", "cbills@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("cbills@demo.example"))
		p := b.Get("/set-up/passkey")
		return "/set-up/passkey", []string{"passkey_name", "A key", "credential", NewAuthenticator(h.T).Make(p.Options())}
	}, leadsTo("/set-up")},
	{"a passkey alone", func(h *App, b *Browser) (string, []string) {
		a := h.authenticator("CBILLS")
		p := b.Get("/sign-in")
		return "/sign-in/passkey", []string{"credential", a.Answer(p.Options())}
	}, leadsTo("/")},
	{"a reset of oneself", func(h *App, b *Browser) (string, []string) {
		enrolled(h, b, "JJONES")
		b.Get("/profile/reset-two-factor")
		return "/profile/reset-two-factor", []string{"password", Password}
	}, leadsTo("/set-up")},
	{"a reset by an administrator", func(h *App, b *Browser) (string, []string) {
		signedIn(h, b, "ADMIN")
		b.Get("/admin/users/BSMITH/reset-two-factor")
		return "/admin/users/BSMITH/reset-two-factor", []string{"reason", "lost phone"}
	}, leadsTo("/admin/users/BSMITH")},
	{"a preference", func(h *App, b *Browser) (string, []string) {
		signedIn(h, b, "ADMIN")
		version := b.Get("/admin/system/preferences?edit=2FAFREQUENCY").Value("version")
		return "/admin/system/preferences", []string{"code", "2FAFREQUENCY", "value", "0", "version", version, "step", "save"}
	}, leadsTo("/admin/system/preferences")},
}

func reset(h *App, login string) {
	h.T.Helper()
	if _, err := h.Admin.ResetTwoFactor(h.T.Context(), h.Visit(), Operator, login, "a test"); err != nil {
		h.T.Fatal(err)
	}
}

// enrolled sets a user up again and leaves them signed in.
func enrolled(h *App, b *Browser, login string) {
	h.T.Helper()
	reset(h, login)
	if p := b.Enroll(login); p.Status != http.StatusOK {
		h.T.Fatalf("%s cannot be set up: %d %s", login, p.Status, p.Text())
	}
}

// signedIn signs a user in with a token.
func signedIn(h *App, b *Browser, login string) {
	h.T.Helper()
	b.SignIn(login)
	if p := b.Post("/sign-in/token", "token", h.Token(strings.ToLower(login)+"@demo.example")); p.Path != "/" {
		h.T.Fatalf("%s cannot sign in: %d %s", login, p.Status, p.Text())
	}
}

// paid is what may have changed though a request failed: tries stay counted, a session was used, a
// message was claimed.
var paid = []string{"attempt.failures", "attempt.tried", "session.last_seen", "guess", "lane"}

// WB-07: whichever call of the store fails during a request, there is no session, no partial change
// and no stack trace, but a page that explains. The same request succeeds once the store is back.
func TestFaults(t *testing.T) {
	t.Parallel()
	engines := map[string]func(*testing.T) string{
		"SQLite":     func(t *testing.T) string { return SQLite(t) },
		"PostgreSQL": func(t *testing.T) string { return PostgreSQL(t) },
	}
	for engine, url := range engines {
		for _, f := range flows {
			t.Run(engine+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				faults := &Faults{}
				h := Open(t, url(t), store.Through(faults.Through))
				h.User("BSMITH")
				h.User("CBILLS")
				h.User("JJONES")
				h.Administrator()
				for _, login := range []string{"BSMITH", "ADMIN"} {
					h.Browser("192.0.2.10", Chrome).Enroll(login)
				}
				look := dumper(t, h, paid...)
				for _, how := range []fault{refused, gone} {
					calls := everyCall(t, h, faults, f, how, look)
					if calls < 5 {
						t.Errorf("only %d calls of the store were tried", calls)
					}
				}
			})
		}
	}
}

// everyCall makes the first, second, third … call of the store fail until the request needs no more
// calls, and returns how many there were.
func everyCall(t *testing.T, h *App, faults *Faults, f flow, how fault, look func() dump) int {
	t.Helper()
	for n := 1; ; n += stride {
		h.Pass(26 * time.Hour)                                               // so that the daily quotas are empty again
		if err := h.Authn.ExpireAttempts(t.Context(), h.Now()); err != nil { // and no user waits for a token any more
			t.Fatal(err)
		}
		h.Set("2FAFREQUENCY", "7")
		if how == refused && f.name == "a reset by an administrator" {
			h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		}
		b := h.Browser("192.0.2.20", Chrome)
		path, fields := f.before(h, b)
		h.Mail("")
		before := look()
		faults.arm(n, how)
		p := b.Send(path, fields...)
		happened := faults.disarm()
		if !happened {
			if !f.after(p) {
				t.Fatalf("without a fault: %d %s %s", p.Status, p.Location, p.Text())
			}
			return n - stride
		}
		if f.after(p) {
			if lost := faults.lost(); lost != "" { // no write may be lost: the request reported success
				t.Errorf("call %d failed, and the request claims success without: %s", n, strings.Join(strings.Fields(lost), " "))
			}
			continue // the call was optional: something only shown, or a page marked as seen
		}
		comesToNothing(t, n, p, before.differences(look()))
	}
}

// comesToNothing checks the answer of a request that met a fault.
func comesToNothing(t *testing.T, n int, p *Page, changed []string) {
	t.Helper()
	if p.Status != http.StatusInternalServerError && p.Status != http.StatusServiceUnavailable {
		t.Errorf("call %d failed: answered %d %s %s", n, p.Status, p.Location, p.Text())
	}
	if !p.Says("Nothing was changed") {
		t.Errorf("call %d failed: the page says %s", n, p.Text())
	}
	said := strings.ReplaceAll(p.Body, p.FormToken(), "") // a form token may contain any three letters
	for _, inside := range []string{"goroutine", "sql", "went away", "internal/"} {
		if strings.Contains(said, inside) {
			t.Errorf("call %d failed: the page shows %q", n, inside)
		}
	}
	if admitted([]*Page{p}) != 0 {
		t.Errorf("call %d failed, and there is a session", n)
	}
	if len(changed) > 0 {
		t.Errorf("call %d failed, and this has changed:\n%s", n, strings.Join(changed, "\n"))
	}
}
