package apptest_test

import (
	"strings"
	"testing"
	"time"

	"countersign/internal/admin"
	"countersign/internal/apptest"
	"countersign/internal/mtatest"
	"countersign/internal/outbox"
)

// The token page reports in our own words what a real mail server said (OT-10), without scripts,
// and never calls a token lost that may arrive.
func TestTokenPageTellsWhatTheMailServerSaid(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		m := mtatest.Start(t) // one each: greylisting has a memory
		for user, c := range map[string]struct {
			url  string
			says []string
		}{
			"GOOD":     {m.URL(), []string{"Accepted by 127.0.0.1 at 2:00:00 PM"}},
			"FULL":     {m.URL(), []string{"The token could not be delivered", "The mailbox of f•••@demo.example is full. Make room in it and ask for a new token"}},
			"NOBODY":   {m.URL(), []string{"The token could not be delivered", "n•••@demo.example doesn't exist or can't receive messages."}},
			"DATA5":    {m.URL(), []string{"The token could not be delivered", "The message to d•••@demo.example was blocked as unwanted."}},
			"LATER":    {m.URL(), []string{"Mail is delayed", "The mail server asked us to try again later."}},
			"GREY":     {m.URL(), []string{"Mail is delayed", "The mail server asked us to try again later."}},
			"HANGDATA": {m.URL(), []string{"Mail is delayed", "The mail server doesn't answer."}},
			"SLOWEND":  {m.URL(), []string{"Mail is delayed", "The mail server has not said whether it took the token, which may have arrived."}},
			"FOREIGN":  {m.At(mtatest.Foreign), []string{"Mail is delayed", "The mail server can't be used right now."}},
			"UNSECURE": {m.At(mtatest.Unsecure), []string{"Mail is delayed", "The mail server can't be used right now."}},
		} {
			route, err := outbox.ParseSMTP(c.url)
			if err != nil {
				t.Fatal(err)
			}
			if user == "HANGDATA" || user == "SLOWEND" {
				route.Timeout = 2 * time.Second
			}
			h.Outbox.Mail = route
			address := strings.ToLower(user) + "@demo.example"
			h.AddUser(admin.NewUser{Login: user, Name: user, Email: address})
			b := h.Browser("192.0.2.10", apptest.Chrome)
			b.SignIn(user)
			b.Post("/set-up/email", "email", address)
			if _, err := h.Outbox.Poll(t.Context()); err != nil {
				t.Fatal(err)
			}
			if p := b.Get("/set-up/email"); !p.Says(c.says...) {
				t.Errorf("%s: want %q: %s", user, c.says, p.Text())
			}
		}
	})
}
