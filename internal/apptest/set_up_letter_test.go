package apptest

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	setUpLetter = "Two factor authentication is set up for Agency Integrator"
	signOn      = "New sign on to Agency Integrator"
)

// letters returns the subjects of the messages to an address without tokens, oldest first.
func (h *App) letters(to string) (all []string) {
	h.T.Helper()
	for _, s := range slices.Backward(h.Subjects(to)) {
		if !isTokenSubject(s) {
			all = append(all, s)
		}
	}
	return all
}

func isTokenSubject(s string) bool { return strings.HasPrefix(s, "Your Agency Integrator token (") }

// NT-05: a set-up of two minutes, by email, app and SMS with another Default, sends one token mail
// and one notice, to each address. It names all that was set up and the sign-in, with the link to
// report it.
func TestASetUpSendsOneLetter(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.T = t
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", bsmith)
		b.Post("/set-up/email/token", "token", h.Token(bsmith))
		h.Pass(30 * time.Second)
		key := b.Get("/set-up/app").Key()
		b.Post("/set-up/app", "token", h.AppToken(key))
		h.Pass(30 * time.Second)
		b.Get("/set-up/sms")
		b.Post("/set-up/sms", "phone", "6145550112")
		b.Post("/set-up/sms/token", "token", h.Token("+16145550112"))
		h.Pass(30 * time.Second)
		if got := h.letters(bsmith); len(got) != 0 {
			t.Errorf("during set-up: %q", got)
		}
		p := b.Post("/set-up/default", "default", "app")
		wantAt(t, p, 200, "/set-up/done")
		h.Pass(time.Hour)
		if got := h.letters(bsmith); !slices.Equal(got, []string{setUpLetter}) {
			t.Errorf("letters: %q, of all: %q", got, h.Subjects(bsmith))
		}
		if n := len(h.Mail(bsmith)); n != 2 {
			t.Errorf("%d mails, want the token and the letter", n)
		}
		for _, says := range []string{"Methods: Email, authenticator app, SMS", "Default: Authenticator app", "there was a sign on to Agency Integrator from a new connection",
			"Network address: 192.0.2.10", "Operating system: Windows", "/not-me?link="} {
			if !textMailed(h, bsmith, says) {
				t.Errorf("the letter does not say %q:\n%s", says, letterWith(h, bsmith, setUpLetter))
			}
		}
	})
}

// NT-05: a set-up that is left is reported ten minutes after its last step, with what was set up.
// Changes outside a first set-up are reported at once.
func TestASetUpThatIsLeftIsTold(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.T = t
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", bsmith)
		b.Post("/set-up/email/token", "token", h.Token(bsmith))
		h.Pass(9 * time.Minute)
		key := b.Get("/set-up/app").Key()
		wantAt(t, b.Post("/set-up/app", "token", h.AppToken(key)), 200, "/set-up")
		h.Pass(10*time.Minute - time.Second)
		if got := h.letters(bsmith); len(got) != 0 {
			t.Errorf("before its time: %q", got)
		}
		h.Pass(time.Second)
		if got := h.letters(bsmith); !slices.Equal(got, []string{setUpLetter}) || !textMailed(h, bsmith, "Methods: Email, authenticator app") {
			t.Errorf("left: %q", got)
		}
		h.Pass(time.Hour)
		b = h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		b.Post("/sign-in/token", "token", h.Token(bsmith))
		b.Get("/profile")
		b.Post("/profile/setup-two-factor")
		b.Get("/set-up/sms")
		b.Post("/set-up/sms", "phone", "6145550112")
		b.Post("/set-up/sms/token", "token", h.Token("+16145550112"))
		if got := h.letters(bsmith); !slices.Equal(got, []string{setUpLetter, signOn, "A method was added for Agency Integrator"}) {
			t.Errorf("from the User Profile: %q", got)
		}
	})
}
