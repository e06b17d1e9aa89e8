package apptest

import (
	"strconv"
	"testing"
	"time"

	"countersign"
	"countersign/internal/policy"
)

// loseTry leaves a counter as a node does that dies while it compares the last try: failures in a row,
// and one counted try that is never settled.
func loseTry(h *App, login string, lane countersign.LimitKey, failures int) {
	h.T.Helper()
	of := ` SELECT agency_id, id, '` + string(lane) + `', `
	from := ` FROM users WHERE login = '` + login + `' AND agency_id = '` + string(h.Agency.ID) + `'`
	at := strconv.FormatInt(h.Now().UnixMilli(), 10)
	h.Tamper(`DELETE FROM lane WHERE name = '` + string(lane) + `'`)
	h.Tamper(`INSERT INTO lane (agency_id, subject, name, failures, until, closed, touched)` + of + strconv.Itoa(failures) + `, 0, 0, ` + at + from)
	h.Tamper(`INSERT INTO guess (agency_id, subject, lane, id, network, wide, at, failed, spent)` + of + `'lost ' || id, '203.0.113.9', '', ` + at + `, FALSE, FALSE` + from)
	h.Pass(policy.InFlight)
}

// TH-02, TH-05: a counter that locks by a try lost with its node is audited and reported like any
// other, once, though the try that finds it so is refused.
func TestALostGuessThatClosesIsTold(t *testing.T) {
	tests := []struct {
		name   string
		lane   countersign.LimitKey
		before int
		letter string
		guess  func(b *Browser) *Page
		says   string
	}{
		{"password", countersign.LimitPassword, 49, "Sign-in with your user ID was closed", func(b *Browser) *Page { return b.SignIn("BSMITH") },
			"This user ID is closed here"},
		{"token", countersign.LimitOf(countersign.MethodEmail), 99, "A method of yours was closed", func(b *Browser) *Page {
			return b.Post("/sign-in/token", "token", "000000")
		}, "set up"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			Each(t, func(t *testing.T, h *App) {
				h.User("BSMITH")
				h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
				h.Pass(2 * time.Hour)
				b := h.Browser("198.51.100.4", Edge)
				if tt.lane.IsPassword() {
					b.Get("/sign-in")
				} else {
					b.SignIn("BSMITH")
				}
				loseTry(h, "BSMITH", tt.lane, tt.before)
				for range 2 {
					if p := tt.guess(b); p.Status != 429 || !p.Says(tt.says) {
						t.Errorf("%d: %s", p.Status, p.Text())
					}
				}
				if n := countEvents(h, "BSMITH", "throttle.alarm refused"); n != 1 {
					t.Errorf("%d alarms, want 1", n)
				}
				if n := countSubjects(h, bsmith, tt.letter); n != 1 {
					t.Errorf("%d letters: %q", n, h.Subjects(bsmith))
				}
				if n := h.Count(`SELECT count(*) FROM guess WHERE NOT failed`); n != 0 {
					t.Errorf("%d guesses are not settled", n)
				}
			})
		})
	}
}

// TH-01, TH-08: a try that was counted and never compared, because its sign-in, set-up or step-up
// had ended by then, is given back, whatever it proves.
func TestATryThatIsNotComparedIsReturned(t *testing.T) {
	t.Parallel()
	over := map[string]string{
		"its attempt has ended": `DELETE FROM attempt`,
		"its user is disabled":  `UPDATE users SET disabled = TRUE`,
	}
	for name, open := range map[string]func(testing.TB) string{"SQLite": SQLite, "PostgreSQL": PostgreSQL} {
		for why, statement := range over {
			for _, g := range guessables {
				t.Run(name+"/"+why+"/"+g.name, func(t *testing.T) {
					t.Parallel()
					h, between := interruptible(t, open)
					b := h.Browser("198.51.100.4", Edge)
					path, field := g.ready(h, b)
					wrong, before := g.wrong(h, b), paidFor(h)
					between.Once(g.paid, func() { h.Tamper(statement) })
					b.Send(path, "user_id", "BSMITH", "new_password", "another horse and 1 more staple", field, wrong)
					if after := paidFor(h); after.kept-before.kept != after.wrong-before.wrong || after.unsettled != 0 || after.tries > after.wrong {
						t.Errorf("before %+v, after %+v", before, after)
					}
				})
			}
		}
	}
}

// payments counts an application's tries that were kept or are not settled, the tries that its
// attempts have lost, and the wrong answers in its audit log.
type payments struct{ kept, unsettled, tries, wrong int }

func paidFor(h *App) payments {
	h.T.Helper()
	return payments{
		kept:      h.Count(`SELECT count(*) FROM guess WHERE failed`) + h.Count(`SELECT COALESCE(sum(tries), 0) FROM enrolment_code`),
		unsettled: h.Count(`SELECT count(*) FROM guess WHERE NOT failed`),
		tries:     h.Count(`SELECT COALESCE(sum(failures), 0) FROM attempt`),
		wrong: h.Count(`SELECT count(*) FROM event WHERE result = 'refused' AND action IN ('sign-in.password', 'token.wrong', ` +
			`'enrolment-code.wrong', 'password.changed', 'two-factor.reset', 'sign-in.passkey')`),
	}
}
