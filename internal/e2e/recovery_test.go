package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"countersign/internal/browsertest"
)

// The pages of recovery codes, of enrollment codes, of a reset and of «This was not me», checked
// like every other page, and used as people would.
func TestRecoveryPages(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	w, look := lookInNewWindow(t)
	signIn(w, d.URL, "BSMITH", d.password("BSMITH"))
	w.Press("Email Token")
	settled(t, w)
	w.Type("token", d.token(t, "bsmith@demo.example"))
	w.Press("Continue")
	w.Press("Skip the additional methods")
	look("set-up-done-codes", "make recovery codes for that day")
	codes := recoveryPages(t, w, look)
	signInWithACode(t, d, codes[0])
	notMePages(t, d)
	w.Go(d.URL + "/profile")
	look("profile-codes", "7 of 8 left")
	enrolmentPages(t, d)
}

var recoveryCode = regexp.MustCompile(`(?:[A-HJ-NP-Z2-9]{4}-){5}[A-HJ-NP-Z2-9]{4}`)

func recoveryPages(t *testing.T, w *browsertest.Window, look func(name, says string)) []string {
	t.Helper()
	w.Press("make recovery codes")
	look("recovery-codes-offer", "Make recovery codes")
	w.Press("Make new codes")
	look("recovery-codes", "Keep these recovery codes")
	codes := recoveryCode.FindAllString(w.Text(), -1)
	if len(codes) != 8 {
		t.Fatalf("%d codes: %s", len(codes), w.Text())
	}
	if marked := browsertest.Eval[string](w, `getComputedStyle(document.querySelector(".codes")).userSelect`); marked != "all" {
		t.Errorf("a click does not mark all codes: %s", marked)
	}
	w.Click("#kept-yes")
	w.Press("Continue")
	want(t, w, "Your recovery codes are ready.")
	w.Press("Replace recovery codes")
	look("recovery-codes-replace", "The 8 that are left stop working at once")
	w.Press("Keep the old ones")
	return codes
}

func signInWithACode(t *testing.T, d demo, code string) {
	t.Helper()
	w := browsertest.Open(t, browsertest.Options{From: "127.0.0.23"})
	signIn(w, d.URL, "BSMITH", d.password("BSMITH"))
	w.Press("Use another way")
	want(t, w, "Recovery code")
	w.Examine("other-way-recovery")
	w.Press("Recovery code")
	want(t, w, "Use a recovery code", "You have 8 left.")
	w.Examine("token-recovery")
	last := "2"
	if strings.HasSuffix(code, last) {
		last = "3"
	}
	w.Type("recovery_code", code[:28]+last)
	w.Press("Sign in")
	want(t, w, "That code is not right, or was used before. You have 2 tries left.")
	w.Examine("token-recovery-wrong")
	w.Type("recovery_code", strings.ToLower(code))
	w.Press("Sign in")
	want(t, w, "BSMITH")
}

func notMePages(t *testing.T, d demo) {
	t.Helper()
	w := browsertest.Open(t, browsertest.Options{From: "127.0.0.24"})
	w.Go(d.notMe(t, "bsmith@demo.example"))
	want(t, w, "Was this you?", "with a recovery code")
	w.Examine("not-me")
	w.Press("This was not me: end that session")
	want(t, w, "That session was ended, and its device forgotten.")
	w.Examine("not-me-done")
	w.Go(d.notMe(t, "bsmith@demo.example"))
	want(t, w, "This link no longer works")
	w.Examine("not-me-over")
}

var notMeLink = regexp.MustCompile(`http://\S+/not-me\?link=\S+`)

// notMe returns the newest link of a new-connection mail to an address.
func (d demo) notMe(t *testing.T, to string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, d.Inbox+"?to="+to, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	var mails []struct{ Text string }
	if err != nil || json.Unmarshal(body, &mails) != nil {
		t.Fatalf("the inbox said %s: %v", body, err)
	}
	for _, m := range mails {
		if link := notMeLink.FindString(m.Text); link != "" {
			return link
		}
	}
	t.Fatalf("no letter to %s has the link", to)
	return ""
}

func enrolmentPages(t *testing.T, d demo) {
	t.Helper()
	admin, look := lookInNewWindow(t)
	signIn(admin, d.URL, "ADMIN", d.password("ADMIN"))
	admin.Press("Email Token")
	settled(t, admin)
	admin.Type("token", d.token(t, "admin@demo.example"))
	admin.Press("Continue")
	admin.Press("Skip the additional methods")
	admin.Go(d.URL + "/admin/users/BSMITH/setup-two-factor")
	look("user-setup-two-ways", "reset first")
	admin.Choose("how", "code")
	admin.Press("Continue")
	look("user-setup-enrolled", "BSMITH is set up, so a code would open nothing.")
	admin.Go(d.URL + "/admin/users/CBILLS/setup-two-factor")
	admin.Choose("how", "code")
	admin.Press("Continue")
	look("enrolment-code", "It is shown only now.")
	code := strings.Join(strings.Fields(admin.TextOf(".key")), "-")
	w := browsertest.Open(t, browsertest.Options{From: "127.0.0.25"})
	signIn(w, d.URL, "CBILLS", d.password("CBILLS"))
	want(t, w, "Enter your enrollment code")
	w.Examine("set-up-code")
	w.Type("enrolment_code", "AAAA-BBBB-CCCC-DDDD")
	w.Press("Continue")
	want(t, w, "That code is not right. You have 4 tries left.")
	w.Examine("set-up-code-wrong")
	w.Type("enrolment_code", code)
	w.Press("Continue")
	want(t, w, "Please verify your email address.")
	w.Examine("set-up-email-coded")
	admin.Go(d.URL + "/admin/users/BSMITH/reset-two-factor")
	admin.Type("reason", "lost phone, checked by calling back")
	admin.Press("Reset/Disable")
	look("user-reset-done", "Cancel this reset")
	admin.Press("Cancel this reset")
	look("user-reset-cancelled", "The reset was canceled.")
	w = browsertest.Open(t, browsertest.Options{From: "127.0.0.26"})
	signIn(w, d.URL, "BSMITH", d.password("BSMITH"))
	want(t, w, "Set-up is closed")
	w.Examine("reset-lapsed")
}
