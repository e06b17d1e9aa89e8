package apptest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"countersign/internal/edge"
)

// elsewhere returns addresses that some browser, proxy or library reads as another origin, a
// script, two lines, or something other than a plain path of this origin (WB-04).
func elsewhere() (all []string) {
	hosts := []string{"evil.example", "evil.example:443", "evil.example/", "[::1]", "3232235777", "0x7f.1", "localhost@evil.example", "localhost:80@evil.example",
		"evil.example#localhost", "evil.example?localhost", `evil.example\@localhost`, "localhost.evil.example", "%65vil.example", "evil%2eexample", "evil。example", "еvil.example"}
	begins := []string{"//", "///", "////", "/\\", "\\\\", "\\/", "/\t/", "/\n/", "/\r/", "/\x00/", " //", "\t//", "%2f%2f", "/%2f", "/%2F/", "/%5c", "/%5C%5C", "%5c%5c",
		"http://", "https://", "HTTPS://", "hTtP:", "https:", "http:/", "https:\\\\", "ftp://", "ws://", "//user:pass@", "///user@", "/.//", "/..//", "/./%2f", "/a/..//", "/%2e%2e//", "/%09/", "/%0d%0a/", "/%20//"}
	for i, b := range begins {
		for j, h := range hosts {
			if j < 4 || (i+j)%4 == 0 {
				all = append(all, b+h)
			}
		}
	}
	return append(all,
		"javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)", " javascript:alert(1)", "\x01javascript:alert(1)", "javascript://localhost/%0aalert(1)",
		"data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)", "blob:https://localhost/x", "about:blank", "file:///etc/passwd", "view-source:https://localhost/",
		"evil.example", "www.evil.example/profile", "@evil.example", ":@evil.example", ":80", ":", "?x=//evil.example", "#//evil.example", "", ".", "..", "./profile", "../profile", "profile",
		"/profile\r\nSet-Cookie: session=x", "/profile\nLocation: https://evil.example", "/profile%0d%0aSet-Cookie:%20x=1", "/profile%0aX:%20y", "/profile%00", "/profile\x00", "/profile\x7f", "/profile\u2028x", "/profile\u0085",
		"/profile\u3002evil", "/\u2215evil.example", "/\u2044\u2044evil.example", "/\uff0f\uff0fevil.example", "/\ufeff/evil.example", "/%ef%bc%8f%ef%bc%8fevil.example",
		"/%zz", "/%", "/%f", "/%c0%af%c0%afevil.example", "/%80", "/..", "/../", "/../..//evil.example", "/%2e%2e/%2e%2e//evil.example", "/.evil.example", "/.well-known/../..//evil.example", "/a//b", "/a//evil.example",
		"/\\evil.example\\", "/profile\\..\\..\\evil.example", "/"+strings.Repeat("a", 3000), "https://localhost@evil.example/", "https://evil.example/https://localhost/", "//localhost:80@evil.example", "https:localhost", "http:///evil.example", "http:\\evil.example",
		"///\\;@evil.example", "////;@evil.example/", "/////evil.example", "//google%00.evil.example", "//%0d%0aevil.example", "https:///evil.example", "/%252f/%252fevil.example\x0b", "http://[::ffff:7f00:1]@evil.example", "//evil.example/%2f..", "//evil.example/..;/",
	)
}

// WB-04: no such address is accepted as a path of ours.
func TestThenTakesPathsOfThisOriginOnly(t *testing.T) {
	corpus := elsewhere()
	if len(corpus) < 200 {
		t.Fatalf("the corpus has %d addresses, want 200 or more", len(corpus))
	}
	for _, address := range corpus {
		if got := edge.Then(address); got != "" && !harmlessPath(got) {
			t.Errorf("%q leads to %q", address, got)
		}
	}
	for _, own := range []string{"/", "/profile", "/admin/users?q=smith&sort=name", "/admin/users/BSMITH", "/admin/users?q=a%2Fb", "/profile?next=https://x.example"} {
		if got := edge.Then(own); got != own {
			t.Errorf("%q became %q", own, got)
		}
	}
}

// harmlessPath reports whether a browser on our origin stays there, however often it decodes the
// address and whichever character it reads as a slash.
func harmlessPath(path string) bool {
	for range 3 {
		if !strings.HasPrefix(path, "/") || len(path) > 1 && (path[1] == '/' || path[1] == '\\') || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			return false
		}
		if u, err := url.Parse("https://login.acme.example/"); err == nil {
			to, err := u.Parse(path)
			if err != nil || to.Host != "login.acme.example" || to.Scheme != "https" {
				return false
			}
		}
		once, err := url.PathUnescape(path)
		if err != nil {
			return false
		}
		path = once
	}
	return true
}

// WB-04: through the real sign-in, every such address as `then` ends on a page of this origin, at
// the form, after the password and after the token.
func TestSignInLeadsNowhereElse(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Unwatch()
		h.Set("2FAFREQUENCY", "0")
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).EnrollApp("BSMITH", "email")
		in := h.Browser("192.0.2.20", Chrome)
		in.SignIn("BSMITH")
		in.Post("/sign-in/token", "token", h.Token("bsmith@demo.example"))
		guest := h.Browser("192.0.2.30", Chrome)
		leads := func(where, then string, p *Page) {
			t.Helper()
			if p.Location == "" {
				return
			}
			if !harmlessPath(p.Location) {
				t.Errorf("%s, then %q: leads to %q", where, then, p.Location)
			}
		}
		for _, then := range elsewhere() {
			path := "/sign-in?then=" + url.QueryEscape(then)
			p := guest.Do("GET", path, nil)
			if kept := p.Value("then"); kept != "" && !harmlessPath(kept) {
				t.Errorf("the form keeps %q as %q", then, kept)
			}
			leads("signed in already", then, in.Do("GET", path, nil))
		}
		for i, then := range []string{"//evil.example", `/\evil.example`, "https:evil.example", "javascript:alert(1)", "/%2f/evil.example", "/profile\r\nX: y"} {
			b := h.Browser("192.0.2.40", Chrome)
			b.Get("/sign-in")
			p := b.Send("/sign-in", "user_id", "BSMITH", "password", Password, "then", then)
			leads("after the password", then, p)
			if p.Status != http.StatusSeeOther {
				t.Fatalf("sign-in %d was answered %d: %s", i, p.Status, p.Text())
			}
			b.Get(p.Location)
			p = b.Send("/sign-in/token", "token", h.Token("bsmith@demo.example"))
			leads("after the token", then, p)
			if p.Location != "/" {
				t.Errorf("then %q leads to %q, want the start page", then, p.Location)
			}
			h.Pass(31 * 60e9)
		}
		b := h.Browser("192.0.2.50", Chrome)
		b.Get("/sign-in?then=" + url.QueryEscape("/profile?done=x"))
		b.Send("/sign-in", "user_id", "BSMITH", "password", Password, "then", "/profile")
		b.Get("/sign-in/token")
		if p := b.Send("/sign-in/token", "token", h.Token("bsmith@demo.example")); p.Location != "/profile" {
			t.Errorf("a path of ours is forgotten: %d %q", p.Status, p.Location)
		}
	})
}
