package apptest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/store"
)

// moved copies another user's sealed app secret into the row of login, who then has a secret known
// to that user.
func (h *App) moved(login string) {
	h.T.Helper()
	thief := h.User("THIEF")
	h.Browser("192.0.2.66", Chrome).EnrollApp("THIEF", "app")
	if _, err := h.Admin.ResetTwoFactor(h.T.Context(), h.Visit(), Operator, login, "a test"); err != nil {
		h.T.Fatal(err)
	}
	h.Browser("192.0.2.67", Chrome).EnrollApp(login, "app")
	h.Tamper(`UPDATE factor SET secret = (SELECT f.secret FROM factor f WHERE f.user_id = $1 AND f.method = 'app')
		WHERE method = 'app' AND user_id = (SELECT id FROM users WHERE login = $2 AND agency_id = $3)`, string(thief.ID), login, string(h.Agency.ID))
}

// KY-01: user A's sealed secret in B's row is useless: B's sign-in stops with a sentence, A's
// tokens do not help, an alarm is in the audit log, and an administrator can fix it by a reset.
func TestAMovedSecretStopsTheSignIn(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		log := h.Watch()
		h.Administrator()
		h.User("BSMITH")
		h.moved("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		p := b.SignIn("BSMITH")
		if p.Status != http.StatusForbidden || !p.Says("This can't go on", "changed outside of this program", "Ask an administrator") {
			t.Errorf("the sign-in was answered %d: %s", p.Status, p.Text())
		}
		if b.Cookie("session") != "" {
			t.Error("a session was made")
		}
		if got := h.Events("BSMITH"); !slices.Contains(got, "secret.broken refused") {
			t.Errorf("no alarm in the audit log: %v", got)
		}
		if !strings.Contains(log.Log(), "does not open in its row") {
			t.Error("no alarm in the log")
		}
		admin := h.Browser("192.0.2.30", Chrome)
		admin.Enroll("ADMIN")
		if p := admin.Get("/admin/users/BSMITH"); p.Status != http.StatusOK {
			t.Errorf("the user's page answers %d", p.Status)
		}
		if p := admin.Post("/admin/users/BSMITH/reset-two-factor", "reason", "the database was changed"); p.Status != http.StatusOK {
			t.Errorf("the reset answers %d: %s", p.Status, p.Text())
		}
		if p := b.SignIn("BSMITH"); p.Path != "/set-up/email" {
			t.Errorf("after the reset the sign-in leads to %s: %s", p.Path, p.Text())
		}
	})
}

// KY-01: the sealed body of one sign-in in the row of another is useless.
func TestAMovedAttemptOpensNothing(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("CBILLS")
		for _, login := range []string{"BSMITH", "CBILLS"} {
			h.Browser("192.0.2.10", Chrome).Enroll(login)
		}
		victim, thief := h.Browser("192.0.2.20", Chrome), h.Browser("192.0.2.30", Chrome)
		victim.SignIn("BSMITH")
		thief.SignIn("CBILLS")
		h.Tamper(`UPDATE attempt SET body = (SELECT a.body FROM attempt a WHERE a.user_id = (SELECT id FROM users WHERE login = 'CBILLS' AND agency_id = $1))
			WHERE user_id = (SELECT id FROM users WHERE login = 'BSMITH' AND agency_id = $1)`, string(h.Agency.ID))
		if p := victim.Send("/sign-in/token", "token", h.Token("cbills@demo.example")); p.Status != http.StatusForbidden || victim.Cookie("session") != "" {
			t.Errorf("answered %d", p.Status)
		}
		if got := h.Events(""); !slices.Contains(got, "secret.broken refused") {
			t.Errorf("no alarm: %v", got)
		}
	})
}

// AU-04: a User-Agent header can't forge or split an entry of the audit log or of the log, whatever
// it contains and however long it is.
func TestHostileUserAgents(t *testing.T) {
	hostile := []string{
		"Mozilla/5.0\r\nlevel=ERROR msg=forged",
		"Mozilla/5.0 \x1b[2J\x1b[31m red",
		`Mozilla/5.0"} {"action":"sign-in.completed","actor":"ADMIN`,
		"=HYPERLINK(\"https://evil.example\")",
		"Mozilla/5.0 \u2028\u0085 separated \x00 nothing \xff\xfe",
		"Agent\u202egnp.exe/1.0",
		strings.Repeat("A", 2<<20),
	}
	Each(t, func(t *testing.T, h *App) {
		log := h.Watch()
		h.User("BSMITH")
		for _, agent := range hostile {
			b := h.Browser("192.0.2.10", agent)
			b.SignInWith("BSMITH", "wrong "+Password)
			h.Pass(2 * time.Hour) // a wait after wrong passwords has ended
		}
		err := h.DB.Read(t.Context(), h.Agency.ID, func(tx *store.Tx) error {
			all, err := tx.FindEvents(t.Context(), countersign.EventQuery{Limit: 1000})
			n := 0
			for _, e := range all {
				text := e.Actor + e.Subject + e.Reason + e.Client.Browser + e.Client.OS + e.Client.Product
				if strings.ContainsAny(text, "\r\n\x1b\x00\u2028\u202e") || len(text) > 4096 {
					t.Errorf("a row holds %.200q", text)
				}
				if e.Action == "sign-in.password" {
					n++
				}
				if e.Action == "sign-in.completed" {
					t.Errorf("a row was forged: %+v", e)
				}
			}
			if n != len(hostile) {
				t.Errorf("%d rows for %d wrong passwords", n, len(hostile))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(log.Log()) {
			if !strings.HasPrefix(line, "time=") || strings.Contains(line, "\x1b") || len(line) > 4096 {
				t.Errorf("the log has a line that is none of ours: %.200q", line)
			}
		}
		verify(t, h)
	})
}

// verify fails the test unless the audit log verifies.
func verify(t *testing.T, h *App) {
	t.Helper()
	v, err := h.Admin.VerifyEvents(t.Context(), h.Visit(), nil)
	if err != nil || len(v.Faults) > 0 {
		t.Errorf("the audit log: %v %v", v.Faults, err)
	}
}

// AU-04: while audit rows can't be written nothing is done, neither by administrators nor by users
// who sign in. Afterwards everything is as before.
func TestNothingIsDoneWithoutAnAuditRow(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		admin := h.Browser("192.0.2.30", Chrome)
		admin.Enroll("ADMIN")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		b.SignOut()
		other := h.Browser("192.0.2.20", Chrome)
		other.SignIn("BSMITH")
		token := h.Token("bsmith@demo.example")
		admin.Get("/admin/users/BSMITH")
		before := h.Counts("users", "factor", "session", "device", "preference", "event", "message", "link")

		h.Tamper(`ALTER TABLE event RENAME TO elsewhere`)
		for name, p := range map[string]*Page{
			"a reset":         admin.Send("/admin/users/BSMITH/reset-two-factor", "reason", "phone lost"),
			"a new user":      admin.Send("/admin/users/new", "user_id", "CBILLS", "name", "Carol Bills", "email", "cbills@demo.example"),
			"a disabled user": admin.Send("/admin/users/BSMITH/disable"),
			"a right token":   other.Send("/sign-in/token", "token", token),
			"a password":      h.Browser("192.0.2.40", Chrome).SignIn("BSMITH"),
		} {
			if p.Status != http.StatusInternalServerError || !p.Says("Something went wrong") {
				t.Errorf("%s was answered %d: %s", name, p.Status, p.Text())
			}
		}
		if other.Cookie("session") != "" {
			t.Error("a sign-in was completed without its audit row")
		}
		h.Tamper(`ALTER TABLE elsewhere RENAME TO event`)
		if after := h.Counts("users", "factor", "session", "device", "preference", "event", "message", "link"); !slices.Equal(before, after) {
			t.Errorf("something was done without its audit row: %v rows before, %v after", before, after)
		}
		verify(t, h)
		if p := other.Post("/sign-in/token", "token", token); other.Cookie("session") == "" {
			t.Errorf("afterwards the token does not work: %d %s", p.Status, p.Text())
		}
	})
}

// Counts returns the numbers of rows of these tables.
func (h *App) Counts(tables ...string) (counts []int) {
	h.T.Helper()
	db := h.Raw()
	for _, table := range tables {
		var n int
		if err := db.QueryRowContext(context.Background(), `SELECT count(*) FROM `+table).Scan(&n); err != nil {
			h.T.Fatal(err)
		}
		counts = append(counts, n)
	}
	return counts
}

// KY-01, EN-01: the password hash of another user, in the row of BSMITH, signs no one in: not with
// the password of BSMITH, and not with the one that the hash belongs to. The answer is that of any
// wrong password. The audit log and the metrics have the alarm, a session continues, and a new
// password fixes it.
func TestAMovedPasswordHash(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("THIEF")
		alarms := []string{}
		h.Authn.Alarmed = func(code string) { alarms = append(alarms, code) }
		ownBrowser := h.Browser("192.0.2.10", Chrome)
		ownBrowser.Enroll("BSMITH")
		ordinary := h.Browser("198.51.100.7", Edge).SignInWith("NOBODY", Password)
		h.Tamper(`UPDATE users SET password_sealed = (SELECT u.password_sealed FROM users u WHERE u.login = 'THIEF' AND u.agency_id = $1)
			WHERE login = 'BSMITH' AND agency_id = $1`, string(h.Agency.ID))
		for range 2 {
			b := h.Browser("198.51.100.8", Edge)
			p := b.SignIn("BSMITH")
			if p.Status != ordinary.Status || !p.Says("The user ID or the password is not right. Check both and try again.") || b.Cookie("session") != "" {
				t.Errorf("the sign-in was answered %d: %s", p.Status, p.Text())
			}
		}
		if got := h.Events("BSMITH"); count(got, "secret.broken refused") != 2 || count(got, "sign-in.password refused") != 2 {
			t.Errorf("the audit log: %v", got)
		}
		if len(alarms) != 2 || alarms[0] != "secret.broken" {
			t.Errorf("the monitors have %v", alarms)
		}
		ownBrowser.Get("/password/change")
		wantAt(t, ownBrowser.Post("/password/change", "password", Password, "new_password", "eleven green bicycles in the rain"), 422, "/password/change", "That is not your password.")
		path, key := forgot(t, h, "BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Get(path)
		b.Post("/password/reset", "key", key, "new_password", "eleven green bicycles in the rain")
		h.Pass(time.Hour)
		wantToken(t, h.Browser("198.51.100.9", Edge).SignInWith("BSMITH", "eleven green bicycles in the rain"))
	})
}
