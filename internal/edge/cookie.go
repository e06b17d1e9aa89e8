package edge

import (
	"crypto/hmac"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"countersign"
)

// The cookies by their names without prefix (SE-05).
const (
	Session = "session"
	Attempt = "attempt"
	Browser = "device"
)

// DeviceLife is how long the device cookie is kept by the browser; whether it
// opens anything is the server's to say.
const DeviceLife = 180 * 24 * time.Hour

// name is a cookie's name in full.
func (g Guard) name(name string) string {
	if g.Secure {
		return "__Host-" + name
	}
	return name
}

// Cookie is the handle that a cookie holds; empty if there is none, or if what
// it holds can't be one of ours.
func (g Guard) Cookie(r *http.Request, name string) countersign.Handle {
	if all := g.Cookies(r, name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// maxSameName is how many cookies of one name are looked at.
const maxSameName = 4

// Cookies are the handles of all cookies of a name that can be ours. A browser
// keeps one cookie for each path, so that another program on the same host, such as
// one on another port of localhost, may add its own.
func (g Guard) Cookies(r *http.Request, name string) (all []countersign.Handle) {
	for _, c := range r.CookiesNamed(g.name(name)) {
		if len(all) < maxSameName && isHandle(name, c.Value) && !slices.Contains(all, countersign.Handle(c.Value)) {
			all = append(all, countersign.Handle(c.Value))
		}
	}
	return all
}

// isHandle reports whether a cookie's value has the form of ours: 43 characters,
// and the ID of its row before those of a device.
func isHandle(name, value string) bool {
	if name == Browser {
		id, key, ok := strings.Cut(value, ".")
		if !ok || id == "" || len(id) > 64 || strings.Trim(id, handleRunes) != "" {
			return false
		}
		value = key
	}
	return len(value) == 43 && strings.Trim(value, handleRunes) == ""
}

const handleRunes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// SetCookie sets a cookie for life; 0 means until the browser is closed.
func (g Guard) SetCookie(w http.ResponseWriter, name string, h countersign.Handle, life time.Duration) {
	http.SetCookie(w, g.cookie(name, string(h), int(life/time.Second)))
}

// ClearCookie takes a cookie away.
func (g Guard) ClearCookie(w http.ResponseWriter, name string) {
	http.SetCookie(w, g.cookie(name, "", -1))
}

func (g Guard) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: g.name(name), Value: value, Path: "/", MaxAge: maxAge, Secure: g.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode} // #nosec G124 -- Secure wherever the public URL is https
}

// FormToken is the hidden field of every form: it is bound to the session or
// attempt whose page holds the form (WB-01). name is the cookie of the handle:
// a session's handle that is sent as an attempt's gives no form of the session.
func (g Guard) FormToken(name string, h countersign.Handle) string {
	return base64.RawURLEncoding.EncodeToString(g.Key.MAC("form/"+name, string(h))[:18])
}

// CheckFormToken tells whether a form came from a page of this handle.
func (g Guard) CheckFormToken(name string, h countersign.Handle, token string) bool {
	return h != "" && hmac.Equal([]byte(g.FormToken(name, h)), []byte(token))
}
