package apptest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/policy"
	"countersign/internal/store"
)

const bsmith = "bsmith@demo.example"

// fail enters wrong tokens into a sign-in that asks for one, and returns the last answer.
func (b *Browser) fail(n int) (p *Page) {
	for range n {
		p = b.Post("/sign-in/token", "token", "000000")
	}
	return p
}

// failSignIn signs in with the correct password and three wrong tokens.
func failSignIn(t *testing.T, h *App, ip string) {
	t.Helper()
	failSignInWith(t, h, ip, Password)
}

func failSignInWith(t *testing.T, h *App, ip, password string) {
	t.Helper()
	b := h.Browser(ip, Edge)
	wantToken(t, b.SignInWith("BSMITH", password))
	wantAt(t, b.fail(3), 200, "/sign-in", "After three failed attempts you need to log in again")
}

// TH-01, TH-03: after the second failed sign-in the user must wait 30 seconds for this method, then
// 60, and so on: on every node, and for a sign-in begun before as well. A correct token is refused
// too, and no token is sent during the wait. A success restarts the count.
func TestTokenWaits(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.Pass(2 * time.Hour)
		before := h.Browser("192.0.2.50", Chrome)
		before.SignIn("BSMITH")
		failSignIn(t, h, "192.0.2.21")
		failSignIn(t, h, "192.0.2.22")
		right := h.Token(bsmith)
		sent := len(h.Mail(bsmith))
		wantWait(t, h.Browser("192.0.2.23", Edge).SignIn("BSMITH"), 30*time.Second, "Too many attempts. You can try again at ")
		node := h.Node()
		wantWait(t, node.Browser("192.0.2.24", Edge).SignIn("BSMITH"), 30*time.Second)
		wantWait(t, before.Post("/sign-in/token", "token", right), 30*time.Second)
		wantAt(t, before.Get("/sign-in/token"), 200, "/sign-in/token", "Too many attempts")
		wantWait(t, before.Post("/sign-in/token/new"), 30*time.Second)
		if n := len(h.Mail(bsmith)); n != sent {
			t.Errorf("%d messages were sent during the wait", n-sent)
		}
		wait := 30 * time.Second
		for _, next := range []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, time.Hour} {
			h.Pass(wait)
			failSignIn(t, h, "192.0.2.25")
			wantWait(t, h.Browser("192.0.2.26", Edge).SignIn("BSMITH"), next)
			wait = next
		}
		h.Pass(wait)
		b := h.Browser("192.0.2.27", Chrome)
		b.SignIn("BSMITH")
		wantIn(t, b.Post("/sign-in/token", "token", h.Token(bsmith)), "BSMITH")
		failSignIn(t, h, "192.0.2.28")
		wantToken(t, h.Browser("192.0.2.29", Edge).SignIn("BSMITH"))
	})
}

// Failures of unfinished sign-ins count too: tries are counted, not sign-ins.
func TestUnfinishedSignInsCount(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		for i := range 6 {
			b := h.Browser(fmt.Sprintf("192.0.2.%d", 100+i), Edge)
			b.SignIn("BSMITH")
			b.fail(1)
		}
		wantWait(t, h.Browser("192.0.2.120", Edge).SignIn("BSMITH"), 30*time.Second)
	})
}

// The wait is for one method; another one works. The step-up and set-up wait as well.
func TestAnotherMethodDoesNotWait(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		ownBrowser := h.Browser("192.0.2.10", Chrome)
		key := ownBrowser.EnrollApp("BSMITH", "email")
		h.Pass(2 * time.Hour)
		failSignIn(t, h, "192.0.2.21")
		failSignIn(t, h, "192.0.2.22")
		b := h.Browser("192.0.2.23", Chrome)
		p := b.SignIn("BSMITH")
		wantAt(t, p, 200, "/sign-in/token", "Too many attempts", "Authenticator app")
		wantAt(t, b.Post("/sign-in/other-way", "method", "app"), 200, "/sign-in/token", "authenticator app")
		wantIn(t, b.Post("/sign-in/token", "token", h.AppToken(key)), "BSMITH")

		ownBrowser.SignIn("BSMITH") // remembered
		ownBrowser.Get("/profile/reset-two-factor")
		p = ownBrowser.Post("/profile/reset-two-factor", "password", Password)
		wantAt(t, p, 200, "/step-up", "Too many attempts")
		wantWait(t, ownBrowser.Post("/step-up", "token", "000000"), 30*time.Second)
	})
}

// TH-02: 30 wrong tokens in 24 hours, with a successful sign-in between each two, stop all tokens:
// the 31st is not compared, nor is a correct one, by any method, in a step-up and after a restart.
// The user gets one notice; remembered devices keep working. When the oldest is a day old, one more
// is allowed.
func TestThirtyWrongTokensInADay(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		ownBrowser := h.Browser("192.0.2.10", Chrome)
		key := ownBrowser.EnrollApp("BSMITH", "app")
		good := h.Browser("192.0.2.11", Chrome)
		for i := range 30 {
			h.Pass(10 * time.Minute)
			b := h.Browser(fmt.Sprintf("192.0.2.%d", 100+i), Edge)
			b.SignIn("BSMITH")
			b.fail(1)
			if i == 29 {
				break
			}
			h.Pass(time.Minute)
			good.SignIn("BSMITH")
			wantIn(t, good.Post("/sign-in/token", "token", h.AppToken(key)), "BSMITH")
			good.SignOut()
			good.Forget()
		}
		h.Pass(time.Minute)
		until := policy.Day - 29*11*time.Minute - time.Minute
		b := h.Browser("192.0.2.200", Chrome)
		wantWait(t, b.SignIn("BSMITH"), until, "Tokens are stopped for your user ID", "30 wrong tokens in 24 hours", "Tokens work again ")
		wantWait(t, h.Node().Browser("192.0.2.201", Chrome).SignIn("BSMITH"), until)
		if n := countSubjects(h, bsmith, "Tokens are stopped for your user ID"); n != 1 {
			t.Errorf("%d letters, want 1", n)
		}
		if !slices.Contains(h.Events("BSMITH"), "throttle.alarm refused") {
			t.Error("the stop is not in the audit log")
		}
		ownBrowser.SignOut()
		wantIn(t, ownBrowser.SignIn("BSMITH"), "BSMITH")
		ownBrowser.Get("/profile/reset-two-factor")
		wantAt(t, ownBrowser.Post("/profile/reset-two-factor", "password", Password), 200, "/step-up", "30 wrong tokens in 24 hours")
		wantWait(t, ownBrowser.Post("/step-up", "token", h.AppToken(key)), until, "Tokens are stopped for your user ID")

		h.Pass(until)
		b.SignIn("BSMITH")
		wantIn(t, b.Post("/sign-in/token", "token", h.AppToken(key)), "BSMITH")
		b = h.Browser("192.0.2.202", Edge)
		b.SignIn("BSMITH")
		b.fail(1)
		wantWait(t, h.Browser("192.0.2.203", Edge).SignIn("BSMITH"), 10*time.Minute+time.Minute)
	})
}

// TH-02: 100 wrong tokens in 30 days lock the method until it is set up again, and the password
// until a new one is chosen. Waiting unlocks neither.
func TestAHundredWrongTokensInAMonth(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		u := h.User("BSMITH")
		ownBrowser := h.Browser("192.0.2.10", Chrome)
		key := ownBrowser.EnrollApp("BSMITH", "app")
		for i := range 100 {
			if i%25 == 0 {
				h.Pass(25 * time.Hour)
			}
			b := h.Browser(fmt.Sprintf("192.0.2.%d", 100+i%100), Edge)
			b.SignIn("BSMITH")
			b.fail(1)
			if i%3 == 2 { // a successful sign-in, so that there is no wait
				h.Pass(time.Minute)
				good := h.Browser("192.0.2.11", Chrome)
				good.SignIn("BSMITH")
				wantIn(t, good.Post("/sign-in/token", "token", h.AppToken(key)), "BSMITH")
			}
		}
		for _, b := range []*Browser{h.Browser("192.0.2.12", Chrome), ownBrowser} {
			b.Get("/sign-in")
			if p := b.Post("/sign-in", "user_id", "BSMITH", "password", Password); p.Status != 429 || !p.Says("opens again when a new password is chosen") {
				t.Fatalf("the password still works: %d %s", p.Status, p.Text())
			}
		}
		h.Pass(25 * time.Hour)
		clearPasswords(t, h, u)
		b := h.Browser("192.0.2.12", Chrome)
		p := b.SignIn("BSMITH")
		wantAt(t, p, 200, "/sign-in/token", "This way is closed for your user ID", "Email")
		b.Post("/sign-in/other-way", "method", "app")
		p = b.Post("/sign-in/token", "token", h.AppToken(key))
		if p.Status != 429 || !p.Says("This way is closed for your user ID") || p.comeBack() == 0 {
			t.Fatalf("the app still works: %d %s", p.Status, p.Text())
		}
		if n := countSubjects(h, bsmith, "A method of yours was closed"); n != 1 {
			t.Errorf("%d letters, want 1", n)
		}
		if _, err := h.Admin.ResetTwoFactor(t.Context(), h.Visit(), Operator, "BSMITH", "called back"); err != nil {
			t.Fatal(err)
		}
		again := h.Browser("192.0.2.13", Chrome)
		key = again.EnrollApp("BSMITH", "app")
		h.Pass(time.Minute)
		b = h.Browser("192.0.2.14", Chrome)
		b.SignIn("BSMITH")
		wantIn(t, b.Post("/sign-in/token", "token", h.AppToken(key)), "BSMITH")
	})
}

// NT-03: a correct password with a failed second factor is reported by one mail an hour, and on the
// home page after the next sign-in, until the user answers.
func TestSomebodyKnowsThePassword(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		ownBrowser := h.Browser("192.0.2.10", Chrome)
		ownBrowser.Enroll("BSMITH")
		ownBrowser.SignOut()
		letters := func() int { return countSubjects(h, bsmith, "Somebody may know your Agency Integrator password") }
		h.Pass(2 * time.Hour)
		failSignIn(t, h, "198.51.100.23")
		failSignIn(t, h, "198.51.100.23")
		if n := letters(); n != 1 {
			t.Fatalf("%d letters within an hour, want 1", n)
		}
		var text string
		for _, m := range h.Mail(bsmith) {
			if strings.HasPrefix(m.Subject, "Somebody may know") {
				text = m.Text
			}
		}
		if !strings.Contains(text, "198.51.100.23") || !strings.Contains(text, "Wrong tokens: 3") || strings.Contains(text, "000000") {
			t.Errorf("the letter:\n%s", text)
		}
		h.Pass(time.Hour)
		failSignIn(t, h, "198.51.100.23")
		if n := letters(); n != 2 {
			t.Errorf("%d letters after an hour, want 2", n)
		}
		h.Pass(5 * time.Minute)
		p := ownBrowser.SignIn("BSMITH")
		wantAt(t, p, 200, "/", "Somebody knows your password", "from 198.51.100.23 and then three wrong tokens", "They did not get in.", "twice before")
		wantAt(t, ownBrowser.Get("/"), 200, "/", "Somebody knows your password")
		p = ownBrowser.Post("/profile/notices/seen")
		wantAt(t, p, 200, "/", "You are signed in")
		if p.Says("Somebody knows your password") {
			t.Error("the notice stands after it was answered")
		}
		if !slices.Contains(h.Events("BSMITH"), "password.known_seen ok") {
			t.Error("the answer is not in the audit log")
		}
	})
}

// NT-03: abandoned sign-ins are reported when they have expired: unfinished ones and cancelled
// ones, but not those after which the user signed in from the same browser.
func TestAbandonedSignIns(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		ownBrowser := h.Browser("192.0.2.10", Chrome)
		ownBrowser.Enroll("BSMITH")
		letters := func() int {
			t.Helper()
			if err := h.Authn.ExpireAttempts(t.Context(), h.Now()); err != nil {
				t.Fatal(err)
			}
			return countSubjects(h, bsmith, "Somebody may know your")
		}
		cases := []struct {
			name   string
			letter bool
			do     func()
		}{
			{"nobody finished it", true, func() { h.Browser("198.51.100.1", Edge).SignIn("BSMITH") }},
			{"cancelled", true, func() {
				b := h.Browser("198.51.100.2", Edge)
				b.SignIn("BSMITH")
				b.Post("/sign-in/cancel")
			}},
			{"one wrong token, and cancelled", true, func() {
				b := h.Browser("198.51.100.3", Edge)
				b.SignIn("BSMITH")
				b.fail(1)
				b.Post("/sign-in/cancel")
			}},
			{"cancelled, then finished from the same browser", false, func() {
				b := h.Browser("198.51.100.4", Edge)
				b.SignIn("BSMITH")
				b.Post("/sign-in/cancel")
				b.SignIn("BSMITH")
				b.Post("/sign-in/token", "token", h.Token(bsmith))
			}},
			{"left, then finished from the same browser", false, func() {
				b := h.Browser("198.51.100.5", Edge)
				b.SignIn("BSMITH")
				h.Mail(bsmith) // the first token arrives before the second one is made
				b.SignIn("BSMITH")
				b.Post("/sign-in/token", "token", h.Token(bsmith))
			}},
			{"left, and the user signed in elsewhere", true, func() {
				h.Browser("198.51.100.6", Edge).SignIn("BSMITH")
				ownBrowser.SignOut()
				wantIn(t, ownBrowser.SignIn("BSMITH"), "BSMITH")
			}},
			{"left by the same kind of browser of another network", true, func() {
				h.Browser("198.51.100.8", Chrome).SignIn("BSMITH")
				ownBrowser.SignOut()
				wantIn(t, ownBrowser.SignIn("BSMITH"), "BSMITH")
			}},
			{"left by another browser of the same network", true, func() {
				h.Browser("192.0.2.10", Edge).SignIn("BSMITH")
				ownBrowser.SignOut()
				wantIn(t, ownBrowser.SignIn("BSMITH"), "BSMITH")
			}},
			{"finished", false, func() {
				b := h.Browser("198.51.100.7", Edge)
				b.SignIn("BSMITH")
				b.Post("/sign-in/token", "token", h.Token(bsmith))
			}},
		}
		for _, c := range cases {
			h.Pass(2 * time.Hour)
			before := letters()
			c.do()
			h.Pass(policy.AttemptLife - time.Millisecond)
			if n := letters() - before; n != 0 && !strings.HasPrefix(c.name, "one wrong") {
				t.Errorf("%s: %d letters before it was over", c.name, n)
			}
			h.Pass(time.Millisecond)
			if n := letters() - before; (n == 1) != c.letter {
				t.Errorf("%s: %d letters", c.name, n)
			}
			if n := letters() - before; (n == 1) != c.letter {
				t.Errorf("%s: told twice", c.name)
			}
		}
	})
}

// Tries at a token for a new profile address count like any others: all paths count for the user.
func TestProfileTokensCount(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		b.Get("/profile/email")
		b.Post("/profile/email", "email", "bob@elsewhere.example")
		b.Post("/profile/email/token", "token", "000000")
		b.Post("/profile/email/token", "token", "000000")
		for i := range 4 {
			half := h.Browser(fmt.Sprintf("192.0.2.%d", 20+i), Edge)
			half.SignIn("BSMITH")
			half.fail(1)
		}
		wantWait(t, b.Post("/profile/email/token", "token", h.Token("bob@elsewhere.example")), 30*time.Second)
	})
}

// AU-01: the row of a wrong token names its method.
func TestWrongTokensNameTheirMethod(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		key := h.Browser("192.0.2.10", Chrome).EnrollApp("BSMITH", "app")
		h.Pass(time.Hour)
		b := h.Browser("198.51.100.1", Edge)
		b.SignIn("BSMITH")
		b.Post("/sign-in/token", "token", otherThan(h.AppToken(key)))
		b.Get("/sign-in/other-way")
		b.Post("/sign-in/other-way", "method", "email")
		b.Post("/sign-in/token", "token", otherThan(h.Token(bsmith)))
		var methods []string
		err := h.DB.Read(t.Context(), h.Agency.ID, func(tx *store.Tx) error {
			all, err := tx.Events(t.Context(), "BSMITH", 100)
			for _, e := range all {
				if e.Action == "token.wrong" {
					methods = append(methods, e.Method)
				}
			}
			return err
		})
		if err != nil || !slices.Equal(methods, []string{"email", "app"}) {
			t.Errorf("%v, %v", methods, err)
		}
	})
}
