package apptest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"countersign/internal/web"
)

// WB-02: every answer has every header: pages, forms, redirects, files, errors, missing paths,
// oversized requests, and requests for another host. No answer allows anything inline, and each
// allows only what its page contains.
func TestHeadersOfEveryAnswer(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		in := h.Browser("192.0.2.10", Chrome)
		in.EnrollApp("ADMIN", "email")
		out := h.Browser("192.0.2.20", Chrome)
		abroad := h.Browser("192.0.2.30", Chrome)
		abroad.Host = "evil.example"
		var answers []*Page
		for _, r := range h.Routes {
			method, _, _ := strings.Cut(r.Pattern, " ")
			for _, b := range []*Browser{in, out, abroad} {
				path := place(r, "BSMITH")
				switch method {
				case "POST":
					answers = append(answers, b.Do("POST", path, form(r, "wrong")), b.Do("POST", path, form(r, ""), "Origin", "https://evil.example"))
				default:
					answers = append(answers, b.Do("GET", path, nil), b.Do("HEAD", path, nil))
				}
			}
			if strings.HasPrefix(r.Pattern, "POST /sign-out") {
				in.Get("/sign-in")
			}
		}
		big := url.Values{"x": {strings.Repeat("x", 1<<20)}}
		answers = append(answers, out.Do("GET", "/nowhere", nil), out.Do("GET", "/static/nothing.css", nil), out.Do("GET", "/static/app.css", nil), out.Do("GET", "/static/", nil),
			out.Do("TRACE", "/", nil), out.Do("PUT", "/profile", url.Values{"x": {"y"}}), out.Do("GET", "/?"+strings.Repeat("x", 9000), nil), out.Do("POST", "/sign-in", big),
			out.Do("GET", "/sign-in?password=x", nil), out.Do("GET", "/healthz", nil), out.Do("GET", "//evil.example/", nil), out.Do("GET", "/a/../b", nil))
		if len(answers) < 300 {
			t.Errorf("only %d answers were looked at", len(answers))
		}
		for _, p := range answers {
			checkHeaders(t, p)
		}
	})
}

// referrer returns the policy that a page needs: older browsers send Origin null from forms of a
// page without a referrer. A secret in an address is never sent.
func referrer(p *Page) string {
	secret := slices.Contains([]string{"/welcome", "/password/reset", "/not-me"}, p.Path)
	if strings.Contains(p.Body, "<form ") && !secret {
		return "same-origin"
	}
	return "no-referrer"
}

func checkHeaders(t *testing.T, p *Page) {
	t.Helper()
	if p.Status >= 500 {
		t.Errorf("%s answered %d: %s", p.Path, p.Status, p.Text())
	}
	frame, ancestors := "DENY", "frame-ancestors 'none'"
	if p.Path == "/demo/inbox/new" && p.Status == 200 { // the demo's inbox shows it in a frame of its own
		frame, ancestors = "SAMEORIGIN", "frame-ancestors 'self'"
	}
	want := map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": frame, "Referrer-Policy": referrer(p),
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin"}
	for name, value := range want {
		if got := p.Header.Get(name); got != value {
			t.Errorf("%s, %d: %s is %q", p.Path, p.Status, name, got)
		}
	}
	if cache := p.Header.Get("Cache-Control"); !strings.HasPrefix(p.Path, "/static/") && cache != "no-store" {
		t.Errorf("%s, %d: Cache-Control is %q", p.Path, p.Status, cache)
	}
	policy := p.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "base-uri 'none'", "object-src 'none'", ancestors, "form-action "} {
		if !strings.Contains(policy, part) {
			t.Errorf("%s, %d: the policy lacks %s: %s", p.Path, p.Status, part, policy)
		}
	}
	for _, part := range []string{"unsafe", "*", "http:", "https:", "data:", "nonce", "sha256"} {
		if strings.Contains(policy, part) {
			t.Errorf("%s, %d: the policy allows %s: %s", p.Path, p.Status, part, policy)
		}
	}
	if !strings.Contains(p.Header.Get("Content-Type"), "text/html") || p.Body == "" {
		return
	}
	if got, want := strings.Contains(policy, "script-src 'self'"), strings.Contains(p.Body, "<script"); got != want {
		t.Errorf("%s, %d: a script is allowed: %v, and there is one: %v", p.Path, p.Status, got, want)
	}
	if got, want := strings.Contains(policy, "form-action 'self'"), strings.Contains(p.Body, "<form"); got != want && strings.Contains(p.Body, "<html") {
		t.Errorf("%s, %d: forms are allowed: %v, and there is one: %v", p.Path, p.Status, got, want)
	}
	for _, inline := range []string{" style=", "<style", " onclick=", " onload=", " onerror=", "javascript:"} {
		if strings.Contains(p.Body, inline) {
			t.Errorf("%s, %d: the page holds %s", p.Path, p.Status, inline)
		}
	}
}

// SE-02: a client that is not signed in reaches these paths and no other. Add a new path here, and
// say in the review why it needs no session.
func TestPathsWithoutASession(t *testing.T) {
	known := []string{"/", "GET /.well-known/change-password", "GET /demo/inbox", "GET /demo/inbox/new", "GET /demo/inbox/{id}", "GET /password/forgot", "GET /password/reset", "POST /password/forgot", "POST /password/reset", "GET /set-up/code", "POST /set-up/code", "POST /set-up/email/drop", "GET /healthz", "GET /not-me", "GET /set-up", "GET /set-up/app", "GET /set-up/default", "GET /set-up/email", "GET /set-up/passkey", "GET /set-up/sms",
		"GET /sign-in", "GET /sign-in/other-way", "GET /sign-in/token", "GET /sign-out", "GET /static/", "GET /welcome", "POST /not-me", "POST /receipts/{gateway}",
		"POST /set-up/app", "POST /set-up/default", "POST /set-up/email", "POST /set-up/email/confirm", "POST /set-up/email/new", "POST /set-up/email/token", "POST /set-up/skip",
		"POST /set-up/passkey", "POST /set-up/sms", "POST /set-up/sms/new", "POST /set-up/sms/token", "POST /sign-in", "POST /sign-in/cancel", "POST /sign-in/other-way", "POST /sign-in/passkey", "POST /sign-in/token", "POST /sign-in/token/new", "POST /welcome"}
	Each(t, func(t *testing.T, h *App) {
		b := h.Browser("192.0.2.10", Chrome)
		var open []string
		for _, r := range h.Routes {
			if r.Kind == web.RouteOpen {
				open = append(open, r.Pattern)
				continue
			}
			method, _, _ := strings.Cut(r.Pattern, " ")
			var fields url.Values
			if method == "POST" {
				fields = form(r, b.Get("/sign-in").FormToken())
			}
			p := b.Do(method, place(r, "BSMITH"), fields)
			if p.Status == http.StatusSeeOther && strings.HasPrefix(p.Location, "/sign-in") || p.Status == http.StatusForbidden {
				continue
			}
			t.Errorf("%s without a session: %d %s", r.Pattern, p.Status, p.Location)
		}
		slices.Sort(open)
		for _, pattern := range open {
			if !slices.Contains(known, pattern) {
				t.Errorf("%s is open to everybody and not in the list of this test", pattern)
			}
		}
		for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/readyz", "/debug/vars", "/server-status", "/.git/config", "/.env", "/swagger", "/actuator"} {
			if p := b.Do("GET", path, nil); p.Status != http.StatusNotFound {
				t.Errorf("%s answers %d", path, p.Status)
			}
		}
	})
}

// WB-06: a request that no page of ours sends is refused with a sentence, in the page's frame, and
// changes nothing.
func TestTooMuchIsRefusedInWords(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		token := b.Get("/sign-in").FormToken()
		fields := url.Values{"form_token": {token}}
		for i := range 10_000 {
			fields.Set("f"+strconv.Itoa(i), "x")
		}
		send := func(more url.Values) url.Values {
			form := url.Values{"form_token": {token}, "user_id": {"BSMITH"}, "password": {"wrong " + Password}}
			for name, values := range more {
				form[name] = values
			}
			return form
		}
		look := dumper(t, h)
		before := look()
		for name, c := range map[string]struct {
			page   *Page
			status int
			says   string
		}{
			"a password of 1 MiB":     {b.Do("POST", "/sign-in", send(url.Values{"password": {strings.Repeat("x", 1<<20)}})), 413, "This is too much at once"},
			"10,000 fields":           {b.Do("POST", "/sign-in", fields), 413, "This is too much at once"},
			"4,000 parameters":        {b.Do("POST", "/sign-in?"+strings.Repeat("a&", 4000), send(nil)), 413, "This is too much at once"},
			"a long address":          {b.Do("GET", "/sign-in?"+strings.Repeat("a", 9000), nil), 414, "This address is too long"},
			"two passwords":           {b.Do("POST", "/sign-in", send(url.Values{"password": {Password, "x"}})), 400, "This form can't be read"},
			"two tokens":              {b.Do("POST", "/sign-in/token", send(url.Values{"token": {"000000", "000001"}})), 400, "This form can't be read"},
			"two form tokens":         {b.Do("POST", "/sign-in", send(url.Values{"form_token": {token, token}})), 400, "This form can't be read"},
			"two user IDs":            {b.Do("POST", "/sign-in", send(url.Values{"user_id": {"BSMITH", "ADMIN"}})), 400, "This form can't be read"},
			"two addresses of a test": {b.Do("POST", "/admin/messages/test", send(url.Values{"to": {"a@demo.example", "b@demo.example"}})), 400, "This form can't be read"},
			"two wordings":            {b.Do("POST", "/admin/messages/wording/token", send(url.Values{"body": {"{token} A", "{token} B"}})), 400, "This form can't be read"},
			"a password in the query": {b.Do("POST", "/sign-in?user_id=BSMITH&password=x", send(nil)), 400, "This form can't be read"},
			"a token in the query":    {b.Do("POST", "/sign-in/token?token=344078", send(nil)), 400, "This form can't be read"},
			"NUL in a field":          {b.Do("POST", "/sign-in", send(url.Values{"user_id": {"BSMITH\x00"}})), 400, "This form can't be read"},
			"broken text":             {b.Do("POST", "/sign-in", send(url.Values{"user_id": {"\xff\xfe"}})), 400, "This form can't be read"},
			"TRACE":                   {b.Do("TRACE", "/sign-in", nil), 405, "This can't be asked for"},
			"a method of nobody":      {b.Do("BREW", "/sign-in", nil), 405, "This can't be asked for"},
			"DELETE":                  {b.Do("DELETE", "/admin/users/BSMITH", nil), 405, "This can't be asked for"},
			"OPTIONS":                 {b.Do("OPTIONS", "/sign-in", nil), 405, "This can't be asked for"},
		} {
			if c.page.Status != c.status || !c.page.Says(c.says, "Demo Agency") {
				t.Errorf("%s: %d %s", name, c.page.Status, c.page.Text())
			}
			checkHeaders(t, c.page)
		}
		if changed := before.changes(look()); len(changed) > 0 {
			t.Errorf("something was changed: %v", changed)
		}
		noise := "noise=" + strings.Repeat("n", 8<<10) + "; session=" + strings.Repeat("s", 4000) + "; device=....; attempt=" + strings.Repeat("%", 100)
		for _, path := range []string{"/", "/profile", "/sign-in", "/sign-in/token", "/set-up"} {
			if p := h.Browser("192.0.2.50", Chrome).Do("GET", path, nil, "Cookie", noise); p.Status >= 500 || p.Status == http.StatusOK && path != "/sign-in" {
				t.Errorf("%s with 8 KiB of noise as cookies: %d", path, p.Status)
			}
		}
		if p := b.Do("POST", "/sign-in?user_id=BSMITH", url.Values{"form_token": {token}}); p.Status != http.StatusUnprocessableEntity || p.Value("user_id") != "" {
			t.Errorf("a field was read from the address: %d %q", p.Status, p.Value("user_id"))
		}
	})
}

// WB-03: another Host gets 421, and no other header that names a host changes a mail or a page:
// links are built from the public URL.
func TestNoHeaderNamesTheHost(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		for _, host := range []string{"evil.example", "localhost.evil.example", "localhost:81", "localhost@evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost, evil.example", "xn--lcalhost-nua", ""} {
			b := h.Browser("192.0.2.10", Chrome)
			b.Host = host
			if host == "" {
				b.Host = " "
			}
			if p := b.Do("GET", "/sign-in", nil); p.Status != http.StatusMisdirectedRequest {
				t.Errorf("Host %q: %d", host, p.Status)
			}
		}
		spoofs := [][]string{nil, {"X-Forwarded-Host", "evil.example"}, {"X-Forwarded-Proto", "http"}, {"Forwarded", `host=evil.example;proto=http`}, {"X-Host", "evil.example"}, {"X-Original-Host", "evil.example"},
			{"X-Forwarded-Server", "evil.example"}, {"X-HTTP-Host-Override", "evil.example"}, {"X-Original-URL", "https://evil.example/"}, {"X-Rewrite-URL", "/admin"}, {"X-Forwarded-Prefix", "//evil.example"}, {"X-Forwarded-Port", "666"}}
		b := h.Browser("192.0.2.20", Chrome)
		b.Enroll("ADMIN")
		var first string
		for i, spoof := range spoofs {
			login := "USER" + strconv.Itoa(100+i)
			token := b.Get("/admin/users/new").FormToken()
			fields := url.Values{"form_token": {token}, "user_id": {login}, "name": {"New User"}, "email": {strings.ToLower(login) + "@demo.example"}}
			if p := b.Do("POST", "/admin/users/new", fields, spoof...); p.Status != http.StatusSeeOther || strings.Contains(p.Location, "evil") {
				t.Fatalf("%v: %d %s %s", spoof, p.Status, p.Location, p.Text())
			}
			mail := h.Mail(strings.ToLower(login) + "@demo.example")
			if len(mail) != 1 {
				t.Fatalf("%v: %d letters", spoof, len(mail))
			}
			text := mailedLink.ReplaceAllString(strings.ReplaceAll(strings.ReplaceAll(mail[0].Text+mail[0].HTML, login, "USER"), strings.ToLower(login), "user"), "LINK")
			if first == "" {
				first = text
			}
			if text != first || strings.Contains(text, "evil") {
				t.Errorf("%v changes the letter:\n%s", spoof, text)
			}
		}
		if !strings.Contains(first, publicURL+"/welcome") {
			t.Errorf("the letter has no link of the public URL: %s", first)
		}
	})
}
