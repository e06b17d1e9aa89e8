package apptest

import (
	"slices"
	"strings"
	"testing"
)

// PK-02: a password manager that starts or stops syncing its passkeys to other devices says so in
// its next answer. The answer is accepted, and the change saved.
func TestPasskeyThatBeginsToBeCopiedIsTaken(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := keyed(h)
		for _, flags := range []byte{UserPresent | UserVerified | Syncable | Synced, UserPresent | UserVerified | Syncable, UserPresent | UserVerified} {
			a.Flags = flags
			b, p := asks(h)
			if p = b.Post("/sign-in/token", "credential", a.Answer(p.Options())); p.Path != "/" {
				t.Errorf("flags %02x: %s: %s", flags, p.Path, p.Text())
			}
		}
		if got := h.Events("BSMITH"); slices.Contains(got, "token.wrong refused") {
			t.Errorf("rows: %q", got)
		}
	})
}

// M30: only a wrong proof costs a try. A passkey that can't be created is none: set-up continues
// after any number of them.
func TestPasskeyThatCannotBeMadeCostsNoTry(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := keyed(h)
		h.User("CBILLS")
		b := h.Browser("203.0.113.8", Chrome)
		b.Enroll("CBILLS")
		b.Get("/profile")
		b.Post("/profile/setup-two-factor")
		changes := map[string]func(*Statement){
			"That passkey is in use already. Make another one.":         func(s *Statement) { s.ID = a.Holding[0].ID },
			"Your browser made a passkey that we can't use.":            func(s *Statement) { s.Origin = "http://login.evil.example" },
			"we can't use. Make another one, or use another browser or": func(s *Statement) { s.Challenge = "" },
		}
		for range 2 {
			for says, change := range changes {
				wrong := NewAuthenticator(t)
				wrong.Change = change
				p := b.MakePasskey(wrong, "Mine")
				if p.Status != 422 || !p.Says(says) || strings.Contains(p.Text(), " left") {
					t.Fatalf("%d, want %q: %s", p.Status, says, p.Text())
				}
			}
		}
		if p := b.MakePasskey(NewAuthenticator(t), "Mine"); p.Status != 200 || !p.Says("set up is now complete for the passkey method") {
			t.Errorf("a good one afterwards: %d %s", p.Status, p.Text())
		}
	})
}
