package apptest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/policy"
)

// RS-02: who may reset whom. Every actor and every target (by rights), of this agency and of
// another, with a recent proof and an old one, with a reason and without: it takes the right, a
// target who has no right that the actor lacks, the same agency, a proof of the last five minutes,
// and a reason.
func TestResetMatrix(t *testing.T) {
	all := map[string][]countersign.Right{
		"NONE":  nil,
		"RESET": {countersign.RightReset},
		"USERS": {countersign.RightUsers},
		"BOTH":  {countersign.RightReset, countersign.RightUsers},
		"ALL":   countersign.AgencyRights,
	}
	names := []string{"NONE", "RESET", "USERS", "BOTH", "ALL"}
	want := func(actor, target string, home, fresh, reason bool) string {
		holds := func(r countersign.Right) bool { return slices.Contains(all[actor], r) }
		switch {
		case !holds(countersign.RightReset):
			return policy.RightMissing
		case !home:
			return "user.unknown"
		case slices.ContainsFunc(all[target], func(r countersign.Right) bool { return !holds(r) }):
			return policy.RankTooLow
		case !reason:
			return "reset.reason_missing"
		case !fresh:
			return "step_up.needed"
		default:
			return ""
		}
	}
	Each(t, func(t *testing.T, h *App) {
		h.User("KEEPER", countersign.AgencyRights...)
		for _, n := range names {
			h.User("A-"+n, all[n]...)
			h.Browser("192.0.2.10", Chrome).Enroll("A-" + n)
			h.User("T-"+n, all[n]...)
			h.Browser("192.0.2.10", Chrome).Enroll("T-" + n)
		}
		other, err := h.Admin.AddAgency(t.Context(), h.Now(), countersign.Agency{Code: "ACME", Name: "Acme", Hosts: []string{"login.acme.example"}})
		if err != nil {
			t.Fatal(err)
		}
		abroad := h.Visit()
		abroad.Agency = other
		for _, n := range names {
			if _, err := h.Admin.AddUser(t.Context(), abroad, Operator, admin.NewUser{Login: "X-" + n, Name: "Abroad", Email: strings.ToLower(n) + "@acme.example", Rights: all[n], Password: Password}); err != nil {
				t.Fatal(err)
			}
		}
		tried, done := 0, 0
		for _, actor := range names {
			stale := h.fresh("A-" + actor)
			h.Pass(policy.StepUpAge)
			fresh := h.proved("A-" + actor)
			for _, target := range names {
				for i := range 8 {
					home, recent, reason := i&1 == 0, i&2 == 0, i&4 == 0
					by, login, why := fresh, "T-"+target, "lost phone"
					if !home {
						login = "X-" + target
					}
					if !recent {
						by = stale
					}
					if !reason {
						why = " "
					}
					before := h.standing("T-" + target)
					_, err := h.Admin.ResetTwoFactor(t.Context(), h.Visit(), by, login, why)
					tried++
					if got, want := countersign.CodeOf(err), want(actor, target, home, recent, reason); got != want || want == "" && err != nil {
						t.Errorf("%s resets %s (fresh %v, reason %v): %v, want %q", actor, login, recent, reason, err, want)
					}
					if err == nil {
						done++
						h.Browser("192.0.2.10", Chrome).Enroll("T-" + target)
						continue
					}
					if after := h.standing("T-" + target); after != before {
						t.Errorf("%s resets %s was refused, and changed %+v to %+v", actor, login, before, after)
					}
				}
			}
		}
		if tried != 200 || done != 2+4+5 { // RESET may reset two, BOTH four, ALL all five
			t.Errorf("%d resets of %d were done, want 11 of 200", done, tried)
		}
	})
}

// proved returns a user as an actor who has just entered a token, on a new device.
func (h *App) proved(login string) countersign.Actor {
	h.T.Helper()
	h.Pass(time.Hour)
	b := h.Browser(fmt.Sprintf("198.51.100.%d", h.Now().Unix()%250+1), Edge)
	b.SignIn(login)
	b.Post("/sign-in/token", "token", h.Token(strings.ToLower(login)+"@demo.example"))
	return h.actorOf(b)
}

// RS-07: the last administrator can't be disabled, lose rights or be reset, on any page and not by
// themselves; with a second administrator each action works. The operator can use a reset and an
// enrollment code, and both are audited.
func TestLastAdministratorStays(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("JJONES", countersign.RightReset)
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		office := h.Browser("192.0.2.11", Chrome)
		office.Enroll("JJONES")
		wantAt(t, b.Get("/profile/reset-two-factor"), 403, "/profile/reset-two-factor", "ADMIN is the last administrator", "Give another user all rights first.") // before the password is asked for
		wantAt(t, b.Post("/profile/reset-two-factor", "password", Password), 403, "/profile/reset-two-factor", "ADMIN is the last administrator", "Give another user all rights first.")
		if !slices.Contains(h.Events("ADMIN"), "two-factor.reset refused") || h.standing("ADMIN").Methods != "email" {
			t.Errorf("the refusal is not audited, or something was cleared: %v", h.Events("ADMIN"))
		}
		b.Get("/admin/users/ADMIN")
		for path, form := range map[string][]string{
			"/admin/users/ADMIN/disable":                 nil,
			"/admin/users/ADMIN/reset-two-factor":        {"reason", "r"},
			"/admin/users/ADMIN/setup-two-factor":        {"how", "code", "reason", "r"},
			"/admin/users/ADMIN/reset-two-factor/cancel": nil,
		} {
			if p := b.Post(path, form...); p.Status != 403 && p.Status != 422 {
				t.Errorf("%s by himself: %d %s", path, p.Status, p.Text())
			}
			b.Get("/admin/users/ADMIN")
		}
		office.Get("/admin/users/ADMIN")
		if p := office.Post("/admin/users/ADMIN/reset-two-factor", "reason", "r"); p.Status != 403 || !p.Says("holds a right that you do not hold") {
			t.Errorf("by a lower one: %d", p.Status)
		}
		edit := func(c admin.Change) string {
			c.Version = admin.AnyVersion
			_, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, "ADMIN", c)
			return countersign.CodeOf(err)
		}
		off := true
		for what, c := range map[string]admin.Change{"disabled": {Disabled: &off}, "stripped": {RemoveRights: []countersign.Right{countersign.RightUsers}}} {
			if got := edit(c); got != policy.LastAdministrator {
				t.Errorf("%s: %q", what, got)
			}
		}

		// The operator can reset the last administrator.
		code := h.code("ADMIN")
		for _, want := range []string{"two-factor.reset ok", "enrolment-code.made ok"} {
			if !slices.Contains(h.Events("ADMIN"), want) {
				t.Errorf("no audit row %s", want)
			}
		}
		b = h.Browser("192.0.2.20", Chrome)
		wantAt(t, b.SignIn("ADMIN"), 200, "/set-up/code", "The operator of the server made")
		wantSetUp(t, b.Post("/set-up/code", "enrolment_code", code))
		b.Post("/set-up/email", "email", "ann@mail.example")
		b.Post("/set-up/email/token", "token", h.Token("ann@mail.example"))
		wantAt(t, b.Post("/set-up/skip"), 200, "/set-up/done")

		// With a second administrator the first can be removed.
		h.User("CBILLS", countersign.AgencyRights...)
		b.Get("/profile/reset-two-factor")
		wantSetUp(t, b.Post("/profile/reset-two-factor", "password", Password))
		if got := edit(admin.Change{Disabled: &off}); got != "" {
			t.Errorf("with a second administrator: %q", got)
		}
	})
}
