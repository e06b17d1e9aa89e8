package apptest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/policy"
	"countersign/internal/store"
)

const wrongPassword = "wrong " + Password

// wrong enters a wrong password and returns the status of the answer.
func (b *Browser) wrong(login string) int { return b.SignInWith(login, wrongPassword).Status }

// comeBack returns the answer's Retry-After, in seconds; 0 if it has none.
func (p *Page) comeBack() int {
	n, _ := strconv.Atoi(p.Header.Get("Retry-After"))
	return n
}

// wantWait wants a 429 that says when to come back, within a second.
func wantWait(t *testing.T, p *Page, wait time.Duration, says ...string) {
	t.Helper()
	if d := time.Duration(p.comeBack())*time.Second - wait; p.Status != http.StatusTooManyRequests || d < -time.Second || d > time.Second {
		t.Fatalf("%d, Retry-After %q, want 429 and %v: %s", p.Status, p.Header.Get("Retry-After"), wait, p.Text())
	}
	if !p.Says(says...) {
		t.Errorf("the page does not say %q: %s", says, p.Text())
	}
}

// TH-03, TH-05: from the fifth wrong password on a user ID must wait, 30 seconds and then twice as
// long each time, on every node and in every spelling. A try during the wait is not counted, and
// the correct password is refused as well.
func TestPasswordWaits(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.20", Chrome)
		for i, login := range []string{"BSMITH", "bsmith", " Bsmith ", "ＢＳＭＩＴＨ", "BSMITH"} {
			if status := b.wrong(login); status != 422 {
				t.Fatalf("the %d. wrong password: %d", i+1, status)
			}
		}
		wait := 30 * time.Second
		for range 5 {
			wantWait(t, b.SignIn("bsmith"), wait, "Too many attempts. You can try again at ", "do not make the wait longer")
			wantWait(t, b.SignInWith("BSMITH", wrongPassword), wait)
			h.Pass(wait - time.Millisecond)
			wantWait(t, b.SignIn("BSMITH"), 0)
			h.Pass(time.Millisecond)
			if status := b.wrong("BSMITH"); status != 422 {
				t.Fatalf("after %v: %d", wait, status)
			}
			wait *= 2
		}
		node := h.Node() // as after a restart: nothing is in its memory
		wantWait(t, node.Browser("192.0.2.77", Edge).SignIn("BSMITH"), wait)
		h.Pass(wait)
		wantSetUp(t, b.SignIn("BSMITH"))
		for range 4 { // a success has restarted the count
			if status := b.wrong("BSMITH"); status != 422 {
				t.Fatalf("after a success: %d", status)
			}
		}
	})
}

// EN-01: a user ID that is known, unknown, disabled, not set up, without a password or another
// agency's gets the same answers to the same burst: status, body, headers and cookies, until the
// counter locks.
func TestBurstTellsNobodyApart(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.User("CBILLS") // not set up
		h.User("JJONES")
		off := true
		if _, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, "JJONES", admin.Change{Version: admin.AnyVersion, Disabled: &off, Reason: "left"}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Admin.AddUser(t.Context(), h.Visit(), Operator, admin.NewUser{Login: "NEWBIE", Name: "New Bee", Email: "newbie@demo.example"}); err != nil {
			t.Fatal(err)
		}
		other, err := h.Admin.AddAgency(t.Context(), h.Now(), countersign.Agency{Code: "ACME", Name: "Acme Insurance", Hosts: []string{"login.acme.example"}})
		if err != nil {
			t.Fatal(err)
		}
		v := h.Visit()
		v.Agency = other
		if _, err := h.Admin.AddUser(t.Context(), v, Operator, admin.NewUser{Login: "OTHERS", Name: "Ann Other", Email: "ann@acme.example", Password: Password}); err != nil {
			t.Fatal(err)
		}
		logins := []string{"BSMITH", "CBILLS", "JJONES", "NEWBIE", "OTHERS", "NOBODY"}
		browsers := map[string]*Browser{}
		for i, login := range logins {
			browsers[login] = h.Browser(fmt.Sprintf("198.51.100.%d", i+1), Chrome)
		}
		closed := 0
		for step := range 60 {
			var first string
			for _, login := range logins {
				b := browsers[login]
				b.Get("/sign-in")
				p := b.Send("/sign-in", "user_id", login, "password", wrongPassword)
				if p.Status == http.StatusTooManyRequests && p.Says("This user ID is closed here") {
					closed++
				}
				header := p.Header.Clone()
				header.Del("X-Request-Id")
				got := fmt.Sprint(p.Status, header, strings.ReplaceAll(strings.ReplaceAll(p.Body, p.Value("form_token"), ""), login, "USER"))
				if first == "" {
					first = got
				} else if got != first {
					t.Fatalf("step %d: %s is answered otherwise than %s:\n%s\n%s", step, login, logins[0], got, first)
				}
			}
			h.Pass(time.Hour)
		}
		if closed < len(logins) {
			t.Errorf("the burst never reached the end of the lanes: %d", closed)
		}
	})
}

// fillCounter fills a user's counter for unknown browsers to its limit, from many networks.
func fillCounter(t *testing.T, h *App, login string) {
	t.Helper()
	for i := range 60 {
		b := h.Browser(fmt.Sprintf("203.0.113.%d", i+1), Edge)
		if b.wrong(login) == http.StatusTooManyRequests && b.page.Says("closed here") {
			return
		}
		h.Pass(time.Hour)
	}
	t.Fatalf("the lane of %s never closed", login)
}

// TH-05: an attacker who fills the counter of a user ID from everywhere locks no user out of their
// own device, remembered or not. Elsewhere correct and wrong passwords get the same answer, and a
// new password unlocks it.
func TestNobodyLocksOutAKnownDevice(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		u := h.User("BSMITH")
		ownBrowser := h.Browser("192.0.2.10", Chrome)
		ownBrowser.Enroll("BSMITH")
		ownBrowser.SignOut()
		fillCounter(t, h, "BSMITH")

		wantIn(t, ownBrowser.SignIn("BSMITH"), "BSMITH")
		ownBrowser.SignOut()
		h.Pass(8 * Day) // the device needs a token again, and is known all the same
		wantToken(t, ownBrowser.SignIn("BSMITH"))
		wantIn(t, ownBrowser.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
		ownBrowser.SignOut()
		ownBrowser.IP = "198.51.100.9" // at home
		wantToken(t, ownBrowser.SignIn("BSMITH"))

		elsewhere := h.Browser("192.0.2.99", Chrome)
		right, wrong := elsewhere.SignIn("BSMITH"), elsewhere.SignInWith("BSMITH", wrongPassword)
		if right.Status != 429 || wrong.Status != 429 || right.Text() != wrong.Text() {
			t.Errorf("elsewhere: %d %s\n%d %s", right.Status, right.Text(), wrong.Status, wrong.Text())
		}
		if right.comeBack() == 0 {
			t.Error("no Retry-After")
		}
		if n := countSubjects(h, "bsmith@demo.example", "Sign-in with your user ID was closed"); n != 1 {
			t.Errorf("%d letters about the closing, want 1", n)
		}
		if !slices.Contains(h.Events("BSMITH"), "throttle.alarm refused") {
			t.Error("the closing is not in the audit log")
		}
		clearPasswords(t, h, u)
		wantToken(t, elsewhere.SignIn("BSMITH"))
	})
}

// A known device does not bypass the limits: its own failures have a counter of their own, and
// another user's device cookie does not help (TH-05).
func TestKnownLaneIsALane(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("CBILLS")
		ownBrowser := h.Browser("192.0.2.10", Chrome)
		ownBrowser.Enroll("BSMITH")
		ownBrowser.SignOut()
		for range 5 {
			ownBrowser.wrong("BSMITH")
		}
		wantWait(t, ownBrowser.SignIn("BSMITH"), 30*time.Second)
		wantToken(t, h.Browser("192.0.2.11", Chrome).SignIn("BSMITH")) // another counter
		for range 5 {
			ownBrowser.wrong("CBILLS")
		}
		wantWait(t, h.Browser("192.0.2.11", Chrome).SignIn("CBILLS"), 30*time.Second) // the same counter
	})
}

// TH-05: an activation link unlocks what wrong passwords for a user ID without a password have
// locked.
func TestANewPasswordOpensTheLanes(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		if _, err := h.Admin.AddUser(t.Context(), h.Visit(), Operator, admin.NewUser{Login: "BSMITH", Name: "Bob Smith", Email: "bsmith@demo.example"}); err != nil {
			t.Fatal(err)
		}
		b := h.Browser("192.0.2.10", Chrome)
		for range 5 {
			b.wrong("BSMITH")
		}
		wantWait(t, b.SignIn("BSMITH"), 30*time.Second)
		_, rest, _ := strings.Cut(h.Mail("bsmith@demo.example")[0].Text, "/welcome?link=")
		link := strings.Fields(rest)[0]
		b.Get("/welcome?link=" + link)
		b.Post("/welcome", "link", link, "new_password", Password)
		wantSetUp(t, b.SignIn("BSMITH"))
	})
}

// TH-04, TH-09: 40 user IDs from one /64, by 40 addresses, are slowed from the 11th on to one a
// minute, with an audit row. Other networks, known devices and other agencies are not affected
// (TN-02).
func TestSprayFromOneNetwork(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		ownBrowser := h.Browser("2001:db8:1:2::99", Chrome)
		ownBrowser.Enroll("BSMITH")
		ownBrowser.SignOut()
		slowed := 0
		for i := range 40 {
			p := h.Browser(fmt.Sprintf("2001:db8:1:2::%x", i+1), Chrome).SignInWith(fmt.Sprintf("AGENT%02d", i), wrongPassword)
			if (p.Status == 429) != (i >= 10) {
				t.Fatalf("user ID %d: %d", i+1, p.Status)
			}
			if p.Status == 429 {
				slowed++
				wantWait(t, p, time.Minute, "sign-ins from your network have failed, so new devices there are slowed down")
			}
		}
		alarms := 0
		for _, line := range h.Events("") {
			if line == "throttle.alarm refused" {
				alarms++
			}
		}
		if slowed != 30 || alarms != 1 {
			t.Errorf("%d slowed, %d alarms; want 30 and one", slowed, alarms)
		}
		wantIn(t, ownBrowser.SignIn("BSMITH"), "BSMITH")
		wantToken(t, h.Browser("2001:db8:1:3::1", Chrome).SignIn("BSMITH"))
		for i := range 12 {
			h.Pass(time.Minute)
			for j, want := range []int{422, 429} {
				if status := h.Browser("2001:db8:1:2::1", Chrome).wrong(fmt.Sprintf("LATER%02d%d", i, j)); status != want {
					t.Errorf("user ID %d of minute %d: %d", j+1, i+1, status)
				}
			}
		}
		h.Pass(policy.Window)
		if status := h.Browser("2001:db8:1:2::1", Chrome).wrong("AGENT00"); status != 422 {
			t.Errorf("after the window: %d", status)
		}
	})
}

// TH-04, TH-09: of ten user IDs that fail again and again from one address, ten failures are
// compared without a wait, then one a minute up to twenty in ten minutes. Another user ID can sign
// in all the time. A /48 may fail 60 times, then every ten seconds.
func TestFailuresOfANetwork(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		four := func(i int) *Page {
			return h.Browser("192.0.2.20", Chrome).SignInWith(fmt.Sprintf("AGENT%02d", i%5), wrongPassword)
		}
		for i := range 20 {
			if i >= 10 {
				wantWait(t, four(i), time.Minute)
				wantSetUp(t, h.Browser("192.0.2.20", Edge).SignIn("BSMITH"))
				h.Pass(time.Minute)
			}
			if p := four(i); p.Status != 422 {
				t.Fatalf("failure %d of the address: %d", i+1, p.Status)
			}
		}
		for i := range 61 {
			if i == 60 {
				wantWait(t, h.Browser("2001:db8:7:ffff::1", Chrome).SignInWith("PERSON99", wrongPassword), 10*time.Second)
				h.Pass(10 * time.Second)
			}
			ip := fmt.Sprintf("2001:db8:7:%x::1", i/5)
			if p := h.Browser(ip, Chrome).SignInWith(fmt.Sprintf("PERSON%02d", i%60), wrongPassword); p.Status != 422 {
				t.Fatalf("failure %d of the /48: %d", i+1, p.Status)
			}
		}
		if status := h.Browser("2001:db8:8::1", Chrome).wrong("PERSON99"); status != 422 {
			t.Errorf("another /48: %d", status)
		}
	})
}

// TH-09: the first morning of an office behind one address: of 24 users with new devices each
// second one mistypes the password and then the token once, and all sign in without a wait. Their
// failures are forgiven as they succeed.
func TestARolloutMorning(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		for i := range 24 {
			login := fmt.Sprintf("AGENT%02d", i)
			h.User(login)
			b := h.Browser("192.0.2.20", Chrome)
			if i%2 == 0 {
				if status := b.wrong(login); status != 422 {
					t.Fatalf("%s mistypes: %d", login, status)
				}
			}
			wantSetUp(t, b.SignIn(login))
			to := strings.ToLower(login) + "@demo.example"
			b.Get("/set-up/email")
			b.Post("/set-up/email", "email", to)
			if i%2 == 0 {
				b.Post("/set-up/email/token", "token", otherThan(h.Token(to)))
			}
			if p := b.Post("/set-up/email/token", "token", h.Token(to)); p.Status != 200 {
				t.Fatalf("%s: %d %s", login, p.Status, p.Text())
			}
			h.Pass(2 * time.Second)
		}
		left := h.Count(`SELECT count(*) FROM guess WHERE agency_id = $1 AND failed AND NOT forgiven`, string(h.Agency.ID))
		if wrong := h.Count(`SELECT count(*) FROM guess WHERE agency_id = $1 AND failed`, string(h.Agency.ID)); wrong != 24 || left != 0 {
			t.Errorf("%d wrong, %d of them not forgiven; want 24 and none", wrong, left)
		}
	})
}

// TH-04, TH-05: a success on a known device forgives no failures of others behind the same address.
func TestAKnownDeviceForgivesNothing(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		ownBrowser := h.Browser("192.0.2.20", Chrome)
		ownBrowser.Enroll("BSMITH")
		ownBrowser.SignOut()
		h.Browser("192.0.2.20", Chrome).wrong("BSMITH")
		wantIn(t, ownBrowser.SignIn("BSMITH"), "BSMITH")
		if n := h.Count(`SELECT count(*) FROM guess WHERE agency_id = $1 AND failed AND NOT forgiven`, string(h.Agency.ID)); n != 1 {
			t.Errorf("%d failures count, want 1", n)
		}
	})
}

// clearPasswords resets the counters as a new password does.
func clearPasswords(t *testing.T, h *App, u countersign.User) {
	t.Helper()
	err := h.DB.In(t.Context(), h.Agency.ID, func(tx *store.Tx) error { return tx.ClearPasswordFailures(t.Context(), u.ID) })
	if err != nil {
		t.Fatal(err)
	}
}

func countSubjects(h *App, to, begins string) (n int) {
	for _, s := range h.Subjects(to) {
		if strings.HasPrefix(s, begins) {
			n++
		}
	}
	return n
}
