package apptest

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/pgtest"
	"countersign/internal/policy"
)

// code creates an enrollment code as the operator.
func (h *App) code(login string) string {
	h.T.Helper()
	n, err := h.Admin.IssueEnrollmentCode(context.Background(), h.Visit(), Operator, login, "cannot read the mailbox")
	if err != nil {
		h.T.Fatal(err)
	}
	return n.Code
}

var enrolmentCode = regexp.MustCompile(`\b[A-HJ-NP-Z2-9]{4} [A-HJ-NP-Z2-9]{4} [A-HJ-NP-Z2-9]{4} [A-HJ-NP-Z2-9]{4}\b`)

// ER-02: an administrator creates a code on the user's page and sees it once, with its expiry. The
// user types it first, and may then verify another address without the mailbox on file. User and
// administrators get notices.
func TestEnrolmentCodeOnAUsersPage(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		office := h.Browser("192.0.2.10", Chrome)
		office.Enroll("ADMIN")
		wantAt(t, office.Get("/admin/users/BSMITH/setup-two-factor"), 200, "/admin/users/BSMITH/setup-two-factor", "Send an invitation to bsmith@demo.example", "Make an enrollment code")
		p := office.Post("/admin/users/BSMITH/setup-two-factor", "how", "code", "reason", "mailbox lost")
		code := enrolmentCode.FindString(p.Text())
		if p.Status != 200 || code == "" || !p.Says("It is shown only now.", "until tomorrow at 2:00 PM") || p.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d: %s", p.Status, p.Text())
		}
		if p := office.Get("/admin/users/BSMITH"); strings.Contains(p.Text(), code) || !p.Says("An enrollment code works until", "made an enrollment code") {
			t.Errorf("the user's page: %s", p.Text())
		}
		if !strings.Contains(letterWith(h, "bsmith@demo.example", "An enrollment code was made for you"), "mailbox lost") ||
			letterWith(h, "admin@demo.example", "made an enrollment code for BSMITH") == "" {
			t.Error("user and administrators are not told")
		}

		b := h.Browser("192.0.2.20", Chrome)
		wantAt(t, b.SignIn("BSMITH"), 200, "/set-up/code", "Enter your enrollment code", "Ann Admin (ADMIN) made an enrollment code for you.")
		for _, path := range []string{"/set-up", "/set-up/email", "/set-up/app", "/set-up/sms", "/set-up/default"} {
			if p := b.Get(path); p.Path != "/set-up/code" {
				t.Errorf("%s is open before the code", path)
			}
		}
		if p := b.Post("/set-up/email", "email", "thief@evil.example"); p.Status == 200 && p.Path == "/set-up/email" {
			t.Error("an address was taken before the code")
		}
		b.SignIn("BSMITH")
		wantAt(t, b.Post("/set-up/code", "enrolment_code", "not a code"), 422, "/set-up/code", "did not count as a try")
		wantAt(t, b.Post("/set-up/code", "enrolment_code", strings.ToLower(code)), 200, "/set-up/email", "2 Factor Authentication Setup")
		wantAt(t, b.Post("/set-up/email", "email", "bob@mail.example"), 200, "/set-up/email", "bob@mail.example")
		if h.Token("bob@mail.example") == "" || letterWith(h, "bsmith@demo.example", "Another address for your") == "" {
			t.Error("the address on file is not told of the other one")
		}
		b.Post("/set-up/email/token", "token", h.Token("bob@mail.example"))
		wantAt(t, b.Post("/set-up/skip"), 200, "/set-up/done", "bob@mail.example")
		for _, want := range []string{"enrolment-code.made ok", "enrolment-code.used ok", "set-up.completed ok"} {
			if !slices.Contains(h.Events("BSMITH"), want) {
				t.Errorf("no audit row %s: %v", want, h.Events("BSMITH"))
			}
		}
	})
}

// A code has one use, 24 hours and five tries over all sign-ins, each counted first. Another user's
// code is invalid. It is not needed if the user can read the mailbox on file.
func TestEnrolmentCodeBounds(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("CBILLS")
		mine, foreign := h.code("BSMITH"), h.code("CBILLS")
		b := h.Browser("192.0.2.20", Chrome)
		for i, left := range []string{"4 tries left", "3 tries left", "2 tries left", "1 try left", "It was the last try"} {
			if i%2 == 0 {
				b.SignIn("BSMITH") // tries outlive the sign-in
			}
			wantAt(t, b.Post("/set-up/code", "enrolment_code", foreign), 422, "/set-up/code", left)
		}
		wantAt(t, b.Get("/set-up/code"), 200, "/set-up/email") // there is no code any more, and the mailbox on file is enough
		b.SignIn("BSMITH")
		if p := b.Post("/set-up/code", "enrolment_code", mine); p.Path == "/set-up/email" && p.Status == 200 && p.Says("address of your choice") {
			t.Error("the right code worked after five tries")
		}

		mine = h.code("BSMITH")
		wantAt(t, b.SignIn("BSMITH"), 200, "/set-up/code")
		wantSetUp(t, b.Post("/set-up/skip", "method", "code"))
		wantAt(t, b.Post("/set-up/email", "email", "thief@evil.example"), 200, "/set-up/email", "First confirm the address on file")

		b.SignIn("BSMITH")
		h.Pass(policy.ResetEnrollmentLife - time.Minute)
		b.SignIn("BSMITH")
		h.Pass(time.Minute - time.Millisecond)
		wantSetUp(t, b.Post("/set-up/code", "enrolment_code", mine))
		b.SignIn("BSMITH")
		if p := b.Post("/set-up/code", "enrolment_code", mine); p.Path != "/set-up/email" || p.Says("Your enrollment code was right") {
			t.Errorf("a code worked twice: %s: %s", p.Path, p.Text())
		}

		h.code("BSMITH")
		h.Pass(policy.ResetEnrollmentLife)
		wantSetUp(t, b.SignIn("BSMITH")) // the code has expired, so nothing asks for it
		old := h.code("BSMITH")
		mine = h.code("BSMITH")
		b.SignIn("BSMITH")
		wantAt(t, b.Post("/set-up/code", "enrolment_code", old), 422, "/set-up/code", "4 tries left")
		wantSetUp(t, b.Post("/set-up/code", "enrolment_code", mine))
	})
}

// Of 60 concurrent posts on two nodes, five are compared; of 20 of the correct code, one opens
// set-up.
func TestEnrolmentCodeAtOnce(t *testing.T) {
	h := Open(t, pgtest.DSN(t))
	h.User("BSMITH")
	h.User("CBILLS")
	foreign := h.code("CBILLS")
	h.code("BSMITH")
	nodes := []*App{h, h.Node()}
	b := h.Browser("192.0.2.20", Chrome)
	b.SignIn("BSMITH")
	together(b, nodes, 60, "/set-up/code", func(int) []string { return []string{"enrolment_code", foreign} })
	if n := count(h.Events("BSMITH"), "enrolment-code.wrong refused"); n != countersign.MaxEnrollmentTries {
		t.Errorf("%d guesses were compared, want 5", n)
	}
	right := h.code("BSMITH")
	b.SignIn("BSMITH")
	together(b, nodes, 20, "/set-up/code", func(int) []string { return []string{"enrolment_code", right} })
	if n := count(h.Events("BSMITH"), "enrolment-code.used ok"); n != 1 {
		t.Errorf("the code was used %d times", n)
	}
}

func count(all []string, one string) (n int) {
	for _, line := range all {
		if line == one {
			n++
		}
	}
	return n
}

// ER-05: after a lapsed reset, after five openings, and without an address in the profile, the
// correct password opens only the page of the code. With a code set-up continues, and an address
// becomes the one for two-factor authentication only.
func TestClosedSetUpOpensByACode(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		for login, close := range map[string]func(login string) string{
			"LAPSED": func(login string) string {
				h.User(login)
				h.reset(login)
				h.Pass(policy.ResetLife)
				return "Set-up had to be finished by"
			},
			"OPENED": func(login string) string {
				h.User(login)
				h.reset(login)
				for range policy.MaxEnrollmentOpenings {
					h.Browser("192.0.2.30", Chrome).SignIn(login)
				}
				return "set-up was opened 5 times"
			},
			"NOEMAIL": func(login string) string {
				h.AddUser(admin.NewUser{Login: login, Name: "No Email"})
				return "Your profile has no email address"
			},
		} {
			says := close(login)
			b := h.Browser("192.0.2.20", Chrome)
			wantAt(t, b.SignIn(login), http.StatusForbidden, "/sign-in", says, "Enrollment code")
			for _, path := range []string{"/set-up", "/set-up/email", "/set-up/app", "/profile", "/"} {
				if p := b.Get(path); p.Path != "/set-up/code" && p.Path != "/sign-in" {
					t.Errorf("%s: %s is open", login, p.Path)
				}
			}
			b.SignIn(login)
			wantAt(t, b.Post("/set-up/code", "enrolment_code", "AAAA-BBBB-CCCC-DDDD"), 422, "/set-up/code", "You have no enrollment code that works")
			if p := b.Post("/set-up/skip", "method", "code"); p.Path == "/set-up/email" {
				t.Errorf("%s: the code was skipped", login)
			}
			b.SignIn(login)
			code := h.code(login) // read out on the phone while the page is open
			wantAt(t, b.Post("/set-up/code", "enrolment_code", "AAAA-BBBB-CCCC-DDDD"), 422, "/set-up/code", "That code is not right.")
			wantSetUp(t, b.Post("/set-up/code", "enrolment_code", code))
			b.Post("/set-up/email", "email", strings.ToLower(login)+"@mail.example")
			b.Post("/set-up/email/token", "token", h.Token(strings.ToLower(login)+"@mail.example"))
			wantAt(t, b.Post("/set-up/skip"), 200, "/set-up/done", strings.ToLower(login)+"@mail.example")
			if login == "NOEMAIL" && !b.Get("/profile").Says("Email address None") {
				t.Error("the address became the profile's")
			}
			b.SignOut()
			wantIn(t, b.SignIn(login), login)
		}
	})
}

// reset resets a user as the operator.
func (h *App) reset(login string) {
	h.T.Helper()
	if _, err := h.Admin.ResetTwoFactor(context.Background(), h.Visit(), Operator, login, "phone lost"); err != nil {
		h.T.Fatal(err)
	}
}

// Who may create a code: only with the right and a sufficient rank, not for oneself, not for a user
// who is set up or disabled. The operator may for any user, also the last administrator, and must
// give a reason (RS-07).
func TestWhoMakesEnrolmentCodes(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		boss := h.Administrator()
		h.User("BSMITH")
		clerk := h.User("JJONES", countersign.RightReset)
		h.User("CBILLS", countersign.RightUsers)
		none := h.User("LPARK")
		for _, login := range []string{"ADMIN", "JJONES", "LPARK"} {
			h.Browser("192.0.2.10", Chrome).Enroll(login)
		}
		actor := func(u countersign.User) countersign.Actor { return h.fresh(u.Login) }
		off := true
		h.User("GONE")
		if _, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, "GONE", admin.Change{Version: admin.AnyVersion, Disabled: &off}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			by            countersign.Actor
			login, reason string
			code          string // empty: created
		}{
			{actor(boss), "BSMITH", "", ""},
			{actor(clerk), "BSMITH", "lost", ""},
			{actor(clerk), "CBILLS", "lost", policy.RankTooLow},
			{actor(none), "BSMITH", "lost", policy.RightMissing},
			{actor(boss), "ADMIN", "lost", "reset.self"},
			{actor(boss), "LPARK", "lost", "enrolment_code.enrolled"},
			{actor(boss), "GONE", "lost", "enrolment_code.disabled"},
			{Operator, "GONE", "lost", "enrolment_code.disabled"},
			{Operator, "BSMITH", " ", "enrolment_code.reason_missing"},
			{Operator, "NOBODY", "lost", "user.unknown"},
			{Operator, "LPARK", "lost", ""},
			{Operator, "ADMIN", "lost", ""},
		} {
			n, err := h.Admin.IssueEnrollmentCode(t.Context(), h.Visit(), c.by, c.login, c.reason)
			if countersign.CodeOf(err) != c.code || c.code == "" && err != nil || (err == nil) != (n.Code != "") {
				t.Errorf("%s for %s: %v", c.by.Name(), c.login, err)
			}
			if err == nil && n.Reset != (c.login == "LPARK" || c.login == "ADMIN") {
				t.Errorf("%s: reset %v", c.login, n.Reset)
			}
		}
		if !slices.Contains(h.Events("ADMIN"), "enrolment-code.made ok") || letterWith(h, "admin@demo.example", "An enrollment code was made") == "" {
			t.Error("the code of the last administrator is not audited or told")
		}
	})
}

// fresh returns a user as an actor whose session has just proved a second factor.
func (h *App) fresh(login string) countersign.Actor {
	h.T.Helper()
	to := strings.ToLower(login) + "@demo.example"
	b := h.Browser("192.0.2.77", Chrome)
	if p := b.SignIn(login); p.Path == "/sign-in/token" {
		b.Post("/sign-in/token", "token", h.Token(to))
	}
	return h.actorOf(b)
}

// actorOf returns the signed-in user of a browser as an actor.
func (h *App) actorOf(b *Browser) countersign.Actor {
	h.T.Helper()
	v := h.Visit()
	v.Session = countersign.Handle(b.Cookie("session"))
	g, err := h.Authn.Authenticate(context.Background(), v)
	if err != nil {
		h.T.Fatal(err)
	}
	return g.Actor()
}

// Two administrators who disable each other at the same instant leave one (RS-07).
func TestLastAdministratorAtOnce(t *testing.T) {
	race(t, func(t *testing.T, h *App, node func() *App) {
		other := node()
		h.Administrator()
		h.User("BOSS", countersign.AgencyRights...)
		off := true
		for range 30 {
			var all sync.WaitGroup
			for i, login := range []string{"ADMIN", "BOSS"} {
				node := []*App{h, other}[i]
				all.Go(func() {
					_, _ = node.Admin.EditUser(context.Background(), node.Visit(), Operator, login, admin.Change{Version: admin.AnyVersion, Disabled: &off})
				})
			}
			all.Wait()
			left := 0
			on := false
			for _, login := range []string{"ADMIN", "BOSS"} {
				v, err := h.Admin.User(t.Context(), h.Visit(), Operator, login)
				if err != nil {
					t.Fatal(err)
				}
				if !v.User.Disabled {
					left++
				}
				if _, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, login, admin.Change{Version: admin.AnyVersion, Disabled: &on}); err != nil {
					t.Fatal(err)
				}
			}
			if left != 1 {
				t.Fatalf("%d administrators are left, want 1", left)
			}
		}
	})
}
