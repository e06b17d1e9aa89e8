package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"testing"
	"time"

	"countersign/internal/browsertest"
)

// A forgotten password and a changed one, in a browser: every page in four ways, the link from the
// mail, and no sign-in without a token.
func TestPasswordPages(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	w := browsertest.Open(t, browsertest.Options{})
	look := func(name, says string) {
		t.Helper()
		want(t, w, says)
		w.Examine(name)
	}
	signIn(w, d.URL, "BSMITH", d.password("BSMITH"))
	w.Press("Email Token")
	settled(t, w)
	w.Type("token", d.token(t, "bsmith@demo.example"))
	w.Press("Continue")
	w.Press("Skip the additional methods")
	w.Go(d.URL + "/.well-known/change-password")
	look("password-change", "You have no other session, and your remembered device is forgotten.")
	w.Type("password", d.password("BSMITH"))
	w.Type("new_password", "bsmith-bsmith-2026")
	w.Press("Save the new password")
	look("password-change-error", "is a form of your user ID")
	w.Type("password", d.password("BSMITH"))
	w.Type("new_password", password)
	w.Press("Save the new password")
	look("password-changed", "Your password was changed.")

	w, look2 := lookInNewWindow(t)
	w.Go(d.URL + "/sign-in")
	w.Press("Forgot your password?")
	look2("password-forgot", "Type your user ID.")
	w.Press("Send the link")
	look2("password-forgot-error", "Enter your user ID")
	w.Type("user_id", "BSMITH")
	w.Press("Send the link")
	look2("password-forgot-sent", "a link is on its way.")
	w.Go(d.mailed(t, "bsmith@demo.example", regexp.MustCompile(`\S+/password/reset\?key=\S+`)))
	look2("password-reset", "For user ID BSMITH")
	w.Type("new_password", "too short")
	w.Press("Save the new password")
	look2("password-reset-refused", "This password has 9 characters. 15 are needed.")
	w.Type("new_password", "another "+password)
	w.Press("Save the new password")
	look2("password-saved", "You will be asked for a token.")
	signIn(w, d.URL, "BSMITH", "another "+password)
	want(t, w, "Enter your token")
	w.Go(d.URL + "/password/reset?key=over")
	look2("password-link-over", "This link no longer works")
	w.Press("Send a new link")
	want(t, w, "Forgot your password?")
}

// mailed returns the newest match in the mail to an address.
func (d demo) mailed(t *testing.T, to string, match *regexp.Regexp) string {
	t.Helper()
	for range 2400 {
		r, err := http.NewRequest(http.MethodGet, d.Inbox+"?to="+to, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "application/json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		var mails []struct{ Text string }
		if err != nil || json.Unmarshal(body, &mails) != nil {
			t.Fatalf("the inbox said %s: %v", body, err)
		}
		for _, m := range mails {
			if found := match.FindString(m.Text); found != "" {
				return found
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("no such mail reached %s", to)
	return ""
}
