package apptest

import (
	"fmt"
	"strings"
	"testing"
)

// PW-06: whatever is typed as a user ID, later requests do not wait: not behind one that was cut
// within a character, which PostgreSQL refuses to look up, and not behind one that was moved or
// changed in its row.
func TestNoWishHoldsUpTheOthers(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		wishes := func(login string, from int) {
			b := h.Browser(fmt.Sprintf("198.51.100.%d", from), Edge)
			b.Get("/password/forgot")
			wantAt(t, b.Post("/password/forgot", "user_id", login), 200, "/password/forgot", "Check your mail")
		}
		for i := range 40 { // more than one round processes
			wishes("a"+strings.Repeat("é", 200), i)
		}
		if _, err := h.Raw().ExecContext(t.Context(), `
			UPDATE link_ask SET login = (SELECT login FROM link_ask ORDER BY id DESC LIMIT 1) WHERE id = (SELECT min(id) FROM link_ask)`); err != nil {
			t.Fatal(err)
		}
		wishes("BSMITH", 50)
		for range 3 {
			if err := h.Outbox.Write(t.Context(), h.Now()); err != nil {
				t.Error(err)
			}
		}
		if n := kept(h, "link_ask"); n != 0 {
			t.Errorf("%d wishes wait", n)
		}
		if n := mails(h, bsmith, "Choose a new password"); n != 1 {
			t.Errorf("%d letters", n)
		}
	})
}
