package main_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"strings"
	"time"
)

// A visitor is one user with a browser.
type visitor struct {
	person
	town    *town
	address string    // of the user's mail
	began   time.Time // earlier mails may have the same two letters
	setUp   bool      // the token is the one of set-up
}

// via sends requests from its own address to any node that runs.
type via struct {
	http.RoundTripper
	ip string
}

func (v via) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Forwarded-For", v.ip)
	return v.RoundTripper.RoundTrip(r)
}

func (c *town) visitor(user int) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.Error(err)
	}
	road := &http.Transport{DialContext: c.dial, DisableKeepAlives: true}
	v := &visitor{town: c, began: time.Now(), address: fmt.Sprintf("user%d@acme.example", user)}
	v.person = person{t: c.T, at: c.nodes[0].url, http: &http.Client{Jar: jar, Timeout: time.Minute,
		Transport: via{road, fmt.Sprintf("10.1.%d.%d", user/250, user%250+1)}}}
	return v
}

// signIn runs one sign-in of a user to its end: signed in, or told why not. It starts again if its
// node died or could not reach the database.
func (c *town) signIn(user int) {
	for range 20 {
		v := c.visitor(user)
		if !v.password(fmt.Sprintf("USER%d", user)) {
			c.again.Add(1)
			time.Sleep(200 * time.Millisecond)
			continue
		}
		switch v.token() {
		case "in":
			c.in.Add(1)
			return
		case "told":
			c.told.Add(1)
			return
		}
		c.again.Add(1)
	}
	c.Errorf("USER%d tried twenty times", user)
}

// do sends a request. It reports false if no node processed it.
func (v *visitor) do(method, path string, fields ...string) bool {
	send := func() (*http.Response, error) { return v.http.Get(v.at + path) }
	if method == http.MethodPost {
		send = func() (*http.Response, error) { return v.http.PostForm(v.at+path, v.form(fields)) }
	}
	answer, err := send()
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return false
	}
	if answer.StatusCode == http.StatusServiceUnavailable {
		return false // the page asks to try again
	}
	v.page = string(body)
	if answer.StatusCode >= 500 {
		v.t.Errorf("%s %s: %d %s", method, path, answer.StatusCode, errorText(v.page))
	}
	return answer.StatusCode < 500
}

// password enters user ID and password, and in set-up requests the token.
func (v *visitor) password(login string) bool {
	if !v.do("GET", "/sign-in") || !v.do("POST", "/sign-in", "user_id", login, "password", secretWords) {
		return false
	}
	if strings.Contains(v.page, `action="/set-up/email"`) {
		v.setUp = true
		return v.do("POST", "/set-up/email", "email", v.address)
	}
	return true
}

// clear are the sentences of which a page without a token must have one.
var clear = []string{"Waiting for the mail server", "Mail is delayed", "The token could not be delivered", "Your token has expired", "No token was sent",
	"Ten tokens were sent", "No more tokens", "Accepted by", "Sign in to go on", "Please sign in again"}

var reference = regexp.MustCompile(`(?:class="ref">|with reference )([A-Z]{2})\b`)

// token waits for the token and types it. It returns "in", "told" or "again".
func (v *visitor) token() string {
	at := map[bool]string{true: "/set-up/email", false: "/sign-in/token"}[v.setUp]
	for end := time.Now().Add(v.town.patience); ; time.Sleep(300 * time.Millisecond) {
		ref := reference.FindStringSubmatch(v.page)
		if ref != nil {
			if mail, ok := v.town.box.Find(v.t, v.address, ref[1], v.began); ok {
				return v.typed(at, tokenSentence.FindStringSubmatch(mail.Text))
			}
		}
		if !v.spoken() {
			v.t.Errorf("no clear answer at %s: %s", at, errorText(v.page))
			return "told"
		}
		if ref == nil || time.Now().After(end) {
			return "told"
		}
		if !v.do("GET", at) {
			time.Sleep(time.Second) // the page stays, and the user looks again
		}
	}
}

// spoken reports whether the page says what became of the token.
func (v *visitor) spoken() bool {
	for _, words := range clear {
		if strings.Contains(v.page, words) {
			return true
		}
	}
	return false
}

// typed enters the token and continues until the user is signed in.
func (v *visitor) typed(at string, token []string) string {
	if token == nil {
		v.t.Error("a mail without a token")
		return "told"
	}
	to := "/sign-in/token"
	if v.setUp {
		to = "/set-up/email/token"
	}
	if !v.do("POST", to, "token", token[1]) {
		return "again"
	}
	answer := errorText(v.page)
	if v.spoken() {
		return "told"
	}
	if v.setUp && !v.do("POST", "/set-up/skip") {
		return "again"
	}
	if !v.do("GET", "/") {
		return "again"
	}
	if !strings.Contains(v.page, `action="/sign-out"`) {
		v.t.Errorf("the token was typed, and the user is not signed in: %s; the answer was: %s", errorText(v.page), answer)
		return "told"
	}
	return "in"
}

var tags = regexp.MustCompile(`<[^>]*>|\s+`)

// errorText returns the text of a page without its tags.
func errorText(page string) string {
	_, main, _ := strings.Cut(page, "<main")
	text := strings.Join(strings.Fields(tags.ReplaceAllString(main, " ")), " ")
	return text[:min(len(text), 400)]
}
