package apptest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/internal/admin"
)

// tails are what mail programs, trackers and people add to the end of a link.
var tails = []string{".", ",", ")", ">", "%3E", "%20", "%20.", "%E2%80%8B", "%C2%A0", "'", `%22`, "!", "?", ":", "]", "*", "%0D%0A",
	"&fbclid=IwAR0x", "&utm_source=mail&utm_source=again", "&gt;", ";", ";.", "%", "%2", "%zz", "&x=%zz", "&%", "&=", "&&&", "&bad=%ff", "&nul=%00", "&%00=x", "&token=344078", "&password=x"}

// opened opens a link with a tail as a browser does.
func opened(t *testing.T, h *App, path string) *Page {
	t.Helper()
	return h.Browser("192.0.2.77", Chrome).Get(path)
}

// A mailed link opens its page with whatever a mail program appends, and its form works. A changed
// or longer secret opens nothing.
func TestMailedLinksSurviveMailPrograms(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.Pass(time.Minute)
		other := h.Browser("203.0.113.66", SafariMac)
		other.SignIn("BSMITH")
		other.Post("/sign-in/token", "token", h.Token("bsmith@demo.example"))
		notMe, _ := newest(h, "bsmith@demo.example")
		password, _ := forgot(t, h, "BSMITH")
		if _, err := h.Admin.AddUser(t.Context(), h.Visit(), Operator, admin.NewUser{Login: "JJONES", Name: "Jim Jones", Email: "jjones@demo.example"}); err != nil {
			t.Fatal(err)
		}
		links := map[string]string{notMe: "Was this you?", password: "Choose a new password", link(t, h, "jjones@demo.example", "/welcome?link="): "Welcome"}
		for path, title := range links {
			wantAt(t, opened(t, h, path), http.StatusOK, strings.SplitN(path, "?", 2)[0], title)
			for _, tail := range tails {
				if p := opened(t, h, path+tail); p.Status != http.StatusOK || !p.Says(title) {
					t.Errorf("%s with %q: %d %s", path, tail, p.Status, p.Text())
				}
			}
			twice := strings.Replace(path, "?", "?link=&key=&", 1)
			if p := opened(t, h, twice); p.Status != http.StatusOK || !p.Says(title) {
				t.Errorf("a field twice: %d %s", p.Status, p.Text())
			}
			last := map[bool]string{true: "B", false: "A"}[strings.HasSuffix(path, "A")]
			for _, wrong := range []string{path[:len(path)-1] + last, path + "A", path + "0", path[:len(path)-1], path[:len(path)-1] + "."} {
				if p := opened(t, h, wrong); p.Status == http.StatusOK && p.Says(title) || strings.Contains(p.Text(), "form can't be read") {
					t.Errorf("another secret, %s, opens the page: %d %s", wrong, p.Status, p.Text())
				}
			}
		}
		b := h.Browser("192.0.2.78", Chrome)
		page := b.Get(notMe + "%3E.")
		wantAt(t, b.Post("/not-me", "link", page.Value("link")), http.StatusOK, "/not-me", "That session was ended")
	})
}

// WB-06: no opened address is refused as a form, and form fields do not stay in the address.
func TestOddAddressesOpenTheirPage(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		for _, path := range []string{"/sign-in", "/password/forgot", "/"} {
			for _, tail := range tails {
				p := opened(t, h, path+"?"+strings.TrimLeft(tail, "&?"))
				if p.Status != http.StatusOK || p.Says("form can't be read") {
					t.Errorf("%s?%s: %d %s", path, tail, p.Status, p.Text())
				}
			}
			if path == "/" {
				continue // the router redirects there by itself
			}
			for _, end := range []string{".", ")", "%3E", "%E2%80%9D", ".)", "%20"} {
				if p := opened(t, h, path+end); p.Status != http.StatusOK {
					t.Errorf("%s%s: %d %s", path, end, p.Status, p.Text())
				}
			}
		}
		b := h.Browser("192.0.2.79", Chrome)
		if p := b.Do("GET", "/sign-in?user_id=BSMITH&password=x&token=344078&a=b", nil); p.Status != http.StatusSeeOther || p.Location != "/sign-in?a=b&user_id=BSMITH" {
			t.Errorf("secrets in the address: %d to %q", p.Status, p.Location)
		}
		for _, path := range []string{"//evil.example/.", "//evil.example/?password=x", "/%5Cevil.example.", "/%2F%2Fevil.example/."} {
			if p := b.Do("GET", path, nil); strings.HasPrefix(p.Location, "//") || strings.HasPrefix(p.Location, `/\`) || strings.Contains(p.Location, "://") {
				t.Errorf("%s leads to %q", path, p.Location)
			}
		}
	})
}
