package apptest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/policy"
)

const another = "quite another battery horse"

// link returns the newest mailed link to an address that begins with path.
func link(t *testing.T, h *App, to, path string) string {
	t.Helper()
	for _, m := range h.Mail(to) {
		for _, word := range strings.Fields(m.Text) {
			if strings.HasPrefix(word, publicURL+path) {
				return strings.TrimPrefix(word, publicURL)
			}
		}
	}
	t.Fatalf("no link to %s was mailed to %s: %q", path, to, h.Subjects(to))
	return ""
}

// forgot requests a link in a new browser and returns its path with the key.
func forgot(t *testing.T, h *App, login string) (path, key string) {
	t.Helper()
	b := h.Browser("192.0.2.99", Chrome)
	b.Get("/password/forgot")
	p := b.Post("/password/forgot", "user_id", login)
	wantAt(t, p, 200, "/password/forgot", "Check your mail", "If the user ID is known and has an email address, a link is on its way.")
	path = link(t, h, strings.ToLower(login)+"@demo.example", "/password/reset?key=")
	return path, strings.TrimPrefix(path, "/password/reset?key=")
}

func mails(h *App, to, subject string) (n int) {
	for _, s := range h.Subjects(to) {
		if strings.Contains(s, subject) {
			n++
		}
	}
	return n
}

// PW-05: a change needs the current password and a recent second factor. Then every other session
// ends, every remembered device is forgotten, and every address gets a notice.
func TestChangePassword(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		other := h.Browser("192.0.2.20", Chrome)
		other.SignIn("BSMITH")
		wantIn(t, other.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
		wantAt(t, b.Get("/password/change"), 200, "/password/change", "Your other session ends, and your 2 remembered devices are forgotten.")
		for _, c := range []struct {
			current, chosen string
			says            []string
		}{
			{"", another, []string{"Enter your password."}},
			{Password, "", []string{"Choose a password."}},
			{Password, "too short", []string{"This password has 9 characters. 15 are needed."}},
			{Password, "bsmith-bsmith-2026", []string{"is a form of your user ID"}},
			{"not my own password", another, []string{"That is not your password. Nothing was changed."}},
		} {
			if p := b.Post("/password/change", "password", c.current, "new_password", c.chosen); p.Status != 422 || !p.Says(c.says...) {
				t.Errorf("%q to %q: %d %s", c.current, c.chosen, p.Status, p.Text())
			}
		}
		before := b.Cookie("session")
		old := b.Copy("192.0.2.10", Chrome)
		p := b.Post("/password/change", "password", Password, "new_password", another)
		wantAt(t, p, 200, "/profile", "Your password was changed.")
		if b.Cookie("session") == before {
			t.Error("the session kept its secret (SE-01)")
		}
		wantAt(t, old.Get("/profile"), 200, "/sign-in")
		wantAt(t, other.Get("/profile"), 200, "/sign-in", "This session was ended")
		if n := mails(h, "bsmith@demo.example", "password for Agency Integrator was changed"); n != 1 {
			t.Errorf("%d letters tell of the change", n)
		}
		if p := other.SignIn("BSMITH"); p.Status != 422 {
			t.Errorf("the old password: %d %s", p.Status, p.Text())
		}
		wantToken(t, other.SignInWith("BSMITH", another))
		b.SignOut()
		wantToken(t, b.SignInWith("BSMITH", another))
		wantEvents(t, h, "BSMITH", "password.changed refused", "password.changed ok")
	})
}

func wantEvents(t *testing.T, h *App, subject string, lines ...string) {
	t.Helper()
	all := h.Events(subject)
	for _, line := range lines {
		if !slices.Contains(all, line) {
			t.Errorf("no audit row %q: %q", line, all)
		}
	}
}

// PW-05, SE-06: a proof older than five minutes leads to a step-up, and the change then continues
// with what was typed. A password that is too short is refused before.
func TestChangePasswordNeedsAFreshFactor(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		h.Pass(policy.StepUpAge)
		b.Get("/password/change")
		if p := b.Post("/password/change", "password", Password, "new_password", "too short"); p.Status != 422 {
			t.Errorf("a short one: %d %s", p.Status, p.Text())
		}
		p := b.Post("/password/change", "password", Password, "new_password", another)
		wantAt(t, p, 200, "/step-up", "You are about to change your password")
		if strings.Contains(p.Body, another) {
			t.Error("the page shows the new password")
		}
		if p := h.Browser("192.0.2.10", Chrome).SignInWith("BSMITH", another); p.Status != 422 {
			t.Errorf("changed before it was confirmed: %d", p.Status)
		}
		p = b.Post("/step-up", "token", h.Token("bsmith@demo.example"))
		wantAt(t, p, 200, "/profile", "Your password was changed.")
		wantToken(t, h.Browser("192.0.2.30", Chrome).SignInWith("BSMITH", another))
	})
}

// PW-05: a user without a method proves their identity by the current password.
func TestChangePasswordWithoutAMethod(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Set("2FA", "Off")
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		wantIn(t, b.SignIn("BSMITH"), "BSMITH")
		h.Pass(30 * time.Minute)
		b.Get("/password/change")
		p := b.Post("/password/change", "password", Password, "new_password", another)
		wantAt(t, p, 200, "/profile", "Your password was changed.")
		wantIn(t, h.Browser("192.0.2.30", Chrome).SignInWith("BSMITH", another), "BSMITH")
	})
}

// PW-06: the link works once, by POST only, never signs in, keeps the methods, forgets every
// remembered device and ends every session.
func TestForgottenPassword(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		half := h.Browser("192.0.2.40", Chrome)
		wantToken(t, half.SignIn("BSMITH"))
		h.Pass(time.Minute)
		wantAt(t, h.Browser("192.0.2.10", Chrome).Get("/sign-in"), 200, "/sign-in", "Forgot your password?")
		path, key := forgot(t, h, "BSMITH")
		n := h.Browser("192.0.2.50", Chrome)
		for range 3 {
			wantAt(t, n.Get(path), 200, "/password/reset", "For user ID BSMITH")
			n.Do("HEAD", path, nil)
		}
		for chosen, says := range map[string]string{"": "Choose a password.", "short": "15 are needed", "BSMITH2026!!!!!!!!": "is a form of your user ID"} {
			if p := n.Post("/password/reset", "key", key, "new_password", chosen); p.Status != 422 || !p.Says(says) || p.Value("key") != key {
				t.Errorf("%q: %d %s", chosen, p.Status, p.Text())
			}
		}
		p := n.Post("/password/reset", "key", key, "new_password", another)
		wantAt(t, p, 200, "/sign-in", "Your new password is saved", "You will be asked for a token.")
		if n.Cookie("session") != "" {
			t.Error("the link signed in")
		}
		n.Get("/password/forgot")
		for range 2 {
			if p := n.Post("/password/reset", "key", key, "new_password", Password); p.Status != http.StatusGone || !p.Says("This link no longer works", "its 60 minutes are over") {
				t.Errorf("a used link: %d %s", p.Status, p.Text())
			}
			n.Get("/password/forgot")
		}
		if p := n.Get(path); p.Status != http.StatusGone {
			t.Errorf("a used link is opened: %d", p.Status)
		}
		wantAt(t, b.Get("/profile"), 200, "/sign-in", "This session was ended")
		if p := half.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")); p.Path != "/sign-in" {
			t.Errorf("an attempt of the old password goes on: %s", p.Path)
		}
		wantToken(t, b.SignInWith("BSMITH", another)) // the device was remembered
		wantAt(t, b.Get("/sign-in/token"), 200, "/sign-in/token", "Your password was changed, so every device was forgotten.")
		if n := mails(h, "bsmith@demo.example", "was changed"); n != 1 {
			t.Errorf("%d letters tell of the change", n)
		}
		wantEvents(t, h, "BSMITH", "password.link_asked ok", "password.reset ok")
	})
}

// PW-06: a link expires after 60 minutes, and a newer one replaces an earlier one.
func TestForgottenPasswordLinkEnds(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		n := h.Browser("192.0.2.50", Chrome)
		first, _ := forgot(t, h, "BSMITH")
		h.Pass(time.Second)
		second, key := forgot(t, h, "bsmith")
		if first == second {
			t.Fatal("one link for two wishes")
		}
		if p := n.Get(first); p.Status != http.StatusGone {
			t.Errorf("the earlier link: %d", p.Status)
		}
		h.Pass(60*time.Minute - time.Millisecond)
		wantAt(t, n.Get(second), 200, "/password/reset")
		h.Pass(time.Millisecond)
		if p := n.Get(second); p.Status != http.StatusGone {
			t.Errorf("at 60 minutes: %d", p.Status)
		}
		n.Get("/password/forgot")
		if p := n.Post("/password/reset", "key", key, "new_password", another); p.Status != http.StatusGone {
			t.Errorf("sent at 60 minutes: %d", p.Status)
		}
		for _, key := range []string{"", "x", strings.Repeat("A", 43)} {
			if p := n.Get("/password/reset?key=" + key); p.Status != http.StatusGone {
				t.Errorf("key %q: %d", key, p.Status)
			}
		}
	})
}

// A link of one purpose is useless for another, and in another agency (PW-06, TN-01).
func TestLinksAreForOnePurpose(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		_, key := forgot(t, h, "BSMITH")
		n := h.Browser("192.0.2.50", Chrome)
		if p := n.Get("/welcome?link=" + key); p.Status != http.StatusGone {
			t.Errorf("a password link at /welcome: %d", p.Status)
		}
		if _, err := h.Admin.AddUser(t.Context(), h.Visit(), Operator, admin.NewUser{Login: "JJONES", Name: "Jim Jones", Email: "jjones@demo.example"}); err != nil {
			t.Fatal(err)
		}
		welcome := strings.TrimPrefix(link(t, h, "jjones@demo.example", "/welcome?link="), "/welcome?link=")
		if p := n.Get("/password/reset?key=" + welcome); p.Status != http.StatusGone {
			t.Errorf("an activation link at /password/reset: %d", p.Status)
		}
		if _, err := h.Admin.AddAgency(t.Context(), h.Now(), countersign.Agency{Code: "ACME", Name: "Acme Insurance", Hosts: []string{"login.acme.example"}}); err != nil {
			t.Fatal(err)
		}
		n.Host = "login.acme.example"
		if p := n.Do("GET", "/password/reset?key="+key, nil); p.Status != http.StatusGone {
			t.Errorf("at another agency: %d", p.Status)
		}
	})
}

// EN-01: known, unknown, disabled, without address, not activated, other case: the same answer, the
// same page, the same cookies. Only the known get mail.
func TestForgottenPasswordTellsNothing(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("CBILLS")
		h.AddUser(admin.NewUser{Login: "NOMAIL", Name: "Nora Mail"})
		off := true
		if _, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, "CBILLS", admin.Change{Version: admin.AnyVersion, Disabled: &off}); err != nil {
			t.Fatal(err)
		}
		answers := map[string]string{}
		for i, login := range []string{"BSMITH", "bsmith", "CBILLS", "NOMAIL", "NOBODY", "no such id!", strings.Repeat("x", 8000)} {
			b := h.Browser("192.0.2."+string(rune('1'+i)), Chrome)
			b.Get("/password/forgot")
			p := b.Send("/password/forgot", "user_id", login)
			page := b.follow(p)
			for name := range p.Header {
				if name == "Set-Cookie" {
					t.Errorf("%.20q: the answer sets %q", login, p.Header.Values(name))
				}
			}
			body := strings.ReplaceAll(page.Body, page.FormToken(), "")
			answers[http.StatusText(p.Status)+p.Location+body] += " " + login[:5]
		}
		if len(answers) != 1 {
			t.Errorf("%d different answers: %v", len(answers), answers)
		}
		if n := mails(h, "", "Choose a new password"); n != 2 || mails(h, "bsmith@demo.example", "Choose a new password") != 2 {
			t.Errorf("%d letters, want two to BSMITH: %v", n, h.Subjects(""))
		}
		wantEvents(t, h, "CBILLS", "password.link_asked refused")
		wantEvents(t, h, "NOMAIL", "password.link_asked refused")
		b := h.Browser("192.0.2.9", Chrome)
		b.Get("/password/forgot")
		if p := b.Post("/password/forgot", "user_id", "  "); p.Status != 422 || !p.Says("Enter your user ID") {
			t.Errorf("nothing typed: %d %s", p.Status, p.Text())
		}
		for _, until := range []string{"x", "0", "99999999999", "-1"} {
			wantAt(t, b.Get("/password/forgot?until="+until), 200, "/password/forgot", "Forgot your password?")
		}
	})
}

// The mails to a user and the requests of a network are limited per hour. Beyond that the answer is
// the same, and the sign-in is not affected.
func TestForgottenPasswordLimits(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("CBILLS")
		ask := func(ip, login string) {
			t.Helper()
			b := h.Browser(ip, Chrome)
			b.Get("/password/forgot")
			wantAt(t, b.Post("/password/forgot", "user_id", login), 200, "/password/forgot", "Check your mail")
		}
		for i := range policy.MaxLinks + 3 {
			ask("192.0.2."+string(rune('1'+i)), "BSMITH")
			h.Mail("")
		}
		if n := len(h.Mail("bsmith@demo.example")); n != policy.MaxLinks {
			t.Errorf("%d letters to one user in an hour, want %d", n, policy.MaxLinks)
		}
		for range policy.MaxResetRequests {
			ask("198.51.100.7", "NOBODY")
		}
		ask("198.51.100.7", "CBILLS")
		if n := mails(h, "cbills@demo.example", "Choose"); n != 0 {
			t.Errorf("%d letters beyond the limit of the network", n)
		}
		ask("198.51.100.8", "CBILLS")
		if n := len(h.Mail("cbills@demo.example")); n != 1 {
			t.Errorf("%d letters from another network, want 1", n)
		}
		h.Pass(time.Hour)
		ask("198.51.100.7", "BSMITH")
		if n := len(h.Mail("bsmith@demo.example")); n != policy.MaxLinks+1 {
			t.Errorf("%d letters after an hour, want %d", n, policy.MaxLinks+1)
		}
	})
}

// TH-04: the networks of one IPv6 /48 share a limit of their own.
func TestForgottenPasswordLimitOfAWideNetwork(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("CBILLS")
		ask := func(ip, login string) {
			t.Helper()
			b := h.Browser(ip, Chrome)
			b.Get("/password/forgot")
			wantAt(t, b.Post("/password/forgot", "user_id", login), 200, "/password/forgot", "Check your mail")
		}
		for i := range policy.MaxResetRequestsWide {
			ask(fmt.Sprintf("2001:db8:7:%x::1", i), "NOBODY")
		}
		for range policy.MaxResetRequestsWide / 10 { // a number of requests is processed in each round
			h.Mail("")
		}
		rows := len(h.Events(""))
		ask("2001:db8:7:ffff::1", "CBILLS")
		if n := len(h.Mail("cbills@demo.example")); n != 0 || len(h.Events("")) != rows {
			t.Errorf("%d letters beyond the limit, and %d rows", n, len(h.Events(""))-rows)
		}
		ask("2001:db8:8::1", "CBILLS")
		if n := len(h.Mail("cbills@demo.example")); n != 1 {
			t.Errorf("%d letters to another /48, want 1", n)
		}
	})
}

// Of many concurrent posts of the same link one changes the password (PW-06).
func TestForgottenPasswordLinkAtOnce(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		_, key := forgot(t, h, "BSMITH")
		const all = 8
		done := make(chan bool, all)
		for i := range all {
			go func() {
				_, err := h.Account.ResetPassword(t.Context(), h.Visit(), countersign.Handle(key), another+string(rune('a'+i)))
				done <- err == nil
			}()
		}
		won := 0
		for range all {
			if <-done {
				won++
			}
		}
		if won != 1 {
			t.Errorf("the link was used %d times", won)
		}
		if n := mails(h, "bsmith@demo.example", "was changed"); n != 1 {
			t.Errorf("%d letters", n)
		}
	})
}

// Two nodes that process the same request send one mail.
func TestForgottenPasswordOnTwoNodesAtOnce(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		node := h.Node()
		if _, err := h.Account.RequestPasswordReset(t.Context(), h.Visit(), "BSMITH"); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 2)
		for _, n := range []*App{h, node} {
			go func() { done <- n.Outbox.Write(t.Context(), h.Now()) }()
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if n := len(h.Mail("bsmith@demo.example")); n != 1 {
			t.Errorf("%d letters", n)
		}
	})
}

// A user who never chose a password gets one by the link too, and the activation link ends with it.
// A request that waited an hour is not answered.
func TestForgottenPasswordBeforeActivation(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		if _, err := h.Admin.AddUser(t.Context(), h.Visit(), Operator, admin.NewUser{Login: "JJONES", Name: "Jim Jones", Email: "jjones@demo.example"}); err != nil {
			t.Fatal(err)
		}
		welcome := link(t, h, "jjones@demo.example", "/welcome?link=")
		path, key := forgot(t, h, "JJONES")
		n := h.Browser("192.0.2.50", Chrome)
		n.Get(path)
		wantAt(t, n.Post("/password/reset", "key", key, "new_password", another), 200, "/sign-in", "Your new password is saved")
		if p := n.Get(welcome); p.Status != http.StatusGone || !p.Says("its 24 hours are over") {
			t.Errorf("the activation link: %d %s", p.Status, p.Text())
		}
		wantSetUp(t, n.SignInWith("JJONES", another))

		before := len(h.Mail(""))
		if _, err := h.Account.RequestPasswordReset(t.Context(), h.Visit(), "JJONES"); err != nil {
			t.Fatal(err)
		}
		h.Pass(policy.PasswordLink)
		if n := len(h.Mail("")); n != before {
			t.Errorf("%d letters for a link that was over", n-before)
		}
	})
}

// Password managers find the page that changes the password.
func TestWellKnownChangePassword(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		if p := b.Do("GET", "/.well-known/change-password", nil); p.Status != http.StatusFound || p.Location != "/password/change" {
			t.Errorf("%d to %q", p.Status, p.Location)
		}
		p := b.Get("/password/change")
		wantAt(t, p, 200, "/sign-in")
		if p.Value("then") != "/password/change" {
			t.Errorf("then %q", p.Value("then"))
		}
	})
}
