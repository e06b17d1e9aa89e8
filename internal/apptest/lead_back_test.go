package apptest

import (
	"net/http"
	"strings"
	"testing"

	"countersign/internal/web"
)

// M27: while a token is required, or a set-up is in progress, every page that needs a session
// redirects back to it. Public pages stay open, and forms are refused as always.
func TestOtherPagesLeadBackToTheOpenStep(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		for _, half := range []struct {
			name string
			come func(h *App) *Browser
			at   string
		}{
			{"nobody", (*App).nobody, "/sign-in"},
			{"third failure", (*App).thirdFailure, "/sign-in"},
			{"ended session", (*App).ended, "/sign-in"},
			{"password only", (*App).passwordOnly, "/sign-in/token"},
			{"recovery code", (*App).atRecovery, "/sign-in/token"},
			{"set-up", (*App).inWizard, "/set-up/email"},
			{"set-up, menu", (*App).atMenu, "/set-up"},
			{"after a reset", (*App).afterReset, "/set-up/email"},
			{"after an own reset", (*App).afterOwnReset, "/set-up/email"},
		} {
			t.Run(half.name, func(t *testing.T) {
				b := half.come(h)
				for _, r := range h.Routes {
					leadsBack(t, b, r, half.at)
				}
				if p := b.Get(half.at); p.Path != half.at {
					t.Errorf("%s is over, and leads to %s", half.at, p.Path)
				}
				p := b.Get("/sign-in")
				if linked := strings.Contains(string(p.Body), `<a href="`+half.at+`">Continue your sign-in</a>`); linked != (half.at != "/sign-in") {
					t.Errorf("the sign-in page links to %s: %v", half.at, linked)
				}
			})
		}
	})
}

// leadsBack requests one route and checks where it leads.
func leadsBack(t *testing.T, b *Browser, r web.Route, at string) {
	t.Helper()
	method, _, _ := strings.Cut(r.Pattern, " ")
	switch {
	case method == "GET" && (r.Kind == web.RouteSession || r.Pattern == "GET /sign-out"):
		p := b.Get(place(r, "ADMIN"))
		if p.Path != at || p.Status != http.StatusOK {
			t.Errorf("%s leads to %d %s, want %s", r.Pattern, p.Status, p.Path, at)
		}
	case method == "GET" && !strings.HasPrefix(r.Pattern, "GET /s"): // the sign-in and set-up have their own tests
		if p := b.Do("GET", place(r, "ADMIN"), nil); p.Location == at && at != "/sign-in" {
			t.Errorf("%s is open to anyone, and leads back to %s", r.Pattern, at)
		}
	case method == "POST" && r.Kind != web.RouteOpen && r.Pattern != "POST /sign-out": // it ends the step
		if p := b.Do("POST", place(r, "ADMIN"), map[string][]string{}); p.Status < 300 || p.Location == at && at != "/sign-in" {
			t.Errorf("%s answers %d %s", r.Pattern, p.Status, p.Location)
		}
	}
}

// atRecovery returns a browser at the page of recovery codes.
func (h *App) atRecovery() *Browser {
	login, b := h.enrolledUser()
	recoveryCodes(b)
	return toRecovery(h, "192.0.2.31", login)
}

// atMenu returns a browser in a first set-up after the email step.
func (h *App) atMenu() *Browser {
	login := h.recruit()
	b := h.Browser("192.0.2.30", Chrome)
	b.SignIn(login)
	to := strings.ToLower(login) + "@demo.example"
	b.Post("/set-up/email", "email", to)
	wantPath(h, b.Post("/set-up/email/token", "token", h.Token(to)), "/set-up")
	return b
}

// afterOwnReset returns a browser whose user has reset their own methods.
func (h *App) afterOwnReset() *Browser {
	_, b := h.enrolledUser()
	b.Get("/profile")
	wantPath(h, b.Post("/profile/reset-two-factor", "password", Password), "/set-up/email")
	return b
}
