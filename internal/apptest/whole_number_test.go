package apptest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/store"
)

// AU-02: no audit row and no line of the log holds a whole telephone number, when it is set up,
// used or changed.
func TestNoWholeNumberIsRecorded(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		w := h.Watch()
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		b.Get("/set-up/sms")
		b.Post("/set-up/sms", "phone", "6145550112")
		b.Post("/set-up/sms/token", "token", h.Token("+16145550112"))
		b.Post("/set-up/skip")
		b.Post("/set-up/default", "default", "sms")
		b.Get("/profile/phone")
		b.Post("/profile/phone", "phone", "6145550119")
		wantAt(t, b.Post("/profile/phone/token", "token", h.Token("+16145550119")), 200, "/profile", "Your mobile phone was changed.")
		b.SignOut()
		b.SignIn("BSMITH")
		wantIn(t, b.Post("/sign-in/token", "token", h.Token("+16145550119")), "BSMITH")
		mobile := "6145550188"
		if _, err := h.Admin.EditUser(context.Background(), h.Visit(), Operator, "BSMITH", admin.Change{Version: admin.AnyVersion, Mobile: &mobile}); err != nil {
			t.Fatal(err)
		}
		var rows []countersign.Event
		err := h.DB.Read(context.Background(), h.Agency.ID, func(tx *store.Tx) (err error) {
			rows, err = tx.Events(context.Background(), "", 1000)
			return err
		})
		if err != nil || len(rows) < 8 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for _, number := range []string{"5550112", "555-0112", "5550119", "555-0119", "5550188", "555-0188"} {
			for _, row := range rows {
				if strings.Contains(fmt.Sprintf("%+v", row), number) {
					t.Errorf("an audit row holds a whole number: %+v", row)
				}
			}
			if strings.Contains(w.Log(), number) {
				t.Errorf("the log holds a whole number:\n%s", w.Log())
			}
		}
	})
}
