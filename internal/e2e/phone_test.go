package e2e

import (
	"strings"
	"testing"

	"countersign/internal/browsertest"
)

// A number typed with its country code is sent at its last digit, not at the tenth digit typed
// (M18, SM-02).
func TestNumbersTypedWithTheCountryCode(t *testing.T) {
	d := startDemo(t)
	for user, typed := range map[string]string{"BSMITH": "1 614 555 0112", "CBILLS": "+1 (614) 555-0113", "JJONES": "6145550114"} {
		w := browsertest.Open(t, browsertest.Options{})
		signIn(w, d.URL, user, d.password(user))
		w.Press("Email Token")
		settled(t, w)
		w.Type("token", d.token(t, strings.ToLower(user)+"@demo.example"))
		w.Press("Continue")
		w.Press("SMS")
		w.TypeAndArrive("phone", typed)
		settled(t, w)
		last := typed[len(typed)-1:]
		want(t, w, "A token was sent by SMS to 614-555-011"+last+".")
	}
}
