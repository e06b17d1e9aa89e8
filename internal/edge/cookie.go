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

// The cookies, by their names without prefix (SE-05).
const (
	Session = "session"
	Attempt = "attempt"
	Browser = "device"
)

// DeviceLife is how long the browser keeps the device cookie. The server decides whether it is
// still valid.
const DeviceLife = 180 * 24 * time.Hour

// name returns a cookie's full name.
func (g Guard) name(name string) string {
	if g.Secure {
		return "__Host-" + name
	}
	return name
}

// Cookie returns the handle in a cookie; empty if there is none, or none in our format.
func (g Guard) Cookie(r *http.Request, name string) countersign.Handle {
	if all := g.Cookies(r, name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// maxSameName is how many cookies of one name are read.
const maxSameName = 4

// Cookies returns the handles of all cookies of a name in our format. There may be several: a
// browser keeps one cookie per path, so that another program on the same host, such as one on
// another port of localhost, may add its own.
func (g Guard) Cookies(r *http.Request, name string) (all []countersign.Handle) {
	for _, c := range r.CookiesNamed(g.name(name)) {
		if len(all) < maxSameName && isHandle(name, c.Value) && !slices.Contains(all, countersign.Handle(c.Value)) {
			all = append(all, countersign.Handle(c.Value))
		}
	}
	return all
}

// isHandle reports whether a cookie's value has our format: 43 characters, and for a device
// the ID of its row before them.
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

// ClearCookie deletes a cookie.
func (g Guard) ClearCookie(w http.ResponseWriter, name string) {
	http.SetCookie(w, g.cookie(name, "", -1))
}

func (g Guard) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: g.name(name), Value: value, Path: "/", MaxAge: maxAge, Secure: g.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode} // #nosec G124 -- Secure wherever the public URL is https
}

// FormToken returns the hidden field of a form. It is bound to the session or attempt whose
// page contains the form (WB-01). name is the cookie of the handle: a session's handle sent as
// an attempt's yields no valid token for the session's forms.
func (g Guard) FormToken(name string, h countersign.Handle) string {
	return base64.RawURLEncoding.EncodeToString(g.Key.MAC("form/"+name, string(h))[:18])
}

// CheckFormToken reports whether a form came from a page of this handle.
func (g Guard) CheckFormToken(name string, h countersign.Handle, token string) bool {
	return h != "" && hmac.Equal([]byte(g.FormToken(name, h)), []byte(token))
}
