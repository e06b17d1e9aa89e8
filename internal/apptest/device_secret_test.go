package apptest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// DV-02: the ID of a browser's row is useless without its secret, and no other secret works.
func TestADeviceCookieNeedsItsSecret(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		laptop := h.Browser("192.0.2.10", Chrome)
		laptop.Enroll("BSMITH")
		laptop.SignOut()
		id, key, _ := strings.Cut(laptop.Cookie("device"), ".")
		if id == "" || key == "" {
			t.Fatalf("the cookie is %q", laptop.Cookie("device"))
		}
		other := "A" + key[1:]
		if other == key {
			other = "B" + key[1:]
		}
		for _, value := range []string{id + "." + other, id + "." + key[:len(key)-1], id + ".", id} {
			thief := h.Browser("192.0.2.10", Chrome)
			target, _ := url.Parse(publicURL)
			thief.jar.SetCookies(target, []*http.Cookie{{Name: "device", Value: value, Path: "/"}})
			wantToken(t, thief.SignIn("BSMITH"))
		}
		wantIn(t, laptop.SignIn("BSMITH"), "BSMITH")
	})
}
