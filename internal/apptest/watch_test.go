package apptest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// AU-02, OT-06, OT-07, SE-01: over a long walk through everything that uses secrets, none is
// stored, logged, shown or put into a subject.
func TestNoSecretGetsOut(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		w := h.Watch()
		h.Administrator()
		h.User("BSMITH")
		h.User("CBILLS")
		invited := h.invitedUser("JJONES")
		w.Secret("password", Password, "")

		b := h.Browser("192.0.2.10", Chrome)
		b.SignInWith("BSMITH", "wrong password, certainly")
		w.Secret("password", "typed into the wrong field", `^/sign-in$`)
		b.SignInWith("typed into the wrong field", "and this as the password")
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		first := h.Token("bsmith@demo.example")
		b.Post("/set-up/email/token", "token", otherThan(first))
		b.Post("/set-up/email/token", "token", first)
		key := b.Get("/set-up/app").Key()
		b.Post("/set-up/app", "token", "000000")
		b.Post("/set-up/app", "token", h.AppToken(key))
		b.Get("/set-up/sms")
		b.Post("/set-up/sms", "phone", "6145550112")
		b.Post("/set-up/sms/token", "token", h.Token("+16145550112"))
		b.Post("/set-up/default", "default", "sms")
		b.SignOut()

		h.Pass(8 * Day)
		b.SignIn("BSMITH")
		b.Post("/sign-in/token", "token", h.Token("+16145550112"))
		h.Pass(6 * time.Minute)
		b.Get("/profile")
		b.Post("/profile/default", "default", "app")
		b.Post("/step-up", "token", h.Token("+16145550112"))
		b.Get("/profile")
		b.Post("/profile/reset-two-factor", "password", "not my password at all")
		b.Post("/profile/reset-two-factor", "password", Password)
		b.Get("/sign-in")

		other := h.Browser("192.0.2.20", SafariMac)
		other.Enroll("CBILLS")
		other.SignOut()
		other.Forget()
		other.SignIn("CBILLS")
		other.Get("/sign-in/other-way")
		h.Pass(time.Minute)
		other.Post("/sign-in/token/new")
		for range 3 {
			other.Post("/sign-in/token", "token", otherThan(h.Token("cbills@demo.example")))
		}
		admin := h.Browser("192.0.2.30", Chrome)
		admin.Enroll("ADMIN")
		admin.Get("/admin/users/CBILLS")
		admin.Post("/admin/users/CBILLS/reset-two-factor", "reason", "phone lost")
		admin.Get("/admin/users")
		admin.Get("/demo/inbox")
		invited(h.Browser("192.0.2.40", Edge))
		h.Browser("192.0.2.40", Edge).SignIn("JJONES")
		for path := range strings.FieldsSeq("/ /profile /profile/reset-two-factor /admin/users/BSMITH /admin/system/preferences /nowhere") {
			admin.Get(path)
		}
		w.Check()
		kinds := map[string]int{}
		for _, c := range w.secrets {
			kinds[c.what]++
		}
		for _, kind := range []string{"password", "token", "cookie", "link", "key of an app", "phone number"} {
			if kinds[kind] == 0 {
				t.Errorf("the walk met no %s: %v", kind, kinds)
			}
		}
	})
}

// A spy collects the errors of a test that is expected to fail.
type spy struct {
	testing.TB
	errors []string
}

func (s *spy) Errorf(format string, args ...any) {
	s.errors = append(s.errors, fmt.Sprintf(format, args...))
}

// The watch finds a secret wherever it may leak to.
func TestTheWatchCatchesEachLeak(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		w := h.Watch()
		real := h.T
		s := &spy{TB: t}
		h.T = s
		w.Secret("token", "344078", "")
		w.Secret("link", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", `^/welcome`)
		w.Secret("phone number", "6145550112", ".")
		h.Tamper(`UPDATE users SET name = 'Bob 344078 Smith', mobile = '6145550112' WHERE agency_id = $1`, string(h.Agency.ID))
		h.Tamper(`UPDATE event SET reason = 'called 6145550112' WHERE agency_id = $1`, string(h.Agency.ID))
		_, _ = w.Write([]byte("time=now msg=link handle=abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG\n"))
		link := "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
		w.answered(&Page{Browser: h.Browser("192.0.2.10", Chrome), Path: "/welcome", Header: http.Header{}, Body: link})
		w.answered(&Page{Browser: h.Browser("192.0.2.10", Chrome), Path: "/profile", Header: http.Header{"Location": {"/x?link=" + link}}, Body: "a344078 344078b 1344078"})
		w.Check()
		h.T = real
		h.Tamper(`UPDATE users SET name = 'Bob Smith', mobile = '' WHERE agency_id = $1`, string(h.Agency.ID))
		h.Tamper(`UPDATE event SET reason = '' WHERE agency_id = $1`, string(h.Agency.ID))
		w.mu.Lock()
		w.log.Reset()
		w.mu.Unlock()
		want := []string{"the answer of /profile shows a link", "the database, users.name shows a token", "the database, event.reason shows a phone number", "the log shows a link"}
		for _, one := range want {
			if !strings.Contains(strings.Join(s.errors, "\n"), one) {
				t.Errorf("not caught: %s", one)
			}
		}
		if len(s.errors) != len(want) {
			t.Errorf("%d leaks were told, want %d: %q", len(s.errors), len(want), s.errors)
		}
	})
}
