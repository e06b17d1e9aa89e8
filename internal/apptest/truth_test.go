package apptest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/internal/admin"
	"countersign/internal/store"
)

// truths holds what a correct password leads to: agency, frequency, user, device and state; *
// matches anything. Each combination matches exactly one line.
var truths = []struct{ when, page string }{
	// agency frequency user      device     state
	{"*      *         *         *          disabled", "wrong"},
	{"Off    *         *         *          enabled ", "in"},
	{"On     *         new       *          enabled ", "set-up"},
	{"On     *         reset     *          enabled ", "set-up"},
	{"On     *         lapsed    *          enabled ", "closed"},
	{"On     0         enrolled  *          enabled ", "token"},
	{"On     7         enrolled  strange    enabled ", "token"},
	{"On     7         enrolled  remembered enabled ", "in"},
	{"On     7         enrolled  over       enabled ", "token"},
	{"On     empty     enrolled  strange    enabled ", "token"},
	{"On     empty     enrolled  remembered enabled ", "in"},
	{"On     empty     enrolled  over       enabled ", "in"}, // 8 days are less than 30
}

// arrived returns which page a sign-in has led to.
func arrived(p *Page) string {
	switch {
	case p.Status == 200 && p.Path == "/" && p.Has("form", "action", "/sign-out"):
		return "in"
	case p.Status == 200 && p.Path == "/sign-in/token":
		return "token"
	case p.Status == 200 && p.Path == "/set-up/email":
		return "set-up"
	case p.Status == 403 && p.Says("Set-up is closed"):
		return "closed"
	case p.Status == 422 && p.Says("The user ID or the password is not right."):
		return "wrong"
	default:
		return fmt.Sprintf("%d %s %s", p.Status, p.Path, p.Text())
	}
}

// Every combination of what the first step depends on, with its result, checked on real pages.
func TestTruthTable(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Set("2FAFREQUENCY", "30") // while the users are created
		all := truthCases()
		h.enrollCases(all, func(c *truthCase) bool { return c.device == "over" })
		h.Pass(8 * Day)
		h.enrollCases(all, func(c *truthCase) bool { return c.user == "lapsed" && c.device != "over" })
		h.resetCases(t, all, "lapsed")
		h.Pass(25 * time.Hour)
		h.enrollCases(all, func(c *truthCase) bool { return c.b == nil })
		h.resetCases(t, all, "reset")
		for _, c := range all {
			if c.state == "disabled" {
				h.edit(t, c.login, admin.Change{Disabled: new(true)})
			}
		}
		for _, agency := range []string{"On", "Off"} {
			for _, frequency := range []string{"empty", "7", "0"} { // 0 and Off forget every device, so they come last
				truthsOf(t, h, all, agency, frequency)
			}
		}
	})
}

// A truthCase is a user with their browser.
type truthCase struct {
	user, device, state string
	login               string
	b                   *Browser
}

// truthsOf signs all users in with one set of preferences, in a copy of their browsers.
func truthsOf(t *testing.T, h *App, all []*truthCase, agency, frequency string) {
	t.Helper()
	h.Set("2FAFREQUENCY", strings.TrimPrefix(frequency, "empty"))
	if agency == "Off" {
		h.Set("2FA", "Off")
	}
	for _, c := range all {
		when := strings.Join([]string{agency, frequency, c.user, c.device, c.state}, " ")
		want := truth(t, when)
		h.clearFailures(c.login)
		if got := arrived(c.b.Copy(c.b.IP, c.b.Agent).SignIn(c.login)); got != want {
			t.Errorf("%s: %s instead of %s", when, got, want)
		}
	}
}

// clearFailures forgets the wrong passwords of a user, as a new password would, and the failures of their
// network.
func (h *App) clearFailures(login string) {
	h.T.Helper()
	h.Tamper(`DELETE FROM guess WHERE agency_id = $1`, string(h.Agency.ID))
	err := h.DB.In(h.T.Context(), h.Agency.ID, func(tx *store.Tx) error {
		u, err := tx.UserByLogin(h.T.Context(), login)
		if err != nil {
			return err
		}
		return tx.ClearPasswordFailures(h.T.Context(), u.ID)
	})
	if err != nil {
		h.T.Fatal(err)
	}
}

// truthCases returns all users with all devices in all states.
func truthCases() (all []*truthCase) {
	for _, user := range []string{"new", "enrolled", "reset", "lapsed"} {
		for _, device := range []string{"strange", "remembered", "over"} {
			for _, state := range []string{"enabled", "disabled"} {
				all = append(all, &truthCase{user: user, device: device, state: state})
			}
		}
	}
	return all
}

// enrollCases creates some of the users, and their browsers. The browser of a user who was never
// set up remembers another user.
func (h *App) enrollCases(all []*truthCase, these func(*truthCase) bool) {
	h.T.Helper()
	for _, c := range all {
		if !these(c) {
			continue
		}
		c.login, c.b = h.recruit(), h.Browser("192.0.2.10", Chrome)
		if c.user == "new" {
			c.b.Enroll(h.recruit())
		} else {
			c.b.Enroll(c.login)
		}
		c.b.SignOut()
		if c.device == "strange" {
			c.b = h.Browser("192.0.2.20", Edge)
		}
	}
}

func (h *App) resetCases(t *testing.T, all []*truthCase, user string) {
	t.Helper()
	for _, c := range all {
		if c.user == user {
			_, err := h.Admin.ResetTwoFactor(t.Context(), h.Visit(), Operator, c.login, "a test")
			must(t, err)
		}
	}
}

// truth returns the page of the one line that a combination matches.
func truth(t *testing.T, when string) string {
	t.Helper()
	var pages []string
	for _, line := range truths {
		met := true
		values := strings.Fields(when)
		for i, want := range strings.Fields(line.when) {
			met = met && (want == "*" || want == values[i])
		}
		if met {
			pages = append(pages, line.page)
		}
	}
	if len(pages) != 1 {
		t.Fatalf("%s meets %d lines of the table", when, len(pages))
	}
	return pages[0]
}
