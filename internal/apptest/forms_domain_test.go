package apptest

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// WB-01: a session's handle sent as an attempt's gets no form of that session, neither while it
// lasts nor one that is kept after it.
func TestFormsOfAttemptAndSessionDiffer(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.EnrollApp("BSMITH", "email")
		own := b.Get("/profile").FormToken()
		thief := h.Browser("192.0.2.66", Chrome)
		target, _ := url.Parse(publicURL)
		thief.jar.SetCookies(target, []*http.Cookie{{Name: "attempt", Value: b.Cookie("session")}})
		token := thief.Get("/sign-in").FormToken()
		if thief.Cookie("attempt") != b.Cookie("session") || token == "" || token == own {
			t.Errorf("the attempt's form token is the session's")
		}
		planted := url.Values{"form_token": {token}, "default": {"app"}}
		if p := b.Do("POST", "/profile/default", planted); p.Status != http.StatusForbidden {
			t.Errorf("of a live session: %d %s", p.Status, p.Location)
		}
		h.Pass(61 * time.Minute)
		look := dumper(t, h)
		before := look()
		b.Do("POST", "/profile/default", planted)
		if changed := before.changes(look(), "session"); len(changed) > 0 {
			t.Errorf("of an idle session it was kept: %v", changed)
		}
		planted.Set("form_token", own)
		b.Do("POST", "/profile/default", planted)
		if changed := before.changes(look(), "session"); len(changed) != 1 {
			t.Errorf("its own form was not kept: %v", changed)
		}
	})
}
