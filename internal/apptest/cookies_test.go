package apptest

import (
	"net/http/httptest"
	"testing"

	"countersign/internal/edge"
	"countersign/internal/secret"
)

// SE-05: every cookie in these tests is checked when it is set. These are the cookies of a public
// URL with https, and some that must not pass.
func TestCookies(t *testing.T) {
	for _, secure := range []bool{true, false} {
		w := httptest.NewRecorder()
		e := edge.Guard{Secure: secure}
		e.SetCookie(w, edge.Session, secret.NewHandle(), 0)
		e.SetCookie(w, edge.Attempt, secret.NewHandle(), 0)
		e.SetCookie(w, edge.Browser, secret.NewHandle(), edge.DeviceLife)
		e.ClearCookie(w, edge.Session)
		lines := w.Header().Values("Set-Cookie")
		if len(lines) != 4 {
			t.Fatalf("%d cookies", len(lines))
		}
		for _, line := range lines {
			if err := CheckCookie(line, secure); err != nil {
				t.Error(err)
			}
			if CheckCookie(line, !secure) == nil {
				t.Errorf("%s would pass as the other kind", line)
			}
		}
	}
	good := "session=" + string(secret.NewHandle()) + "; Path=/; HttpOnly; SameSite=Lax"
	if err := CheckCookie(good, false); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"tracking=" + string(secret.NewHandle()) + "; Path=/; HttpOnly; SameSite=Lax",
		"session=BSMITH; Path=/; HttpOnly; SameSite=Lax",
		"session=" + string(secret.NewHandle()) + "; Path=/; SameSite=Lax",
		"session=" + string(secret.NewHandle()) + "; Path=/; HttpOnly",
		"session=" + string(secret.NewHandle()) + "; Path=/; HttpOnly; SameSite=None",
		"session=" + string(secret.NewHandle()) + "; Path=/admin; HttpOnly; SameSite=Lax",
		good + "; Domain=example",
		good + "; Max-Age=3600",
	} {
		if CheckCookie(bad, false) == nil {
			t.Errorf("passes: %s", bad)
		}
	}
}
