package apptest

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/admin"
)

// race runs a test of concurrent requests: on PostgreSQL with as many nodes as it asks for, on
// SQLite, which has one node, with the same node each time.
func race(t *testing.T, f func(t *testing.T, h *App, node func() *App)) {
	t.Helper()
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		h := Open(t, SQLite(t))
		f(t, h, func() *App { return h })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		h := Open(t, PostgreSQL(t))
		f(t, h, h.Node)
	})
}

// together posts the same form concurrently from n clones of a browser, to the nodes in turn, and
// returns the answers.
func together(b *Browser, nodes []*App, n int, path string, fields func(i int) []string) []*Page {
	start := make(chan struct{})
	pages := make([]*Page, n)
	var all sync.WaitGroup
	for i := range n {
		c := b.Copy(b.IP, b.Agent)
		c.House = nodes[i%len(nodes)]
		c.page = b.page
		all.Go(func() {
			<-start
			pages[i] = c.Send(path, fields(i)...)
		})
	}
	close(start)
	all.Wait()
	return pages
}

// admitted counts the answers that created a session.
func admitted(pages []*Page) (n int) {
	for _, p := range pages {
		for _, c := range p.Header.Values("Set-Cookie") {
			if strings.HasPrefix(c, "session=") && !strings.HasPrefix(c, "session=;") {
				n++
			}
		}
	}
	return n
}

// TH-01: of 200 concurrent tries at one token on two nodes three are compared, and after the third
// failure the correct token fails.
func TestTwoHundredTokensAtOnce(t *testing.T) {
	race(t, func(t *testing.T, h *App, node func() *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		b := h.Browser("192.0.2.20", Chrome)
		b.SignIn("BSMITH")
		right := h.Token("bsmith@demo.example")
		var judged atomic.Int32
		pages := together(b, []*App{h, node()}, 200, "/sign-in/token", func(int) []string { return []string{"token", otherThan(right)} })
		for _, p := range pages {
			if p.Status == http.StatusUnprocessableEntity {
				judged.Add(1)
			}
		}
		n := 0
		for _, line := range h.Events("BSMITH") {
			if line == "token.wrong refused" {
				n++
			}
		}
		if n != 3 {
			t.Errorf("%d guesses were judged, want 3 (%d told tries left)", n, judged.Load())
		}
		if n := admitted(append(pages, b.Send("/sign-in/token", "token", right))); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

// PK-01: of 50 concurrent posts of one correct answer of a passkey, on two nodes, one creates a
// session; alone, and as the second factor.
func TestOnePasskeyAnswerAtOnce(t *testing.T) {
	race(t, func(t *testing.T, h *App, node func() *App) {
		h.User("BSMITH")
		h.Set("PASSKEYSIGNIN", "On")
		a := NewAuthenticator(t)
		h.Browser("192.0.2.10", Chrome).EnrollPasskey("BSMITH", "passkey", a)
		nodes := []*App{h, node()}
		b := h.Browser("192.0.2.20", Chrome)
		answer := a.Answer(b.Get("/sign-in").Options())
		if n := admitted(together(b, nodes, 50, "/sign-in/passkey", func(int) []string { return []string{"credential", answer} })); n != 1 {
			t.Errorf("alone: %d sessions", n)
		}
		b = h.Browser("192.0.2.21", Chrome)
		answer = a.Answer(b.SignIn("BSMITH").Options())
		if n := admitted(together(b, nodes, 50, "/sign-in/token", func(int) []string { return []string{"credential", answer} })); n != 1 {
			t.Errorf("second factor: %d sessions", n)
		}
	})
}

// OT-03: of 100 concurrent posts of one correct token, on two nodes, one creates a session.
func TestOneTokenAtOnce(t *testing.T) {
	race(t, func(t *testing.T, h *App, node func() *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		b := h.Browser("192.0.2.20", Chrome)
		b.SignIn("BSMITH")
		right := h.Token("bsmith@demo.example")
		pages := together(b, []*App{h, node()}, 100, "/sign-in/token", func(int) []string { return []string{"token", right} })
		if n := admitted(pages); n != 1 {
			t.Errorf("%d sessions, want 1", n)
		}
	})
}

// OT-08: one token of the app, posted concurrently in many sign-ins of its user, on two nodes,
// creates one session.
func TestOneAppTokenAtOnce(t *testing.T) {
	race(t, func(t *testing.T, h *App, node func() *App) {
		h.User("BSMITH")
		key := h.Browser("192.0.2.10", Chrome).EnrollApp("BSMITH", "app")
		h.Pass(time.Minute)
		token := h.AppToken(key)
		nodes := []*App{h, node()}
		nodes[1].Pass(h.Now().Sub(nodes[1].Now()))
		const n = 20
		browsers := make([]*Browser, n)
		for i := range browsers {
			browsers[i] = nodes[i%2].Browser("192.0.2.20", Chrome)
			browsers[i].SignIn("BSMITH")
		}
		pages := make([]*Page, n)
		var all sync.WaitGroup
		for i, b := range browsers {
			all.Go(func() { pages[i] = b.Send("/sign-in/token", "token", token) })
		}
		all.Wait()
		if n := admitted(pages); n != 1 {
			t.Errorf("%d sessions, want 1", n)
		}
	})
}

// RS-03: of 50 concurrent passwords after a reset one set-up remains, and none reaches anything
// else.
func TestWizardsAfterAResetAtOnce(t *testing.T) {
	race(t, func(t *testing.T, h *App, node func() *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		if _, err := h.Admin.ResetTwoFactor(t.Context(), h.Visit(), Operator, "BSMITH", "phone lost"); err != nil {
			t.Fatal(err)
		}
		b := h.Browser("192.0.2.20", Chrome)
		b.Get("/sign-in")
		nodes := []*App{h, node()}
		browsers := make([]*Browser, 50)
		var all sync.WaitGroup
		for i := range browsers {
			browsers[i] = b.Copy(b.IP, b.Agent)
			browsers[i].House, browsers[i].page = nodes[i%2], b.page
			all.Go(func() { browsers[i].Post("/sign-in", "user_id", "BSMITH", "password", Password) })
		}
		all.Wait()
		live := 0
		for _, b := range browsers {
			if p := b.Get("/set-up/email"); p.Path == "/set-up/email" && p.Status == http.StatusOK {
				live++
			}
			if p := b.Get("/profile"); p.Path == "/profile" {
				t.Error("a wizard opened the User Profile")
			}
		}
		if live != 1 {
			t.Errorf("%d wizards are live, want 1", live)
		}
	})
}

// SM-02: the tenth digit and the button at once send one message.
func TestTenthDigitAndButton(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		b.Get("/set-up/sms")
		together(b, []*App{h}, 2, "/set-up/sms", func(int) []string { return []string{"phone", "6145550112"} })
		if n := len(h.Mail("+16145550112")); n != 1 {
			t.Errorf("%d messages, want 1", n)
		}
	})
}

// Unknown user, wrong password and disabled user get the same answer: status, headers, cookies and
// body, except for the random parts of each page (EN-01).
func TestUnknownAndWrongAlike(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("CBILLS")
		h.User("GONE")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		b := h.Browser("192.0.2.20", Chrome)
		answer := func(login, password string) (int, string, string) {
			b.Get("/sign-in")
			p := b.Send("/sign-in", "user_id", login, "password", password)
			body := strings.ReplaceAll(p.Body, p.Value("form_token"), "")
			return p.Status, strings.ReplaceAll(body, login, "USER"), strings.Join(p.Header.Values("Set-Cookie"), "\n")
		}
		status, body, cookies := answer("BSMITH", wrongPassword)
		if status != http.StatusUnprocessableEntity {
			t.Fatalf("a wrong password: %d", status)
		}
		off := true
		if _, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, "GONE", admin.Change{Disabled: &off, Reason: "left", Version: admin.AnyVersion}); err != nil {
			t.Fatal(err)
		}
		for login, password := range map[string]string{"CBILLS": wrongPassword, "NOBODY": wrongPassword, "GONE": Password} {
			s, bo, c := answer(login, password)
			if s != status || bo != body || c != cookies {
				t.Errorf("%s is answered otherwise than BSMITH: %d, %d bytes against %d, cookies %q against %q", login, s, len(bo), len(body), c, cookies)
			}
		}
	})
}

// NT-02: names of users can't forge headers or markup of mails.
func TestHostileNames(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", "Mozilla/5.0 \"<script>alert(1)</script>")
		b.Enroll("BSMITH")
		for _, m := range h.Mail("") {
			if strings.ContainsAny(m.Subject, "\r\n") || strings.Contains(m.HTML, "<script") {
				t.Errorf("%s: %q", m.Subject, m.HTML)
			}
		}
		if p := b.Get("/profile"); strings.Contains(p.Body, "<script>alert") {
			t.Error("a user agent reached the page as markup")
		}
	})
}

// A half sign-in opens only its own step (SE-02): the pages of set-up, of a session and of
// administration stay closed, whatever is posted.
func TestHalfSignInOpensNothing(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.Browser("192.0.2.10", Chrome).Enroll("ADMIN")
		half := h.Browser("192.0.2.20", Chrome)
		half.SignIn("ADMIN")
		pages := []string{"/", "/profile", "/profile/reset-two-factor", "/set-up", "/set-up/email", "/set-up/app", "/set-up/sms", "/set-up/default",
			"/set-up/done", "/step-up", "/admin", "/admin/system/preferences", "/admin/users", "/admin/users/ADMIN", "/admin/users/new"}
		for _, path := range pages {
			if p := half.Do("GET", path, nil); p.Status/100 == 2 {
				t.Errorf("GET %s answered %d", path, p.Status)
			}
			form := url.Values{"form_token": {half.page.FormToken()}, "email": {"x@y.example"}, "token": {"123456"}, "default": {"email"},
				"code": {"2FA"}, "value": {"Off"}, "step": {"save"}, "reason": {"r"}, "password": {Password}}
			if p := half.Do("POST", path, form); p.Status/100 == 2 || strings.Contains(strings.Join(p.Header.Values("Set-Cookie"), "\n"), "session=") {
				t.Errorf("POST %s answered %d %v", path, p.Status, p.Header["Set-Cookie"])
			}
		}
	})
}
