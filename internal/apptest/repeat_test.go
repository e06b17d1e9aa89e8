package apptest

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/mtatest"
	"countersign/internal/outbox"
)

// written holds the encodings in which a server may repeat what it received.
var written = map[string]func(string) string{
	"plain":  func(s string) string { return s },
	"base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"hex":    func(s string) string { return hex.EncodeToString([]byte(s)) },
	"spaces": func(s string) string { return strings.Join(strings.Split(s, ""), " ") },
	"entities": func(s string) string {
		var all strings.Builder
		for _, r := range s {
			fmt.Fprintf(&all, "&#%d;", r)
		}
		return all.String()
	},
}

// A tap records the tokens that are sent by a route.
type tap struct {
	outbox.Sender
	seen *[]string
}

func (p tap) Send(ctx context.Context, l outbox.Outgoing) (outbox.Receipt, error) {
	if token := sixDigits.FindStringSubmatch(l.Text); token != nil && !slices.Contains(*p.seen, token[1]) {
		*p.seen = append(*p.seen, token[1])
	}
	return p.Sender.Send(ctx, l)
}

// repeating sends mail and texts to servers that repeat what they receive.
func repeating(t *testing.T, h *App, code int, spell func(string) string, seen *[]string) {
	t.Helper()
	mail, err := outbox.ParseSMTP(mtatest.RepeatMail(t, mtatest.Repeated{Step: "end", Code: code, Spell: spell}))
	if err != nil {
		t.Fatal(err)
	}
	texts, err := outbox.ParseRoutes([]string{mtatest.RepeatTexts(t, map[int]int{250: 202, 450: 503, 552: 422}[code], spell)})
	if err != nil {
		t.Fatal(err)
	}
	h.Outbox.Mail, h.Outbox.Text = tap{mail, seen}, tap{texts, seen}
}

// OT-10, AU-02: nothing that a mail server or a text gateway repeats gets into the database, the
// log or a page, whether it accepts the message, refuses it or asks to retry.
func TestServersThatRepeatTheMessage(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("ADMIN", countersign.AgencyRights...)
		admin := h.Browser("192.0.2.10", Chrome)
		admin.Enroll("ADMIN")
		h.User("BSMITH")
		h.Browser("192.0.2.20", Chrome).enrollSMS("BSMITH")
		var seen []string
		n := 0
		for name, spell := range written {
			for _, code := range []int{250, 450, 552} {
				h.Pass(50 * time.Minute)
				repeating(t, h, code, spell, &seen)
				n++
				b := h.Browser(fmt.Sprintf("203.0.113.%d", n), Chrome)
				wantToken(t, b.SignIn("BSMITH"))
				h.poll()
				pages := b.Get("/sign-in/token").Body + b.Post("/sign-in/other-way", "method", "email").Body
				h.poll()
				pages += b.Get("/sign-in/token").Body
				admin.SignIn("ADMIN")
				list := h.poll().messages(admin)
				noToken(t, name+" on pages", pages+list, seen)
			}
		}
		if len(seen) < 2*len(written)*3 {
			t.Fatalf("%d tokens went out: too few to prove anything", len(seen))
		}
		h.Outbox.Mail, h.Outbox.Text = h.Inbox, h.Inbox
		noToken(t, "the log", h.Watch().Log(), seen)
		for _, cell := range h.Dump() {
			if cell.Table == "message" && cell.Column != "data" {
				noToken(t, "message."+cell.Column, cell.Text, seen)
			}
		}
	})
}

// poll delivers what is due.
func (h *App) poll() *App {
	h.T.Helper()
	if _, err := h.Outbox.Poll(h.T.Context()); err != nil {
		h.T.Fatal(err)
	}
	return h
}

// messages returns the pages of administration about messages.
func (h *App) messages(admin *Browser) (all string) {
	list := admin.Get("/admin/messages")
	all = list.Body + admin.Get("/admin/users/BSMITH").Body
	for _, link := range list.Links() {
		if len(link) == len("/admin/messages/")+32 {
			all += admin.Get(link).Body
		}
	}
	return all
}

// noToken fails the test if a text contains a token in any encoding.
func noToken(t *testing.T, where, text string, seen []string) {
	t.Helper()
	for _, token := range seen {
		for name, spell := range written {
			if spelled := strings.TrimRight(spell(token), "="); name == "plain" && containsWord(text, token) || name != "plain" && strings.Contains(text, spelled) {
				t.Errorf("%s holds a token in %s", where, name)
			}
		}
	}
}
