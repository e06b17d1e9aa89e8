package apptest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/web"
)

// TN-01: on every route, an ID of another agency is answered as one that does not exist: 404, an
// audit row, and nothing changed here or there. The actor holds every right of their own agency and
// has just proved a second factor.
func TestIDsOfAnotherAgency(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		h.decoy.add(admin.NewUser{Login: "ONLYTHERE", Name: "Only There", Email: "only@decoy.example", Password: Password})
		b := h.Browser("192.0.2.10", Chrome)
		b.EnrollApp("ADMIN", "app")
		look, asked := dumper(t, h), 0
		for _, r := range h.Routes {
			method, _, _ := strings.Cut(r.Pattern, " ")
			if !strings.Contains(r.Pattern, "{id}") || r.Kind == web.RouteOpen {
				continue
			}
			asked++
			before, rows := look(), len(h.Events(""))
			answers := map[string]*Page{}
			for _, id := range []string{"ONLYTHERE", "NOBODY"} {
				if method == "GET" {
					answers[id] = b.Do("GET", place(r, id), nil)
					continue
				}
				answers[id] = b.Do("POST", place(r, id), form(r, b.Get("/profile").FormToken()))
			}
			p, nobody := answers["ONLYTHERE"], answers["NOBODY"]
			if p.Status != http.StatusNotFound || nobody.Status != p.Status || strings.ReplaceAll(p.Text(), "ONLYTHERE", "X") != strings.ReplaceAll(nobody.Text(), "NOBODY", "X") {
				t.Errorf("%s: %d %s, and for an unknown ID %d", r.Pattern, p.Status, p.Text(), nobody.Status)
			}
			if changed := before.changes(look(), "event", "event_head", "session", "attempt"); len(changed) > 0 {
				t.Errorf("%s changed %v", r.Pattern, changed)
			}
			if got := h.Events("")[rows:]; !slices.Contains(got, "object.unknown refused") {
				t.Errorf("%s left no audit row: %v", r.Pattern, got)
			}
		}
		if asked < 12 {
			t.Errorf("only %d routes were asked", asked)
		}
	})
}

// TN-01: devices, sessions, links and cookies of another agency's user of the same user ID open and
// end nothing, by form, by address or by cookie.
func TestHandlesOfAnotherAgency(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.EnrollApp("ADMIN", "app")
		for _, c := range []struct{ path, field, value string }{
			{"/profile/devices/forget", "device", "decoy-admin-device"}, {"/profile/sessions/end", "session", "decoy-admin-session"},
			{"/admin/users/BSMITH/devices/forget", "device", "decoy-bsmith-device"},
			{"/admin/users/BSMITH/sessions/end-one", "session", "decoy-bsmith-session"},
		} {
			b.Get("/profile")
			p := b.Send(c.path, c.field, c.value)
			if p.Status != http.StatusNotFound {
				t.Errorf("%s with %s: %d %s", c.path, c.value, p.Status, p.Text())
			}
		}
		if got := h.Events(""); !slices.Contains(got, "object.unknown refused") {
			t.Errorf("no audit row: %v", got)
		}
		handle, err := h.Admin.FirstAdministrator(t.Context(), countersign.Visit{Agency: h.agencyOf("FRESH", "login.fresh.example"), Now: h.Now()})
		if err != nil || handle == "" {
			t.Fatalf("%q %v", handle, err)
		}
		guest := h.Browser("192.0.2.20", Chrome)
		mask := func(p *Page) string {
			return strings.ReplaceAll(strings.ReplaceAll(p.Text(), p.FormToken(), ""), string(handle), "")
		}
		unknown := countersign.Handle(strings.Repeat("A", 43))
		for _, path := range []string{"/welcome?link=", "/not-me?link="} {
			foreign, nobody := guest.Do("GET", path+string(handle), nil), guest.Do("GET", path+string(unknown), nil)
			if foreign.Status != nobody.Status || mask(foreign) != mask(nobody) || foreign.Status == http.StatusOK {
				t.Errorf("%s of another agency: %d %s; unknown: %d", path, foreign.Status, foreign.Text(), nobody.Status)
			}
		}
		abroad := b.Copy(b.IP, b.Agent) // all cookies of one agency at the other's host
		abroad.Host = DecoyHost
		for _, path := range []string{"/", "/profile", "/admin/users", "/step-up"} {
			if p := abroad.Do("GET", path, nil); p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Location, "/sign-in") {
				t.Errorf("%s at the other host: %d %s", path, p.Status, p.Location)
			}
		}
	})
}

// agencyOf adds an agency.
func (h *App) agencyOf(code, host string) countersign.Agency {
	h.T.Helper()
	a, err := h.Admin.AddAgency(h.T.Context(), h.Now(), countersign.Agency{Code: code, Name: code, Hosts: []string{host}})
	if err != nil {
		h.T.Fatal(err)
	}
	return a
}
