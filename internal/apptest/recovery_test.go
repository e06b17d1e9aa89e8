package apptest

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign"
	"countersign/internal/store"
)

var recoveryCode = regexp.MustCompile(`\b(?:[A-HJ-NP-Z2-9]{4}-){5}[A-HJ-NP-Z2-9]{4}\b`)

// recoveryCodes makes a set in a signed-in browser with a recent proof.
func recoveryCodes(b *Browser) []string {
	b.House.T.Helper()
	b.Get("/profile/recovery-codes")
	p := b.Post("/profile/recovery-codes", "make", "yes", "set", b.page.Value("set"))
	codes := recoveryCode.FindAllString(p.Text(), -1)
	if p.Status != 200 || len(codes) != 8 || p.Header.Get("Cache-Control") != "no-store" {
		b.House.T.Fatalf("want eight recovery codes, got %d %s: %s", p.Status, p.Path, p.Text())
	}
	return codes
}

// toRecovery signs in at another browser and switches to the recovery codes.
func toRecovery(h *App, ip, login string) *Browser {
	h.T.Helper()
	b := h.Browser(ip, Chrome)
	b.SignIn(login)
	b.Post("/sign-in/other-way", "method", "recovery")
	if !b.page.Says("Use a recovery code") || !b.page.Has("input", "name", "recovery_code") {
		h.T.Fatalf("no recovery code is asked: %s", b.page.Text())
	}
	return b
}

// RC-01: the end of set-up offers codes. Each signs its user in once, however it is typed; all
// addresses are told how many are left; the device earns no trust.
func TestRecoveryCode(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		if done := b.Enroll("BSMITH"); !slices.Contains(done.Links(), "/profile/recovery-codes") {
			t.Errorf("the end of set-up offers no recovery codes: %v", done.Links())
		}
		codes := recoveryCodes(b)
		if p := b.Get("/profile/recovery-codes"); recoveryCode.MatchString(p.Text()) || !p.Says("The 8 that are left stop working at once") {
			t.Errorf("the codes are shown again, or not counted: %s", p.Text())
		}
		wantAt(t, b.Post("/profile/recovery-codes", "kept", "yes"), 200, "/profile", "8 of 8 left")

		other := toRecovery(h, "192.0.2.20", "BSMITH")
		wantAt(t, other.page, 200, "/sign-in/token", "You have 8 left.", "This device is not remembered.")
		wantIn(t, other.Post("/sign-in/token", "recovery_code", strings.ToLower(strings.ReplaceAll(codes[0], "-", " "))), "BSMITH")
		if got := h.Subjects("bsmith@demo.example"); !slices.Contains(got, "A recovery code was used for Agency Integrator") {
			t.Errorf("no notice was sent: %v", got)
		}
		letter := letterWith(h, "bsmith@demo.example", "A recovery code was used")
		if !strings.Contains(letter, "Left: 7 of 8") || !strings.Contains(letter, "192.0.2.20") || strings.Contains(letter, codes[0]) {
			t.Errorf("the letter says: %s", letter)
		}
		if p := other.Get("/profile"); !p.Says("7 of 8 left", "Signed in with a recovery code") {
			t.Errorf("the profile does not tell: %s", p.Text())
		}
		if got := classes(h, "BSMITH"); !slices.Equal(got, []string{"urn:countersign:acr:2fa-email", "urn:countersign:acr:2fa"}) {
			t.Errorf("the audit log says the sign-ins are worth %v", got)
		}
		other.SignOut()
		wantToken(t, other.SignIn("BSMITH")) // no trust was earned

		again := toRecovery(h, "192.0.2.30", "BSMITH")
		wantAt(t, again.Post("/sign-in/token", "recovery_code", codes[0]), 422, "/sign-in/token", "That code is not right, or was used before. You have 2 tries left.")
		if again.page.Value("recovery_code") != codes[0] {
			t.Error("what was typed is lost")
		}
		wantIn(t, again.Post("/sign-in/token", "recovery_code", codes[1]), "BSMITH")
		for _, want := range []string{"recovery.made ok", "recovery.used ok", "token.wrong refused"} {
			if !slices.Contains(h.Events("BSMITH"), want) {
				t.Errorf("the audit log lacks %s: %v", want, h.Events("BSMITH"))
			}
		}
	})
}

func letterWith(h *App, to, subject string) string {
	for _, m := range h.Mail(to) {
		if strings.Contains(m.Subject, subject) {
			return m.Text
		}
	}
	return ""
}

// TH-01: a recovery code is one of the same three tries, whatever they were used for. Input that
// can't be a code costs none. Another user's code is wrong, and counts for the user who types it.
func TestRecoveryCodeIsATry(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("CBILLS")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		mine := recoveryCodes(b)
		c := h.Browser("192.0.2.11", Chrome)
		c.Enroll("CBILLS")
		foreign := recoveryCodes(c)

		x := toRecovery(h, "192.0.2.20", "BSMITH")
		for _, typed := range []string{"", "344078", mine[0] + "A", mine[0][:24] + "0000I"} {
			wantAt(t, x.Post("/sign-in/token", "recovery_code", typed), 422, "/sign-in/token", "This did not count as a try.")
		}
		wantAt(t, x.Post("/sign-in/token", "recovery_code", foreign[0]), 422, "/sign-in/token", "You have 2 tries left.")
		x.Post("/sign-in/other-way", "method", "email")
		wantAt(t, x.Post("/sign-in/token", "token", otherThan(h.Token("bsmith@demo.example"))), 422, "/sign-in/token", "You have 1 try left.")
		x.Post("/sign-in/other-way", "method", "recovery")
		wantAt(t, x.Post("/sign-in/token", "recovery_code", foreign[1]), 200, "/sign-in", "After three failed attempts you need to log in again")
		if p := x.Post("/sign-in/token", "recovery_code", mine[0]); p.Path != "/sign-in" {
			t.Errorf("the right code after the third failure led to %s", p.Path)
		}
		wantIn(t, toRecovery(h, "192.0.2.21", "CBILLS").Post("/sign-in/token", "recovery_code", foreign[0]), "CBILLS")
		wantIn(t, toRecovery(h, "192.0.2.22", "BSMITH").Post("/sign-in/token", "recovery_code", mine[0]), "BSMITH")
	})
}

// RC-01: a set is replaced completely. Making one requires a second factor of the last five
// minutes. A page that is sent twice replaces nothing. A reset removes all codes.
func TestRecoveryCodesReplaced(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		old := recoveryCodes(b)
		before := b.page.FormToken()
		twice := b.Do("POST", "/profile/recovery-codes", map[string][]string{"form_token": {before}, "make": {"yes"}, "set": {"0"}})
		if twice.Status != 409 || !twice.Says("New codes were made a moment ago") || recoveryCode.MatchString(twice.Body) {
			t.Errorf("sent twice: %d %s", twice.Status, twice.Text())
		}
		h.Pass(6 * time.Minute)
		b.Get("/profile/recovery-codes")
		wantAt(t, b.Post("/profile/recovery-codes", "make", "yes", "set", b.page.Value("set")), 200, "/step-up", "make recovery codes")
		p := b.Post("/step-up", "token", h.Token("bsmith@demo.example"))
		renewed := recoveryCode.FindAllString(p.Text(), -1)
		if len(renewed) != 8 {
			t.Fatalf("after the step-up: %d %s", p.Status, p.Text())
		}
		x := toRecovery(h, "192.0.2.20", "BSMITH")
		wantAt(t, x.Post("/sign-in/token", "recovery_code", old[0]), 422, "/sign-in/token", "That code is not right")
		wantIn(t, x.Post("/sign-in/token", "recovery_code", renewed[0]), "BSMITH")
		if _, err := h.Admin.ResetTwoFactor(t.Context(), h.Visit(), Operator, "BSMITH", "phone lost"); err != nil {
			t.Fatal(err)
		}
		if left := codesLeft(h, "BSMITH"); left != 0 {
			t.Errorf("%d codes outlive a reset", left)
		}
	})
}

func codesLeft(h *App, login string) (left int) {
	h.T.Helper()
	err := h.DB.Read(context.Background(), h.Agency.ID, func(tx *store.Tx) error {
		u, err := tx.UserByLogin(context.Background(), login)
		if err != nil {
			return err
		}
		c, err := tx.RecoveryCodes(context.Background(), u.ID)
		left = c.Left
		return err
	})
	if err != nil {
		h.T.Fatal(err)
	}
	return left
}

// RS-01, SE-06: a recovery code is a second factor for a step-up, and keeps the trust of a
// remembered device. A code is never the Default, and a user without a method has no codes.
func TestRecoveryCodeInAStepUp(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.EnrollApp("BSMITH", "app")
		codes := recoveryCodes(b)
		h.Pass(6 * time.Minute)
		b.Get("/profile")
		if p := b.Post("/profile/default", "default", "recovery"); p.Path != "/step-up" {
			t.Fatalf("no step-up: %s", p.Path)
		}
		wantAt(t, b.Post("/step-up/other-way", "method", "recovery"), 200, "/step-up", "Use a recovery code", "change your Default")
		wantAt(t, b.Post("/step-up", "recovery_code", otherCode(codes[0])), 422, "/step-up", "2 tries left")
		wantAt(t, b.Post("/step-up", "recovery_code", codes[0]), 422, "/step-up", "Choose one of the methods that are set up.")
		b.SignOut()
		wantIn(t, b.SignIn("BSMITH"), "BSMITH")

		h.Set("2FA", "Off")
		h.User("CBILLS")
		c := h.Browser("192.0.2.11", Chrome)
		wantIn(t, c.SignIn("CBILLS"), "CBILLS")
		wantAt(t, c.Get("/profile/recovery-codes"), 200, "/profile/recovery-codes", "none is set up for you yet")
		c.Get("/profile")
		wantAt(t, c.Post("/profile/recovery-codes", "make", "yes"), 403, "/profile/recovery-codes", "No method is set up for you")
	})
}

// otherCode returns code with another last character.
func otherCode(code string) string {
	last := "2"
	if strings.HasSuffix(code, last) {
		last = "3"
	}
	return code[:len(code)-1] + last
}

// OT-03, RC-01: of a hundred concurrent posts of one code, on two nodes and in many sign-ins, one
// creates a session.
func TestOneRecoveryCodeAtOnce(t *testing.T) {
	race(t, func(t *testing.T, h *App, node func() *App) {
		h.User("BSMITH")
		first := h.Browser("192.0.2.10", Chrome)
		first.Enroll("BSMITH")
		code := recoveryCodes(first)[0]
		nodes := []*App{h, node()}
		const signIns, each = 5, 20 // so few that all get their token within the hour
		var senders []*Browser
		for range signIns {
			b := toRecovery(h, "192.0.2.20", "BSMITH")
			for j := range each {
				c := b.Copy(b.IP, b.Agent)
				c.House, c.page = nodes[j%2], b.page
				senders = append(senders, c)
			}
		}
		pages := make([]*Page, len(senders))
		var all sync.WaitGroup
		for i, c := range senders {
			all.Go(func() { pages[i] = c.Send("/sign-in/token", "recovery_code", code) })
		}
		all.Wait()
		if n := admitted(pages); n != 1 || codesLeft(h, "BSMITH") != 7 {
			t.Errorf("%d sessions and %d codes left, want 1 and 7", n, codesLeft(h, "BSMITH"))
		}
	})
}

// OT-06, AU-02: a recovery code appears only on the page that showed it.
func TestRecoveryCodeStandsNowhere(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		codes := recoveryCodes(b)
		toRecovery(h, "192.0.2.20", "BSMITH").Post("/sign-in/token", "recovery_code", codes[0])
		var rows []countersign.Event
		err := h.DB.Read(t.Context(), h.Agency.ID, func(tx *store.Tx) (err error) {
			rows, err = tx.Events(t.Context(), "", 1000)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range codes {
			bare := strings.ReplaceAll(code, "-", "")
			for _, e := range rows {
				for _, text := range append([]string{e.Reason, e.Subject, e.Method}, e.Detail["left"], e.Detail["codes"]) {
					if strings.Contains(text, bare) || strings.Contains(text, code) {
						t.Errorf("a code stands in the log: %+v", e)
					}
				}
			}
			for _, m := range h.Mail("") {
				if strings.Contains(m.Text+m.HTML+m.Subject, code) || strings.Contains(m.Text, bare) {
					t.Errorf("a code stands in a letter: %s", m.Text)
				}
			}
		}
	})
}

// classes returns the proofs of a user's sign-ins in the audit log, oldest first.
func classes(h *App, login string) (all []string) {
	h.T.Helper()
	err := h.DB.Read(context.Background(), h.Agency.ID, func(tx *store.Tx) error {
		events, err := tx.Events(context.Background(), login, 1000)
		for _, e := range events {
			if e.Action == "sign-in.completed" {
				all = append([]string{e.Detail["acr"]}, all...)
			}
		}
		return err
	})
	if err != nil {
		h.T.Fatal(err)
	}
	return all
}
