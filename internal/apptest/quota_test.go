package apptest

import (
	"strings"
	"testing"
	"time"
)

// clock formats a time as pages show it on the same day.
func (h *App) clock(at time.Time) string {
	return at.In(h.Agency.Location()).Format("3:04 PM")
}

// enrollSMS sets up email and 614-555-0112, with SMS as the Default.
func (b *Browser) enrollSMS(login string) {
	b.House.T.Helper()
	to := strings.ToLower(login) + "@demo.example"
	b.SignIn(login)
	b.Post("/set-up/email", "email", to)
	b.Post("/set-up/email/token", "token", b.House.Token(to))
	b.Post("/set-up/sms", "phone", "6145550112")
	b.Post("/set-up/sms/token", "token", b.House.Token("+16145550112"))
	b.Get("/set-up")
	b.Post("/set-up/skip")
	b.Post("/set-up/default", "default", "sms")
}

// requestFive requests five tokens in one sign-in, and uses none of them.
func (b *Browser) requestFive(t *testing.T, login string) {
	t.Helper()
	wantToken(t, b.SignIn(login))
	for range 4 {
		b.House.Pass(31 * time.Second)
		wantAt(t, b.Post("/sign-in/token/new"), 200, "/sign-in/token", "A new token was sent.")
	}
	b.House.Pass(time.Minute)
}

// wantOnce wants a page that says a sentence once.
func wantOnce(t *testing.T, p *Page, sentence string) {
	t.Helper()
	if n := strings.Count(p.Text(), sentence); n != 1 {
		t.Errorf("%d %s says %d times %q: %s", p.Status, p.Path, n, sentence, p.Text())
	}
}

// The quota allows another token when the oldest is an hour old: the page says that time, whenever
// it is asked, and says it once.
func TestTheHourEndsWithItsOldestToken(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		until := h.Now().Add(time.Hour)
		b := h.Browser("198.51.100.20", Chrome)
		b.requestFive(t, "BSMITH")
		b.requestFive(t, "BSMITH")
		limit := "Ten tokens were sent to you within an hour No more are sent until " + h.clock(until)
		wantOnce(t, b.SignIn("BSMITH"), limit)
		h.Pass(5 * time.Minute)
		wantOnce(t, b.Post("/sign-in/token/new"), limit)
		h.Pass(until.Sub(h.Now()) - time.Millisecond)
		wantOnce(t, b.SignIn("BSMITH"), "Ten tokens were sent to you within an hour")
		h.Pass(time.Millisecond)
		wantAt(t, b.Post("/sign-in/token/new"), 200, "/sign-in/token", "Enter your token")
	})
}

// The same for the ten minutes of a phone number (SM-02).
func TestTheTenMinutesOfANumberEndWithItsOldestToken(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("CBILLS")
		h.Browser("192.0.2.10", Chrome).enrollSMS("CBILLS")
		other := h.Browser("198.51.100.20", Chrome)
		until := h.Now().Add(10 * time.Minute)
		other.requestFive(t, "CBILLS")
		limit := "No more text messages go to this number until " + h.clock(until)
		wantOnce(t, other.SignIn("CBILLS"), limit)
		h.Pass(3 * time.Minute)
		wantOnce(t, other.Post("/sign-in/token/new"), limit)
		h.Pass(until.Sub(h.Now()))
		wantAt(t, other.Post("/sign-in/token/new"), 200, "/sign-in/token", "Enter your token")
	})
}

// And for the hour of a number that several users have: the limit per user is not reached.
func TestTheHourOfANumberEndsWithItsOldestText(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		for _, login := range []string{"BSMITH", "CBILLS", "JJONES"} {
			h.User(login)
			h.Browser("192.0.2.10", Chrome).enrollSMS(login)
			h.Pass(31 * time.Second)
		}
		until := h.Now().Add(time.Hour)
		h.Browser("198.51.100.20", Chrome).requestFive(t, "CBILLS")
		h.Pass(11 * time.Minute)
		h.Browser("198.51.100.21", Chrome).requestFive(t, "JJONES")
		h.Pass(11 * time.Minute)
		b := h.Browser("198.51.100.22", Chrome)
		wantOnce(t, b.SignIn("BSMITH"), "No more text messages go to this number until "+h.clock(until))
		h.Pass(until.Sub(h.Now()) - time.Millisecond)
		wantOnce(t, b.SignIn("BSMITH"), "No more text messages go to this number until "+h.clock(until))
		h.Pass(time.Millisecond)
		wantAt(t, b.Post("/sign-in/token/new"), 200, "/sign-in/token", "Enter your token")
	})
}
