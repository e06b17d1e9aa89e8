package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/internal/apptest"
	"countersign/internal/browsertest"
)

// The pages of throttling, reached with a clock that the test sets: the sign-in page that must
// wait, tokens that must wait or are stopped, and the home page that says that someone else may
// know the password (TH-02, TH-03, NT-03).
func TestThrottlePages(t *testing.T) {
	t.Parallel()
	h := apptest.Open(t, "sqlite:"+filepath.Join(t.TempDir(), "house.db"))
	h.Set("HELPCONTACT", "Demo support desk, 614-555-0100")
	h.User("BSMITH")
	h.User("CBILLS")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "localhost" // the application has no port
		h.Door.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	at := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	w := browsertest.Open(t, browsertest.Options{})
	look := func(name, says string) {
		t.Helper()
		want(t, w, says)
		w.Examine(name)
	}
	key := h.Browser("192.0.2.10", apptest.Chrome).EnrollApp("BSMITH", "email")
	h.Browser("192.0.2.10", apptest.Chrome).Enroll("CBILLS")
	h.Pass(2 * time.Hour)

	for range 5 {
		signIn(w, at, "CBILLS", "wrong "+apptest.Password)
	}
	signIn(w, at, "CBILLS", apptest.Password)
	look("sign-in-throttled", "Too many attempts. You can try again at ")

	fail := func(n, from int) {
		b := h.Browser(fmt.Sprintf("198.51.100.%d", from), apptest.Edge)
		b.SignIn("BSMITH")
		for range n {
			b.Post("/sign-in/token", "token", "000000")
		}
	}
	fail(3, 1)
	fail(3, 2)
	signIn(w, at, "BSMITH", apptest.Password)
	look("token-wait", "A token that is entered before then is not looked at")
	h.Pass(time.Minute)
	w.Press("Authenticator app")
	w.Type("token", h.AppToken(key))
	w.Press("Sign in")
	look("home-warned", "Somebody knows your password")
	w.Press("It was me")
	want(t, w, "You are signed in")
	w.Press("Sign out")

	for i := range 8 {
		h.Pass(65 * time.Minute)
		fail(3, 10+i)
	}
	h.Pass(65 * time.Minute)
	signIn(w, at, "BSMITH", apptest.Password)
	if w.Has("#token") { // this browser is remembered, or asked for a token
		t.Fatal("a token is asked although tokens are stopped")
	}
	w.Go(at + "/sign-out")
	other := browsertest.Open(t, browsertest.Options{From: "127.0.0.33"})
	signIn(other, at, "BSMITH", apptest.Password)
	want(t, other, "Tokens are stopped for your user ID")
	other.Examine("token-stopped")
}
