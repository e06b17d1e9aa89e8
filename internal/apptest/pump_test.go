package apptest_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign"
	"countersign/internal/apptest"
	"countersign/internal/policy"
)

// A bot knows the correct password of a user and sets up with a number of its own.
func bot(h *apptest.App, n int, network string) *apptest.Browser {
	h.T.Helper()
	login := fmt.Sprintf("BOT%03d", n)
	h.User(login)
	to := strings.ToLower(login) + "@demo.example"
	b := h.Browser(network, apptest.Chrome)
	b.SignIn(login)
	b.Post("/set-up/email", "email", to)
	b.Post("/set-up/email/token", "token", h.Token(to))
	b.Get("/set-up/sms")
	return b
}

// texts counts the text messages sent to unknown numbers.
func texts(h *apptest.App) (n int) {
	for _, m := range h.Mail("") {
		if m.Channel == countersign.ChannelSMS {
			n++
		}
	}
	return n
}

// SM-01, adjacent numbers: after some unused texts no more are sent, administrators get one notice,
// the page tells the user, and email and app keep working. An hour later texts work again.
func TestPumpOfAdjacentNumbers(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		h.Administrator()
		stopped := 0
		for n := range 40 {
			b := bot(h, n, fmt.Sprintf("192.0.2.%d", n+10))
			p := b.Post("/set-up/sms", "phone", fmt.Sprintf("61455501%02d", n))
			if p.Says("Text messages are stopped", "Use another way.") {
				stopped++
			}
			h.Pass(time.Minute) // its token expires before the third one after it
		}
		if n := texts(h); n > 15 || n+stopped != 40 {
			t.Errorf("%d texts went out, %d were stopped", n, stopped)
		}
		wantAlarm(t, h, "Text messages are stopped: numbers beside each other", 1)
		h.User("JJONES")
		if p := h.Browser("192.0.2.200", apptest.Chrome).Enroll("JJONES"); p.Path != "/set-up/done" {
			t.Error("email does not work during the stop")
		}
		h.User("CBILLS")
		if key := h.Browser("192.0.2.210", apptest.Chrome).EnrollApp("CBILLS", "app"); len(key) != 32 {
			t.Error("the app does not work during the stop")
		}
		h.Pass(2 * time.Hour)
		b := bot(h, 91, "192.0.2.201")
		if p := b.Post("/set-up/sms", "phone", "6145550199"); p.Says("Text messages are stopped") {
			t.Error("texts do not go on by themselves")
		}
		if lines := h.Events("BOT039"); !strings.Contains(strings.Join(lines, "\n"), "text.held refused") {
			t.Errorf("the refusal is not audited: %q", lines)
		}
		u, err := h.Admin.User(t.Context(), h.Visit(), apptest.Operator, "BOT039")
		if err != nil {
			t.Fatal(err)
		}
		heldBack := 0
		for _, m := range u.Messages {
			if m.State == countersign.StateHeld && m.Answer == "send.stopped" {
				heldBack++
			}
		}
		if heldBack != 1 {
			t.Errorf("%d rows say that a text was held back", heldBack)
		}
	})
}

// SM-01, numbers all over the country, from three nodes at once: no text is sent beyond the daily
// budget.
func TestPumpAtOnceStaysWithinTheBudget(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		h.Administrator()
		h.Set("SMSDAILY", "12")
		nodes := []*apptest.App{h, h.Node(), h.Node()}
		var bots []*apptest.Browser
		for n := range 30 {
			b := bot(h, n, fmt.Sprintf("192.0.2.%d", n+10))
			b.House = nodes[n%len(nodes)]
			bots = append(bots, b)
		}
		areas := []string{"614", "212", "305", "415", "206", "702", "303", "617", "312", "404", "512", "919", "503", "602", "801"}
		var all sync.WaitGroup
		for n, b := range bots {
			all.Go(func() { b.Post("/set-up/sms", "phone", fmt.Sprintf("%s55501%02d", areas[n%len(areas)], n)) })
		}
		all.Wait()
		if n := texts(h); n != 12 {
			t.Errorf("%d texts went out, want 12", n)
		}
		wantAlarm(t, h, "Most of the day's text messages are spent", 1)
		wantAlarm(t, h, "No more text messages are sent today", 1)
		h.Pass(apptest.Day)
		b := bot(h, 80, "192.0.2.240")
		b.Post("/set-up/sms", "phone", "6145550180")
		if n := texts(h); n != 13 {
			t.Errorf("the next day %d texts in all, want 13", n)
		}
	})
}

// One network gets fifty unused texts an hour, for all users together. The page says when the
// oldest of them will be an hour old, not an hour from now.
func TestTextsOfANetwork(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		until := h.Now().Add(time.Hour)
		for n := range policy.TextsPerNetwork {
			bot(h, n, "192.0.2.10").Post("/set-up/sms", "phone", fmt.Sprintf("61455501%02d", n))
		}
		texts(h) // the last one is sent before its token expires
		h.Pass(20 * time.Minute)
		p := bot(h, 90, "192.0.2.10").Post("/set-up/sms", "phone", "6145550190")
		if says := "No more are sent from there until " + until.In(h.Agency.Location()).Format("3:04 PM"); !p.Says(says) {
			t.Errorf("want %q, got %d %s", says, p.Status, p.Text())
		}
		if n := texts(h); n != policy.TextsPerNetwork {
			t.Errorf("%d texts went out", n)
		}
	})
}

// wantAlarm wants a number of mails with this subject to the administrator.
func wantAlarm(t *testing.T, h *apptest.App, subject string, want int) {
	t.Helper()
	n := 0
	for _, s := range h.Subjects("admin@demo.example") {
		if strings.HasPrefix(s, subject) {
			n++
		}
	}
	if n != want {
		t.Errorf("%d letters say %q, want %d", n, subject, want)
	}
}

// The installation's budget applies to all agencies together, and a country that the agency has
// removed from its list gets no more texts.
func TestBudgetOfAllAndCountries(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		h.Authn.Texts = 2
		for n := range 3 {
			bot(h, n, "192.0.2.10").Post("/set-up/sms", "phone", fmt.Sprintf("61455501%02d", n))
		}
		if n := texts(h); n != 2 {
			t.Errorf("%d texts, want 2", n)
		}
		h.Authn.Texts = 0
		h.Set("SMSCOUNTRIES", "CA US")
		h.User("BSMITH")
		b := h.Browser("192.0.2.99", apptest.Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		b.Get("/set-up/sms")
		b.Post("/set-up/sms", "phone", "4165550150", "country", "CA")
		h.Set("SMSCOUNTRIES", "US")
		h.Pass(time.Minute)
		p := b.Post("/set-up/sms/new")
		if !p.Says("Text messages to the country of your number are not allowed") {
			t.Errorf("got %s", p.Text())
		}
	})
}
