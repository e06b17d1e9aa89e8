package apptest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"testing"
	"time"
)

// sequences is the number of random walks on each engine: fewer with the race detector, a hundred
// thousand in make soak.
func sequences() int {
	switch {
	case raced:
		return 150
	case os.Getenv("COUNTERSIGN_SOAK") != "":
		return 100_000
	default:
		return 2000
	}
}

// A walker is a browser that sends random requests: right and wrong inputs, in any order, to any
// page. It remembers only what it has proved.
type walker struct {
	h        *App
	b        *Browser
	r        *rand.Rand
	login    string
	email    string
	password bool // the correct password was sent
	token    bool // a correct token or passkey was sent after it
	alone    bool // a passkey that verified its user was the whole sign-in
	keys     map[string]*Authenticator
	trail    []string
}

// No random sequence of requests ends in a session without its proofs: the correct password, and
// after it a correct token or passkey of this very sign-in; or a passkey alone that has verified
// its user.
func TestRandomSequences(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Unwatch()
		h.User("BSMITH")
		h.Administrator()
		h.User("JJONES")
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 1))
		h.Set("PASSKEYSIGNIN", "On")
		keys := map[string]*Authenticator{}
		admitted := 0
		for i := range sequences() {
			if i%20 == 0 {
				setBack(h, keys)
			}
			w := &walker{h: h, r: r, keys: keys, login: []string{"BSMITH", "BSMITH", "ADMIN", "JJONES"}[r.IntN(4)]}
			w.email = map[string]string{"BSMITH": "bsmith@demo.example", "ADMIN": "admin@demo.example", "JJONES": "jjones@demo.example"}[w.login]
			w.b = h.Browser("198.51.100."+strconv.Itoa(r.IntN(250)+1), []string{Chrome, Edge, SafariMac}[r.IntN(3)])
			for range 3 + r.IntN(6) {
				w.step()
			}
			if w.signedIn() {
				admitted++
				if !w.alone && (!w.password || !w.token) {
					t.Fatalf("walk %d ended in a session of %s without its proofs: %v", i, w.login, w.trail)
				}
			}
			h.Pass(2 * time.Hour) // so that the hourly quotas are empty again
			if done := i + 1; done%10_000 == 0 {
				t.Logf("%d walks, %d ended in a session", done, admitted)
			}
		}
		if admitted < sequences()/50 {
			t.Errorf("only %d walks ended in a session: the walker proves nothing", admitted)
		}
	})
}

// setBack resets all users, because walkers reset themselves, and sets up all but JJONES, so that
// set-ups stay among the walks. BSMITH has a passkey in addition.
func setBack(h *App, keys map[string]*Authenticator) {
	h.T.Helper()
	for _, login := range []string{"BSMITH", "ADMIN", "JJONES"} {
		if _, err := h.Admin.ResetTwoFactor(h.T.Context(), h.Visit(), Operator, login, "a walk"); err != nil {
			h.T.Fatal(err)
		}
		switch login {
		case "BSMITH":
			keys[login] = NewAuthenticator(h.T)
			h.Browser("192.0.2.10", Chrome).EnrollPasskey(login, "email", keys[login])
		case "ADMIN":
			h.Browser("192.0.2.10", Chrome).Enroll(login)
		}
	}
}

// paths are pages that a walker may open or post to at any time.
var paths = []string{"/", "/profile", "/set-up", "/set-up/email", "/set-up/app", "/set-up/sms", "/set-up/default", "/set-up/done", "/sign-in/token",
	"/sign-in/other-way", "/sign-in/passkey", "/set-up/passkey", "/step-up", "/admin", "/admin/users", "/admin/system/preferences", "/welcome", "/sign-out", "/profile/reset-two-factor",
	"/profile/setup-two-factor", "/set-up/skip", "/sign-in/token/new", "/sign-in/cancel", "/set-up/email/token", "/set-up/email/confirm", "/set-up/sms/token",
	"/step-up/new", "/profile/devices/forget", "/profile/sessions/end-others"}

// step sends one request.
func (w *walker) step() {
	switch n := w.r.IntN(23); {
	case n >= 22:
		w.sendPasskey("/sign-in", "/sign-in/passkey", w.r.IntN(3))
	case n >= 20:
		w.sendPasskey("/sign-in/token", "/sign-in/token", w.r.IntN(3))
	case n < 5:
		w.signIn(w.r.IntN(5) > 0)
	case n < 9:
		w.sendToken("/sign-in/token", w.r.IntN(4) > 0)
	case n < 10:
		w.post("/set-up/email", "email", []string{w.email, "thief@elsewhere.example"}[w.r.IntN(2)])
	case n < 12:
		w.sendToken("/set-up/email/token", w.r.IntN(2) > 0)
	case n < 13:
		w.post("/set-up/skip")
	case n < 14:
		w.post("/set-up/default", "default", "email")
	case n < 15:
		w.post("/sign-in/other-way", "method", []string{"app", "sms", "email", "passkey", "passkey"}[w.r.IntN(5)])
	case n < 16:
		w.h.Pass(time.Duration(w.r.IntN(150)) * time.Second)
	default:
		path := paths[w.r.IntN(len(paths))]
		if w.r.IntN(2) == 0 {
			w.trail = append(w.trail, "GET "+path)
			w.b.Get(path)
			return
		}
		w.post(path, "token", "000000", "password", Password, "email", w.email, "reason", "r", "code", "ADDAPPWIZ", "value", "On", "step", "save")
	}
}

func (w *walker) signIn(right bool) {
	w.b.Get("/sign-in")
	password := Password
	if !right {
		password = "wrong " + Password
	}
	w.trail = append(w.trail, fmt.Sprintf("sign in %v", right))
	before := w.b.Cookie("attempt")
	w.post("/sign-in", "user_id", w.login, "password", password)
	if right && w.b.Cookie("attempt") != before {
		w.password = true
	}
}

// sendToken sends the newest token that went to the user, or another one. A correct one counts only
// if the page that it was sent to accepted it.
func (w *walker) sendToken(path string, right bool) {
	token := "000000"
	if mail := w.h.Mail(w.email); right && len(mail) > 0 {
		for _, m := range mail {
			if found := sixDigits.FindStringSubmatch(m.Text); found != nil {
				token = found[1]
				break
			}
		}
	}
	p := w.post(path, "token", token)
	if p.Status == http.StatusSeeOther && p.Location != "/sign-in" && token != "000000" && w.password {
		w.token = true
	}
}

// sendPasskey answers a page that asks for a passkey: 0 correctly, 1 without verifying the user, 2
// with a signature of something else.
func (w *walker) sendPasskey(page, path string, how int) {
	a, options := w.keys[w.login], w.b.Get(page).Options()
	if a == nil || options == "" {
		return
	}
	a.Change = func(s *Statement) {
		switch how {
		case 1:
			s.Flags &^= UserVerified
		case 2:
			s.Challenge = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"
		}
	}
	p := w.post(path, "credential", a.Answer(options))
	if p.Status != http.StatusSeeOther || p.Location == "/sign-in" || how == 2 {
		return
	}
	w.alone = w.alone || path == "/sign-in/passkey" && how == 0
	w.token = w.token || path == "/sign-in/token" && w.password
}

func (w *walker) post(path string, fields ...string) *Page {
	w.trail = append(w.trail, fmt.Sprint("POST ", path, " ", fields))
	p := w.b.Send(path, fields...)
	if p.Status == http.StatusInternalServerError {
		w.h.T.Fatalf("500 after %v", w.trail)
	}
	if to, err := url.Parse(p.Location); err == nil && p.Status == http.StatusSeeOther {
		w.b.Get(to.RequestURI())
	}
	return p
}

func (w *walker) signedIn() bool {
	if w.b.Cookie("session") == "" {
		return false
	}
	p := w.b.Do("GET", "/", nil)
	return p.Status == http.StatusOK
}
