package apptest

import (
	"slices"
	"testing"
	"time"
)

// SE-06: a step-up confirms what its page names. If another window has started another change
// since, no form of the first page affects it, and no try is counted. The answer names the pending
// request.
func TestStepUpConfirmsWhatItsPageNames(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("JJONES")
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.EnrollApp("ADMIN", "email")
		h.Pass(50 * time.Minute)

		b.Get("/profile/recovery-codes")
		codes := b.Post("/profile/recovery-codes", "make", "yes", "password", Password)
		wantAt(t, codes, 200, "/step-up", "You are about to make")
		h.Token("admin@demo.example") // of the first page: it has arrived, and the next one is newer
		h.Pass(time.Second)
		b.Get("/admin/users/JJONES")
		wantAt(t, b.Post("/admin/users/JJONES/disable"), 200, "/step-up", "You are about to disable the user JJONES")
		token, look := h.Token("admin@demo.example"), dumper(t, h)

		for path, fields := range map[string][]string{
			"/step-up": {"token", token}, "/step-up/new": nil, "/step-up/other-way": {"method", "app"}, "/step-up/cancel": nil,
		} {
			before := look()
			b.page = codes
			wantAt(t, b.Post(path, fields...), 409, path, "Another change is waiting", "You are about to disable the user JJONES", "nothing was done and no try was counted")
			if changed := before.changes(look(), "session"); len(changed) > 0 {
				t.Errorf("%s changed %v", path, changed)
			}
		}
		b.Get("/step-up")
		wantAt(t, b.Post("/step-up", "token", token), 200, "/admin/users/JJONES", "Disabled")
		if !slices.Contains(h.Events("JJONES"), "user.changed ok") {
			t.Errorf("what the page of now names was not done: %v", h.Events("JJONES"))
		}
	})
}
