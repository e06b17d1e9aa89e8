package apptest

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/admin"
	"countersign/internal/browsertest"
)

// anyLink matches an address in a mail, in its text or its HTML part.
var anyLink = regexp.MustCompile(`http://localhost(/[^\s"<>]*)`)

// NT-04: a mail scanner with a browser opens every link of every mail, runs the scripts of its
// page, and presses nothing. It sends no form and changes no row, and the links work for the reader
// afterwards.
func TestAMailScannerChangesNothing(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.Pass(time.Minute)
		other := h.Browser("203.0.113.66", SafariMac)
		other.SignIn("BSMITH")
		other.Post("/sign-in/token", "token", h.Token("bsmith@demo.example"))
		forgot(t, h, "BSMITH")
		_, added := h.Admin.AddUser(t.Context(), h.Visit(), Operator, admin.NewUser{Login: "JJONES", Name: "Jim Jones", Email: "jjones@demo.example"})
		if err := errors.Join(added, h.Admin.Invite(t.Context(), h.Visit(), Operator, "ADMIN")); err != nil {
			t.Fatal(err)
		}
		links, kinds := map[string]bool{}, map[string]bool{}
		for _, m := range h.Mail("") {
			for _, found := range anyLink.FindAllStringSubmatch(html.UnescapeString(m.Text+"\n"+m.HTML), -1) {
				links[found[1]] = true
				kinds[strings.SplitN(found[1], "?", 2)[0]] = true
			}
		}
		for _, path := range []string{"/not-me", "/password/reset", "/welcome"} {
			if !kinds[path] {
				t.Fatalf("no link to %s was mailed: %v", path, kinds)
			}
		}
		var mu sync.Mutex
		var acts []string
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet {
				mu.Lock()
				acts = append(acts, fmt.Sprint(r.Method, " ", r.URL.Path))
				mu.Unlock()
			}
			h.Door.ServeHTTP(w, r)
		}))
		t.Cleanup(site.Close)
		look := dumper(t, h)
		before := look()
		w := browsertest.Open(t, browsertest.Options{Hosts: map[string]string{"localhost:80": strings.TrimPrefix(site.URL, "http://")}})
		for path := range links {
			if status := w.Go("http://localhost" + path); status != http.StatusOK {
				t.Errorf("%s answers %d: %s", path, status, w.Text())
			}
			if !strings.Contains(w.URL().Path, strings.TrimRight(strings.SplitN(path, "?", 2)[0], "/")) {
				t.Errorf("%s led to %s", path, w.URL())
			}
		}
		if diff := cmp.Diff(before, look()); diff != "" {
			t.Errorf("opening links changes rows:\n%s", diff)
		}
		if len(acts) > 0 {
			t.Errorf("pages sent forms by themselves: %v", acts)
		}
		path, handle := newest(h, "bsmith@demo.example")
		reader := h.Browser("192.0.2.10", Chrome)
		reader.Get(path)
		wantAt(t, reader.Post("/not-me", "link", handle), http.StatusOK, "/not-me", "That session was ended")
	})
}
